package smartlead

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// redactedMark replaces a secret of which nothing may be known.
	redactedMark = "redacted"
	// redactedHMAC begins the keyed fingerprint of a credential: equal
	// credentials have equal ones, so that a rotation can be seen.
	redactedHMAC = "redacted:hmac:"
	hmacDigits   = 12
	// testSecret is what the provider's dashboard sends with a test event. It
	// is no secret, and it stays so that the event can be told from real ones.
	testSecret = "secretkey"
	// minSecret is the length, in bytes, from which a literal of
	// Options.Secrets is looked for. Shorter ones would tear ordinary text.
	minSecret = 6
)

// redactor removes credentials. It is read-only after newRedactor.
type redactor struct {
	key     []byte
	outside bool
	secrets []string // every spelling of the literals
}

func newRedactor(opts Options) *redactor {
	r := &redactor{key: opts.RedactionKey, outside: opts.Outside}
	for _, s := range opts.Secrets {
		if len(s) < minSecret || strings.Contains(redactedHMAC, s) {
			continue
		}
		if strings.IndexFunc(s, notPlain) < 0 {
			r.secrets = append(r.secrets, s)
			continue
		}
		quoted, _ := json.Marshal(s)
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), string(quoted[1 : len(quoted)-1])} {
			if !slices.Contains(r.secrets, form) {
				r.secrets = append(r.secrets, form)
			}
		}
	}
	return r
}

// notPlain finds characters that an URL or a JSON string may spell otherwise.
func notPlain(r rune) bool { return r >= 0x80 || !isNameByte(byte(r)) } //nolint:gosec // below 0x80

// fingerprint returns what replaces a credential.
func (r *redactor) fingerprint(secret string) string {
	if len(r.key) == 0 {
		return redactedMark
	}
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte(secret))
	var sum [sha256.Size]byte
	digits := hex.EncodeToString(mac.Sum(sum[:0])[:hmacDigits/2])
	return redactedHMAC + digits
}

func isRedacted(s string) bool {
	rest, ok := strings.CutPrefix(s, redactedHMAC)
	if !ok {
		return s == redactedMark
	}
	return len(rest) == hmacDigits && strings.Trim(rest, "0123456789abcdef") == ""
}

// payload returns the redacted text of the object at root: a copy of the original
// but for what is removed. Of duplicate members the last one stays. The tree is that of
// the payload, to be freed; nil where it has to be scanned.
func (r *redactor) payload(t *tree, root uint32) ([]byte, *tree) {
	e := editor{t: t, r: r, root: root, last: t.nodes[root].start}
	// A credential may be shorter than what replaces it.
	e.out = make([]byte, 0, len(t.raw(root))+256+len(t.raw(root))/64)
	e.object(root)
	e.out = append(e.out, t.src[e.last:t.nodes[root].end]...)
	switch {
	case e.renamed: // a renamed member may have become the twin of another
		return withoutTwins(e.out, limits{values: len(t.nodes), depth: len(t.src)}), nil
	case e.cut:
		return e.out, nil
	}
	return e.out, e.moved()
}

func withoutTwins(payload []byte, lim limits) []byte {
	t, err := scanTree(payload, lim)
	if err != nil {
		return payload
	}
	defer t.free()
	e := editor{t: t, r: &redactor{}, out: make([]byte, 0, len(payload))}
	e.object(0)
	return append(e.out, payload[e.last:]...)
}

// editor copies a text with replacements, front to back.
type editor struct {
	t       *tree
	r       *redactor
	root    uint32
	out     []byte
	last    uint32 // up to here the text is in out
	edits   []edit // of values that have nothing inside, in order
	cut     bool   // nodes are gone
	renamed bool
}

// edit is a value that was replaced.
type edit struct {
	node   uint32
	growth uint32 // of its text in bytes, modulo 2^32
}

func (e *editor) replace(start, end uint32, with string) {
	e.out = append(e.out, e.t.src[e.last:start]...)
	e.out = append(e.out, with...)
	e.last = end
}

func (e *editor) replaceText(i uint32, with string) {
	n := e.t.nodes[i]
	e.replace(n.start, n.end, "")
	before := len(e.out)
	// Valid UTF-8, as it came from a scanned text: it cannot fail.
	e.out, _ = jsontext.AppendQuote(e.out, with)
	e.edits = append(e.edits, edit{i, uint32(len(e.out)-before) - (n.end - n.start)}) //nolint:gosec // a body has at most 10 MB
	e.cut = e.cut || n.next != i+1
}

// moved returns the tree of what was written: that of the original, each node where it is
// now.
func (e *editor) moved() *tree {
	from := e.t.nodes[e.root:e.t.nodes[e.root].next]
	to := trees.Get().(*tree)
	to.src, to.nodes = e.out, slices.Grow(to.nodes[:0], len(from))
	edits, shift := e.edits, -from[0].start
	for i, n := range from {
		inside := n.next - e.root // nodes up to there
		n.next, n.start, n.end = inside, n.start+shift, n.end+shift
		for _, x := range edits {
			if x.node-e.root >= inside {
				break
			}
			n.end += x.growth
		}
		if len(edits) > 0 && edits[0].node-e.root == uint32(i) {
			shift += edits[0].growth
			edits = edits[1:]
			n.has = anything
			if bytes.IndexByte(e.out[n.start:n.end], '\\') < 0 {
				n.has &^= hasEscape | hasCode
			}
		}
		to.nodes = append(to.nodes, n)
	}
	return to
}

