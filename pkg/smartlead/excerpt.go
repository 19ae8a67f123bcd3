package smartlead

import (
	"bytes"
	"html"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// maxExcerptInput bounds what is read of a body, so that escapes of six
	// characters each leave something to show.
	maxExcerptInput = 8 << 10
	// maxEscape is longer than any escape that a cut may leave in part.
	maxEscape = 64
	// maxUnescape bounds how often escapes within escapes are opened.
	maxUnescape = 8

	notTextMark = "(not text)"
	droppedMark = "[redacted to the end]"
)

// Excerpt returns the beginning of a body that cannot be read, at most limit
// bytes of valid UTF-8, for the audit of a refusal. In broken text a credential
// cannot be told reliably from what stands beside it, so this fails closed:
// nothing is kept after the name of a credential, nor before one that is itself
// a value, nothing of what is not text or looks encoded, and no literal of
// opts.Secrets however it is spelled. It is for people alone and never part of
// an identity. Safe for concurrent use.
func Excerpt(body []byte, limit int, opts Options) (excerpt string) {
	defer func() {
		if recover() != nil {
			excerpt = notTextMark
		}
	}()
	if !isText(body) {
		return clipText(notTextMark, limit)
	}
	x := excerpter{secrets: opts.Secrets, cut: len(body) > maxExcerptInput}
	s := clipText(string(body[:min(len(body), maxExcerptInput+utf8.UTFMax)]), maxExcerptInput)
	s, ok := unescapeText(s, x.drop)
	if !ok {
		return clipText(notTextMark, limit)
	}
	return clipText(x.finish(s), limit)
}

// excerpter redacts one excerpt.
type excerpter struct {
	secrets []string
	cut     bool // the text ends within the body, and not at a name
	named   bool // it ends at a name
}

// drop is done at each level of escapes: what opens the next one may take a
// part of a name or a literal for an escape.
func (x *excerpter) drop(s string) string {
	for _, secret := range x.secrets {
		s = cutLiteral(s, secret)
	}
	if at := credentialNames().FindStringIndex(s); at != nil {
		s, x.cut, x.named = s[:at[0]]+droppedMark, false, true
	}
	return s
}

func (x *excerpter) finish(s string) string {
	if x.named && endsInValue(strings.TrimSuffix(s, droppedMark)) {
		return droppedMark
	}
	if x.cut {
		s = clipText(s, len(s)-maxEscape)
		for _, secret := range x.secrets {
			s = cutPartial(s, secret)
		}
	}
	return hookURLs().ReplaceAllString(cutRuns(s, x.cut), "webhooks/"+redactedMark)
}

// endsInValue tells whether the name that followed s was itself a value, as in
// value="…" name="secret_key": then the credential may stand before it.
func endsInValue(s string) bool {
	s = strings.TrimRightFunc(s, func(r rune) bool { return r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) })
	s = strings.TrimRight(s, "\"'`\\ \t\r\n")
	return strings.HasSuffix(s, ":") || strings.HasSuffix(s, "=") || strings.HasSuffix(s, ">")
}

// ShowsSecret tells whether a text, such as a header, holds one of the literals
// of opts.Secrets in any spelling.
func ShowsSecret(s string, opts Options) bool {
	shown := false
	_, _ = unescapeText(s, func(s string) string {
		for _, secret := range opts.Secrets {
			shown = shown || cutLiteral(s, secret) != s
		}
		return s
	})
	return shown
}

// isText refuses what another encoding leaves: a NUL, a replacement character,
// bytes that are no UTF-8.
func isText[T string | []byte](s T) bool {
	b := []byte(s)
	return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 && !bytes.Contains(b, []byte("\uFFFD"))
}

// clipText is at most the first n bytes, up to a whole character.
func clipText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// What is sought by an expression is rarely sought: an expression is compiled when it is
// first needed, and not at every start.

// credentialNames finds names whose values are credentials, and the beginning
// of our own tokens. More than these names match: that costs text alone.
var credentialNames = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)secret|(api|access|private)[^\pL\pN]{0,4}key|authori[sz]ation|token|` +
		`pass[^\pL\pN]{0,4}w(or)?d|pwd|bearer|cookie|credential|slr[^\pL\pN]{1,4}`)
})

// hookURLs finds the paths of our hooks. The source's name goes with the token:
// the two may have changed places.
var hookURLs = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("(?i)webhooks\\s*[\\\\/]+\\s*[^\\s\"'<>`]+(\\s*[\\\\/]+\\s*[^\\s\"'<>`]+)*")
})

// escapes are the ways to spell a character in JSON, JavaScript, URLs and
// quoted-printable, where the end of a line can be escaped.
var escapes = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:\\+u[0-9A-Fa-f]{4})+|\\+u\{0*[0-9A-Fa-f]{1,6}\}|(?:\\+x[0-9A-Fa-f]{2}|%[0-9A-Fa-f]{2})+|\\+[nrt/"']|=\r?\n`)
})

// unescapeText opens escapes, also those within others, and drops characters
// that cannot be seen. At each level it passes the text through look. It reports
// false for what is no text then.
func unescapeText(s string, look func(string) string) (string, bool) {
	for range maxUnescape {
		s = look(s)
		next := s
		if !nothingEscaped(next) {
			next = escapes().ReplaceAllStringFunc(next, openEscape)
		}
		if next = look(next); !nothingEscaped(next) {
			next = strings.Map(visible, html.UnescapeString(next))
			if !isText(next) {
				return next, false
			}
		}
		if next == s {
			return s, true
		}
		s = next
	}
	return s, false
}

// nothingEscaped tells a text in which unescapeText finds nothing to open, to drop or to
// refuse: most names and ids are.
func nothingEscaped(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\', c == '%', c == '=', c == '&', c < ' ', c > '~':
			return false
		}
	}
	return true
}

func visible(r rune) rune {
	if r != 0 && r != '\t' && r != '\r' && r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Mn, unicode.Me, unicode.Variation_Selector) {
		return -1
	}
	return r
}

// openEscape reads one match of escapes.
func openEscape(s string) string {
	switch {
	case s[0] == '=':
		return ""
	case s[0] == '%':
		return unescapeBytes(s)
	}
	switch rest := strings.TrimLeft(s, `\`); {
	case strings.HasPrefix(rest, "u{"):
		r, _ := strconv.ParseUint(strings.Trim(rest, "u{}"), 16, 32)
		return string(rune(r)) //nolint:gosec // of six digits; what is no character becomes U+FFFD
	case rest[0] == 'u':
		return unescapeUnits(s)
	case rest[0] == 'x':
		return unescapeBytes(s)
	case rest[0] == 'n', rest[0] == 'r':
		return "\n"
	case rest[0] == 't':
		return "\t"
	default:
		return rest
	}
}

func unescapeUnits(s string) string {
	var units []uint16
	for _, digits := range strings.FieldsFunc(s, func(r rune) bool { return r == '\\' || r == 'u' }) {
		n, _ := strconv.ParseUint(digits, 16, 16)
		units = append(units, uint16(n))
	}
	return string(utf16.Decode(units))
}

func unescapeBytes(s string) string {
	var out []byte
	for _, digits := range strings.FieldsFunc(s, func(r rune) bool { return r == '\\' || r == 'x' || r == '%' }) {
		n, _ := strconv.ParseUint(digits, 16, 8)
		out = append(out, byte(n))
	}
	return string(out)
}
