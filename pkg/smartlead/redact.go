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

// kindOfMember says how a member is redacted, by its name alone.
type kindOfMember byte

const (
	plainMember kindOfMember = iota
	credentialMember
	hookURLMember
)

// memberKind compares names without case and punctuation, so that api_key,
// apiKey and X-API-Key are one.
func memberKind(name []byte) kindOfMember {
	if len(name) > 64 {
		return plainMember
	}
	var stack [64]byte
	flat := flattened(stack[:0], name)
	switch {
	case bytes.HasSuffix(flat, []byte("webhookurl")):
		return hookURLMember
	case isCredentialName(flat):
		return credentialMember
	}
	return plainMember
}

// flattened appends a name in lower case and without punctuation.
func flattened(flat, name []byte) []byte {
	for _, c := range name {
		switch {
		case c >= 'A' && c <= 'Z':
			flat = append(flat, c+'a'-'A')
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			flat = append(flat, c)
		}
	}
	return flat
}

func isCredentialName(flat []byte) bool {
	switch string(flat) {
	case "authorization", "proxyauthorization", "cookie", "setcookie", "passwd", "bearer":
		return true
	}
	for _, end := range [...]string{"secret", "token", "password", "accesskey", "privatekey"} {
		if len(flat) >= len(end) && string(flat[len(flat)-len(end):]) == end {
			return true
		}
	}
	return bytes.Contains(flat, []byte("apikey")) || bytes.Contains(flat, []byte("secretkey"))
}

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
// but for what is removed. Of duplicate members the last one stays.
func (r *redactor) payload(t *tree, root uint32) []byte {
	e := editor{t: t, r: r, root: root, last: t.nodes[root].start}
	// A credential may be shorter than what replaces it.
	e.out = make([]byte, 0, len(t.raw(root))+256+len(t.raw(root))/64)
	e.object(root)
	e.out = append(e.out, t.src[e.last:t.nodes[root].end]...)
	if !e.renamed {
		return e.out
	}
	// A renamed member may have become the twin of another.
	again, err := scanTree(e.out, limits{values: len(t.nodes), depth: len(t.src)})
	if err != nil {
		return e.out
	}
	defer again.free()
	once := editor{t: again, r: &redactor{}, out: make([]byte, 0, len(e.out))}
	once.object(0)
	return append(once.out, e.out[once.last:]...)
}

// editor copies a text with replacements, front to back.
type editor struct {
	t       *tree
	r       *redactor
	root    uint32
	out     []byte
	last    uint32 // up to here the text is in out
	renamed bool
}

func (e *editor) replace(start, end uint32, with string) {
	e.out = append(e.out, e.t.src[e.last:start]...)
	e.out = append(e.out, with...)
	e.last = end
}

func (e *editor) replaceText(i uint32, with string) {
	n := e.t.nodes[i]
	e.replace(n.start, n.end, "")
	// Valid UTF-8, as it came from a scanned text: it cannot fail.
	e.out, _ = jsontext.AppendQuote(e.out, with)
}

func (e *editor) object(i uint32) {
	duplicate := e.t.duplicates(i)
	wrapper := i == e.root && e.t.member(i, "body") != 0
	for name, value := range e.t.children(i) {
		if duplicate != nil && duplicate[name] {
			// A later member follows: cut up to its name.
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
	decoded := e.t.decode(i)
	if e.r.mayHold(decoded) {
		if s, changed := e.r.text(string(decoded)); changed {
			e.replaceText(i, s)
			return true
		}
	}
	if len(decoded) < len(e.t.inner(i)) && hasLoneSurrogate(e.t.inner(i)) {
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
		plain = plain && bytes.IndexByte(t.inner(name), '\\') < 0
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
	for i, a := range names {
		for _, b := range names[i+1:] {
			if bytes.Equal(t.inner(a), t.inner(b)) {
				mark(a)
				break
			}
		}
	}
	return found
}
