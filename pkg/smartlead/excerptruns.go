package smartlead

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	encodedMark = "[encoded]"
	// longRun is the length from which a run of the base64 alphabet is taken for
	// an encoding whatever it holds; a UUID or a long word is shorter.
	longRun = 64
	// shortRun is the length from which a run is decoded to see.
	shortRun = 16
	// plainRun is how many printable bytes in a row a decoded run has by
	// chance about once in a thousand words.
	plainRun = 12
)

// runs finds the base64 alphabet, both of its variants, also over several lines.
var runs = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[A-Za-z0-9+/_-]+(?:[ \t]*\r?\n[ \t]*[A-Za-z0-9+/_-]+)*={0,2}`)
})

var hexRuns = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[0-9A-Fa-f]{16,}`)
})

// cutRuns replaces what looks like base64 or hexadecimal digits. Of a text that
// was cut, the last run is of unknown length.
func cutRuns(s string, cut bool) string {
	var out strings.Builder
	done := 0
	for _, at := range runs().FindAllStringIndex(s, -1) {
		if cut && at[1] == len(s) || isEncoded(s[at[0]:at[1]]) {
			out.WriteString(s[done:at[0]] + encodedMark)
			done = at[1]
		}
	}
	return out.String() + s[done:]
}

// isEncoded judges one run, its lines put together.
func isEncoded(run string) bool {
	joined := strings.TrimRight(strings.Join(strings.Fields(run), ""), "=")
	if len(joined) >= longRun {
		return true
	}
	if len(joined) < shortRun {
		return false
	}
	for _, digits := range hexRuns().FindAllString(joined, -1) {
		// All are digits: it cannot fail.
		if b, _ := hex.DecodeString(digits[:len(digits)&^1]); isPlain(b) {
			return true
		}
		if b, _ := hex.DecodeString(digits[1 : 1+(len(digits)-1)&^1]); isPlain(b) {
			return true
		}
	}
	joined = strings.NewReplacer("-", "+", "_", "/").Replace(joined)
	for from := range 4 {
		part := joined[from:]
		if len(part)%4 == 1 {
			part = part[:len(part)-1]
		}
		if b, err := base64.RawStdEncoding.DecodeString(part); err == nil && isPlain(b) {
			return true
		}
	}
	return false
}

// isPlain tells whether b holds printable text, also in UTF-16.
func isPlain(b []byte) bool {
	b = bytes.ReplaceAll(b, []byte{0}, nil)
	n := 0
	for _, c := range b {
		if n++; c < ' ' || c > '~' {
			n = 0
		}
		if n >= min(plainRun, len(b)) {
			return true
		}
	}
	return false
}

// squeezed is the letters and digits of a text, in lower case, and where each
// byte's character begins and ends in the text.
type squeezed struct {
	text       string
	start, end []int
}

func squeeze(s string) squeezed {
	var q squeezed
	var text strings.Builder
	for i, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		n, _ := text.WriteRune(unicode.ToLower(r))
		for range n {
			q.start, q.end = append(q.start, i), append(q.end, i+max(1, utf8.RuneLen(r)))
		}
	}
	q.text = text.String()
	return q
}

// cutLiteral replaces a secret, whatever its case and whatever stands between
// its letters and digits: the end of a line, blanks, quotes.
func cutLiteral(s, secret string) string {
	if len(secret) < minSecret {
		return s
	}
	want := squeeze(secret).text
	if len(want) < minSecret {
		return strings.ReplaceAll(s, secret, redactedMark)
	}
	in := squeeze(s)
	var out strings.Builder
	done := 0
	for at := 0; ; {
		i := strings.Index(in.text[at:], want)
		if i < 0 {
			return out.String() + s[done:]
		}
		out.WriteString(s[done:in.start[at+i]] + redactedMark)
		at += i + len(want)
		done = in.end[at-1]
	}
}

// cutPartial drops the beginning of a secret at the end of a text that was cut.
func cutPartial(s, secret string) string {
	want, in := squeeze(secret).text, squeeze(s)
	if len(want) < minSecret {
		return clipText(s, len(s)-len(secret))
	}
	for n := min(len(want)-1, len(in.text)); n > 0; n-- {
		if strings.HasSuffix(in.text, want[:n]) {
			return s[:in.start[len(in.text)-n]]
		}
	}
	return s
}
