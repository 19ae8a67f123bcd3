package smartlead

import (
	"strings"
	"unicode"

	"smartlead-receiver/pkg/webhook"
)

// name is one name of a type, normalized.
type name struct {
	text   string
	naming naming
}

// naming says which dialect a name is of.
type naming uint8

const (
	// canonicalName is the name in the current API reference, and in what arrives.
	canonicalName naming = iota
	// nestedName is of the nested dialects; in lower case it registers a hook.
	nestedName
	// sharedName is a canonical name that the nested dialects have as well; in
	// lower case, without a time of its own beside it, it registers a hook.
	sharedName
	// shortName is of the short dialect alone.
	shortName
	// enumName registers a hook and is of no other dialect.
	enumName
	// otherName is a variant that integrators saw, or that a dialect's pattern
	// allows. It tells no dialect.
	otherName
)

// named is what a name stands for.
type named struct {
	typ    webhook.Type
	rule   *rule
	naming naming
}

// byName has every name of every type. It is filled from the rules alone.
var byName = func() map[string]named {
	all := map[string]named{}
	for typ, r := range rules {
		all[string(typ)] = named{typ, r, canonicalName}
		for _, n := range r.names {
			all[n.text] = named{typ, r, n.naming}
		}
	}
	return all
}()

// lookUp resolves a name; what nobody has seen is Unknown.
func lookUp(raw string) named {
	if n, ok := byName[raw]; ok {
		return n
	}
	if n, ok := byName[normalType(raw)]; ok {
		return n
	}
	return byName[string(webhook.Unknown)]
}

// TypeNamed returns the type that a body means by a name, in any of its
// spellings; false when no type is known by it.
func TypeNamed(name string) (webhook.Type, bool) {
	n := lookUp(name)
	return n.typ, n.typ != webhook.Unknown
}

// maxRawType bounds the name that is kept of a type, in bytes.
const maxRawType = 200

// normalType returns a type's name upper-cased and trimmed, with '.', '-' and
// blanks as '_', runs of them as one.
func normalType(raw string) string {
	var name strings.Builder
	for _, r := range strings.ToUpper(strings.TrimSpace(raw)) {
		if r == '.' || r == '-' || unicode.IsSpace(r) {
			r = '_'
		}
		if r == '_' && strings.HasSuffix(name.String(), "_") {
			continue
		}
		name.WriteRune(r)
	}
	return strings.Trim(name.String(), "_")
}
