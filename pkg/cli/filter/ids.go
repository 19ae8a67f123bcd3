package filter

import (
	"context"
	"slices"
	"strings"

	"smartlead-receiver/pkg/cli/payload"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/webhook"
)

// Latest stands for the newest received event.
const Latest = "latest"

const (
	minHash   = 6  // characters of a hash that name an event
	shownHash = 8  // that a terminal shows; so many are taken for the event's own
	wholeHash = 32 // that an id has
)

// IDsUsage is how an event may be named, for the help of a command.
const IDsUsage = `An ID may be short: as tables show it (EMAIL_REPLY:3PSO7TVY), its hash or the
first six characters of that, or the word latest.`

// Ref is an event as it was typed: a whole id, or the beginning of one.
type Ref struct {
	Text string
	id   webhook.EventID // whole, or may be

	latest     bool
	typ        string // of the id, or its beginning; "" for any
	wholeType  bool
	hash       string
	occurrence int
}

// ParseRef reads what may name an event; ok is false for text that cannot.
func ParseRef(text string) (ref Ref, ok bool) {
	ref = Ref{Text: text, occurrence: 1}
	if text == Latest {
		ref.latest = true
		return ref, true
	}
	if id, err := webhook.ParseEventID(text); err == nil {
		ref.id = id
	}
	key, occurrence, repeated := strings.Cut(strings.TrimPrefix(text, "v1:"), "~")
	typ, hash, named := strings.Cut(key, ":")
	if !named {
		typ, hash = "", key
	}
	ref.typ, ref.hash = strings.TrimSuffix(typ, "…"), hash
	ref.wholeType = ref.typ == typ && named
	if repeated {
		id, err := webhook.ParseEventID("v1:UNKNOWN:" + hash + "~" + occurrence)
		if err != nil {
			return ref, false
		}
		ref.occurrence = id.Occurrence()
	}
	if ref.id != "" && (len(hash) >= wholeHash || len(hash) < minHash) {
		return ref, true
	}
	return ref, len(hash) >= minHash && len(hash) <= wholeHash && isWord(hash) && (typ == "" || isWord(ref.typ))
}

// isWord tells what types and hashes are made of.
func isWord(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// whole tells whether the id needs no looking for.
func (r Ref) whole() bool { return r.id != "" && (len(r.hash) >= wholeHash || len(r.hash) < minHash) }

// Matches tells whether an event is one that may be meant.
func (r Ref) Matches(id webhook.EventID) bool {
	typ, hash, _ := strings.Cut(strings.TrimPrefix(id.Key(), "v1:"), ":")
	fits := strings.HasPrefix(typ, r.typ)
	if r.wholeType {
		fits = typ == r.typ
	}
	return fits && strings.HasPrefix(hash, r.hash) && id.Occurrence() == r.occurrence
}

// sure tells whether one match is enough: the hash is as long as a terminal shows
// it.
func (r Ref) sure() bool { return len(r.hash) >= shownHash }

// IDs are the ids of the events that are meant, each once. Whole ids are taken as
// they are, whether or not the event exists; the others are looked for.
func IDs(ctx context.Context, s Asker, events Events, refs []Ref) ([]webhook.EventID, error) {
	found, err := resolve(ctx, s, events, refs)
	if err != nil {
		return nil, err
	}
	var out []webhook.EventID
	for _, id := range found {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// Refs reads which events the arguments name; '-' stands for those of stdin, one a
// line, or in the lines that --json prints.
func Refs(s *session.Session, args []string) ([]Ref, error) {
	var out []Ref
	for _, arg := range args {
		words := []string{arg}
		if arg == "-" {
			text, err := payload.Read(s.In, "-")
			if err != nil {
				return nil, problem.Failed(err, "stdin cannot be read")
			}
			if words, err = idsIn(text); err != nil {
				return nil, err
			}
		}
		for _, word := range words {
			if word == "" {
				return nil, problem.Usage("the event id is empty").Hint("find one: %s events find TEXT", s.Self())
			}
			ref, ok := ParseRef(word)
			if !ok {
				return nil, problem.Usage("%s: %v: it looks like EMAIL_REPLY:3PSO7TVY, or is at least %d characters of what stands behind the type, or %s",
					word, webhook.ErrBadEventID, minHash, Latest).Hint("find it: %s events find TEXT", s.Self())
			}
			out = append(out, ref)
		}
	}
	return out, nil
}
