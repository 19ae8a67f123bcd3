package smartlead

import (
	"bytes"
	"strings"
)

// mayHold is a quick test that a text has something to redact.
func (r *redactor) mayHold(text []byte) bool {
	if containsFold(text, "webhooks") || containsFold(text, "key") || containsFold(text, "bearer") {
		return true
	}
	for _, s := range r.secrets {
		if bytes.Contains(text, []byte(s)) {
			return true
		}
	}
	return false
}

// containsFold finds an ASCII lower-case word in any case.
func containsFold(text []byte, word string) bool {
	lower, upper := word[0], word[0]-('a'-'A')
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], lower)
		if j := bytes.IndexByte(text[from:], upper); i < 0 || j >= 0 && j < i {
			i = j
		}
		if i < 0 || len(text)-from-i < len(word) {
			return false
		}
		from += i
		if strings.EqualFold(string(text[from:from+len(word)]), word) {
			return true
		}
		from++
	}
}

// text redacts inside a decoded text: the literals, the path of a hook, and
// values assigned to a credential's name.
func (r *redactor) text(s string) (string, bool) {
	before := s
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, redactedMark)
	}
	s = cutHookPaths(s)
	s = r.assignments(s)
	return s, s != before
}

// cutHookPaths replaces TOKEN in …/webhooks/SOURCE/TOKEN, also where the
// slashes are escaped.
func cutHookPaths(s string) string {
	for _, slash := range [...]string{"/", "%2F", "%2f", `\/`} {
		prefix := slash + "webhooks" + slash
		for from := 0; ; {
			i := strings.Index(s[from:], prefix)
			if i < 0 {
				break
			}
			from += i + len(prefix)
			source := from + segment(s[from:])
			if source == from || !strings.HasPrefix(s[source:], slash) {
				continue
			}
			token := source + len(slash)
			end := token + segment(s[token:])
			if end > token {
				s = s[:token] + redactedMark + s[end:]
			}
			from = token
		}
	}
	return s
}

// segment is the length of the path segment at the beginning of s.
func segment(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '~', c == ':', c == '=':
		case c == '%' && !strings.HasPrefix(s[i:], "%2F") && !strings.HasPrefix(s[i:], "%2f") && !strings.HasPrefix(s[i:], "%3F") && !strings.HasPrefix(s[i:], "%3f"):
		default:
			return i
		}
	}
	return len(s)
}

// assignments replaces what follows an API key's name: api_key=…, also
// percent-encoded, "secret_key":"…", Authorization: Bearer ….
func (r *redactor) assignments(s string) string {
	var out strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		width := separator(s[i:])
		if width == 0 || !isTextCredential(nameBefore(s[done:i])) {
			continue
		}
		start, end := valueAfter(s, i+width)
		if start == end || isRedacted(s[start:end]) || s[start:end] == testSecret {
			continue
		}
		out.WriteString(s[done:start])
		out.WriteString(r.fingerprint(s[start:end]))
		done, i = end, end-1
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

// separator is the length of an assignment's sign at the beginning of s.
func separator(s string) int {
	switch {
	case s[0] == '=' || s[0] == ':':
		return 1
	case s[0] == '%' && len(s) >= 3 && s[1] == '3' && (s[2] == 'D' || s[2] == 'd' || s[2] == 'A' || s[2] == 'a'):
		return 3
	}
	return 0
}

// nameBefore is the name at the end of s, flattened as in memberKind.
func nameBefore(s string) string {
	end := len(s)
	for end > 0 && strings.IndexByte(`"'\ `, s[end-1]) >= 0 {
		end--
	}
	start := end
	for start > 0 && end-start < 40 && isNameByte(s[start-1]) {
		start--
	}
	return strings.Map(func(c rune) rune {
		if c == '-' || c == '_' {
			return -1
		}
		return c
	}, strings.ToLower(s[start:end]))
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// isTextCredential is narrower than isCredentialName: a prospect's link may
// have a token of its own, which tells two clicks apart.
func isTextCredential(flat string) bool {
	return strings.HasSuffix(flat, "apikey") || strings.HasSuffix(flat, "secretkey") || flat == "authorization"
}

// valueAfter finds the value assigned: past quotes, blanks and "Bearer ", up to
// a quote, blank or delimiter.
func valueAfter(s string, i int) (start, end int) {
	for i < len(s) && strings.IndexByte(`"'\ `, s[i]) >= 0 {
		i++
	}
	for _, scheme := range [...]string{"bearer ", "basic "} {
		if len(s)-i >= len(scheme) && strings.EqualFold(s[i:i+len(scheme)], scheme) {
			i += len(scheme)
		}
	}
	start = i
	for i < len(s) && strings.IndexByte("\"'\\ \t\r\n&;,<>()[]{}#|`", s[i]) < 0 && !strings.HasPrefix(s[i:], "%26") {
		i++
	}
	return start, i
}

// maxRedactText bounds what RedactText keeps, in bytes.
const maxRedactText = 64 << 10

// RedactText removes credentials from a body that is not JSON, as far as they
// can be told in plain text, so that a refused request can be audited. The
// result is valid UTF-8 of at most 64 KB.
func RedactText(s string, opts Options) string {
	if len(s) > maxRedactText {
		s = s[:maxRedactText]
	}
	r, _ := newRedactor(opts).text(strings.ToValidUTF8(s, "\uFFFD"))
	return r
}
