package smartlead

import (
	"bytes"
	"strings"
)

// mayHold is a quick test, without allocation, that a text has something to
// redact.
func (r *redactor) mayHold(text []byte, has content) bool {
	if len(text) < minSecret {
		return false
	}
	for _, s := range r.secrets {
		if bytes.Contains(text, []byte(s)) {
			return true
		}
	}
	if has&hasCode != 0 {
		has = anything
	}
	if has&hasW != 0 && bytes.Contains(text, []byte("webhooks")) {
		return true
	}
	if has&hasSign == 0 {
		return false
	}
	for _, sign := range []byte(separators) {
		for from := 0; ; {
			i := bytes.IndexByte(text[from:], sign)
			if i < 0 {
				break
			}
			i += from
			if separator(text, i) > 0 && namesCredential(text[:i]) {
				return true
			}
			from = i + 1
		}
	}
	return false
}

// separators are the bytes with which the sign of an assignment begins.
const separators = "=:%"

// maxPasses bounds how often a text is redacted again.
const maxPasses = 8

// text redacts inside a decoded text: the literals, the path of a hook, and
// values assigned to a credential's name. What one replacement leaves can read
// as the next one's path, so it goes on until nothing changes: a stored payload
// that is sent again is the same event. It tells whether anything changed.
func (r *redactor) text(s string) (string, bool) {
	before := s
	for range maxPasses {
		next := r.pass(s)
		if next == s {
			break
		}
		s = next
	}
	return s, s != before
}

func (r *redactor) pass(s string) string {
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, redactedMark)
	}
	for _, slash := range [...]string{"/", "%2F", "%2f", `\/`} {
		s = cutHookPaths(s, slash)
	}
	return cutAssignments(s)
}

// cutHookPaths replaces TOKEN in …/webhooks/SOURCE/TOKEN and …/webhooks/SOURCE?…,
// for one spelling of the slash.
func cutHookPaths(s, slash string) string {
	prefix := slash + "webhooks" + slash
	var out strings.Builder
	done := 0
	for at := 0; ; {
		i := strings.Index(s[at:], prefix)
		if i < 0 {
			break
		}
		source := at + i + len(prefix)
		at = source + segment(s[source:])
		rest := s[at:]
		switch {
		case at == source:
			continue
		case strings.HasPrefix(rest, slash):
			at += len(slash)
		case strings.HasPrefix(rest, "?"):
			at++
		default:
			continue
		}
		end := at + segment(s[at:])
		if s[at-1] == '?' {
			end = at + query(s[at:])
		}
		if end > at {
			out.WriteString(s[done:at])
			out.WriteString(redactedMark)
			// A query may hold further such paths: they went with it.
			done, at = end, end
		}
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

// segment returns the length of the path segment at the beginning of s.
func segment(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case isNameByte(c), strings.IndexByte(".~:=+@$!", c) >= 0:
		case c == '%' && !encodes(s[i:], "2f") && !encodes(s[i:], "3f"):
		default:
			return i
		}
	}
	return len(s)
}

// query returns the length of the query at the beginning of s.
func query(s string) int {
	if i := strings.IndexAny(s, "\"'\\ \t\r\n<>"); i >= 0 {
		return i
	}
	return len(s)
}

// encodes tells whether s begins with that percent-encoded byte.
func encodes(s, digits string) bool {
	return len(s) >= 3 && s[0] == '%' && strings.EqualFold(s[1:3], digits)
}

// cutAssignments replaces what follows a credential's name: api_key=…, also
// percent-encoded, "secret_key":"…", Authorization: Bearer …. There is no keyed
// fingerprint in a text: a reply's text and a link can be part of the identity,
// which must not depend on the redaction's key.
func cutAssignments(s string) string {
	var out strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		width := separator(s, i)
		if width == 0 || !namesCredential(s[done:i]) {
			continue
		}
		start, end := valueAfter(s, i+width)
		if start == end || isRedacted(s[start:end]) || s[start:end] == testSecret {
			continue
		}
		out.WriteString(s[done:start])
		out.WriteString(redactedMark)
		done, i = end, end-1
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

// separator returns the length of an assignment's sign at s[i]; 0 when there is none.
func separator[T string | []byte](s T, i int) int {
	switch s[i] {
	case '=', ':':
		return 1
	case '%':
		if len(s) >= i+3 && s[i+1] == '3' && (s[i+2]|0x20 == 'd' || s[i+2]|0x20 == 'a') {
			return 3
		}
	}
	return 0
}

// textCredentials has the names, backwards, whose assigned values are credentials
// in plain text. They are fewer than those of members: a prospect's link may have a token of
// its own, which tells two clicks apart.
var textCredentials = [...]string{"yekipa", "yekterces", "noitazirohtua"}

// namesCredential tells whether a credential's name ends s, past quotes and
// blanks, in any case, with or without '_' and '-'.
func namesCredential[T string | []byte](s T) bool {
	end := len(s)
	for end > 0 && (s[end-1] == '"' || s[end-1] == '\'' || s[end-1] == '\\' || s[end-1] == ' ') {
		end--
	}
	if end == 0 {
		return false
	}
	switch s[end-1] | 0x20 {
	case 'y', 'n':
	default:
		return false
	}
	for _, name := range textCredentials {
		i, n := end, 0
		for i > 0 && n < len(name) {
			i--
			c := s[i]
			if c == '-' || c == '_' {
				continue
			}
			if c|0x20 != name[n] {
				break
			}
			n++
		}
		if n == len(name) {
			return true
		}
	}
	return false
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// valueAfter finds the value assigned: past quotes, blanks and "Bearer ", up to
// a quote, blank or delimiter.
func valueAfter(s string, i int) (start, end int) {
	for i < len(s) && strings.IndexByte("\"'\\ ", s[i]) >= 0 {
		i++
	}
	for _, scheme := range [...]string{"bearer ", "basic "} {
		if len(s)-i >= len(scheme) && strings.EqualFold(s[i:i+len(scheme)], scheme) {
			i += len(scheme)
		}
	}
	start = i
	for i < len(s) && strings.IndexByte("\"'\\ \t\r\n&;,<>()[]{}#|`", s[i]) < 0 && !encodes(s[i:], "26") {
		i++
	}
	return start, i
}