func (e *editor) object(i uint32) {
	duplicate := e.t.duplicates(i)
	wrapper := i == e.root && e.t.member(i, "body") != 0
	for name, value := range e.t.children(i) {
		if duplicate != nil && duplicate[name] {
			// A later member follows: cut up to its name.
			e.cut = true
			e.replace(e.t.nodes[name].start, e.t.nodes[e.t.nodes[value].next].start, "")
			continue
		}
		in := e.t.decode(name)
		kind := memberKind(in)
		if wrapper && string(in) == "headers" {
			e.replaceText(value, redactedMark)
			continue
		}
		if e.text(name) {
			e.renamed = true
		}
		switch kind {
		case credentialMember:
			e.credential(value, e.r.outside && namesSecretKey(in))
		case hookURLMember:
			e.hookURL(value)
		case plainMember:
			e.value(value)
		}
	}
}

func (e *editor) value(i uint32) {
	switch e.t.kind(i) {
	case '{':
		e.object(i)
	case '[':
		for _, c := range e.t.children(i) {
			e.value(c)
		}
	case '"':
		e.text(i)
	case 't', 'f', 'n':
	default:
		for _, s := range e.r.secrets {
			if bytes.Contains(e.t.raw(i), []byte(s)) {
				e.replaceText(i, redactedMark)
				return
			}
		}
	}
}

// namesSecretKey tells whether a member is the key by which a body is trusted.
func namesSecretKey(name []byte) bool {
	return bytes.Contains(flattened(make([]byte, 0, 64), name), []byte("secretkey"))
}

// credential replaces a value whole. Absent values stay, and so does the
// dashboard's literal; what is redacted already, unless it comes from outside.
func (e *editor) credential(i uint32, outside bool) {
	text := string(e.t.raw(i))
	switch e.t.kind(i) {
	case 'n':
		return
	case '"':
		text = e.t.str(i)
		if text == "" || strings.TrimSpace(text) == testSecret || isNull(e.t.inner(i)) || isRedacted(text) && !outside {
			return
		}
	}
	e.replaceText(i, e.r.fingerprint(text))
}

// hookURL cuts our own URL, which holds the token, to scheme and host.
func (e *editor) hookURL(i uint32) {
	switch e.t.kind(i) {
	case 'n':
	case '"':
		text := e.t.str(i)
		if text == "" || isNull(e.t.inner(i)) {
			return
		}
		if host, _ := e.r.text(schemeAndHost(text)); host != text {
			e.replaceText(i, host)
		}
	default:
		e.replaceText(i, redactedMark)
	}
}

func schemeAndHost(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz+-.") != "" {
		return redactedMark
	}
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		rest = rest[:end]
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	return scheme + "://" + rest
}

// text redacts inside a string, and replaces surrogates without a partner,
// which strict readers refuse. It tells whether anything changed.
func (e *editor) text(i uint32) bool {
	decoded, has := e.t.decode(i), e.t.nodes[i].has
	if e.r.mayHold(decoded, has) {
		if s, changed := e.r.text(string(decoded)); changed {
			e.replaceText(i, s)
			return true
		}
	}
	if has&hasCode != 0 && hasLoneSurrogate(e.t.inner(i)) {
		e.replaceText(i, string(decoded))
		return true
	}
	return false
}

// hasLoneSurrogate looks at escapes alone: in UTF-8 there are no surrogates.
func hasLoneSurrogate(in []byte) bool {
	for {
		i := bytes.IndexByte(in, '\\')
		if i < 0 {
			return false
		}
		if in[i+1] != 'u' {
			in = in[i+2:]
			continue
		}
		half, _ := hex4(in, i+2)
		r, rest := unescapeRune(in[i+2:])
		if r == utf8.RuneError && utf16.IsSurrogate(half) {
			return true
		}
		in = rest
	}
}

// quadraticMembers is up to how many members are compared pair by pair.
const quadraticMembers = 48

// duplicates marks the names of an object that a later member repeats; nil
// when there are none.
func (t *tree) duplicates(object uint32) map[uint32]bool {
	var stack [quadraticMembers]uint32
	names := stack[:0]
	plain := true // comparing escaped names costs far more
	for name := range t.children(object) {
		names = append(names, name)
		plain = plain && t.nodes[name].has&hasEscape == 0
	}
	var found map[uint32]bool
	mark := func(name uint32) {
		if found == nil {
			found = make(map[uint32]bool)
		}
		found[name] = true
	}
	if !plain || len(names) > quadraticMembers {
		slices.SortStableFunc(names, t.compareNames)
		for i := 1; i < len(names); i++ {
			if t.compareNames(names[i-1], names[i]) == 0 {
				mark(names[i-1])
			}
		}
		return found
	}
	// Few names look alike; only those are compared.
	var seen [16]uint64
	for i, b := range names {
		in := t.inner(b)
		look := looks(in)
		if seen[look/64]&(1<<(look%64)) != 0 {
			for _, a := range names[:i] {
				if bytes.Equal(t.inner(a), in) {
					mark(a)
				}
			}
		}
		seen[look/64] |= 1 << (look % 64)
	}
	return found
}

// looks is the same for equal names, and seldom for others; below 1024.
func looks(name []byte) uint {
	n := len(name)
	if n == 0 {
		return 0
	}
	return (uint(n)*131 + uint(name[0])*31 + uint(name[n/2])*7 + uint(name[n-1])) % 1024
}
