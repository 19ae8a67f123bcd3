package telemetry

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text from outside safe to log, to list and to show on a
// terminal: control and formatting characters (escape sequences, line breaks,
// bidirectional overrides) and invalid UTF-8 become spaces, white space
// collapses, and the result is at most limit bytes.
func Clean(s string, limit int) string {
	if len(s) > 8*limit { // no need to walk through what is cut anyway
		s = s[:8*limit]
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	return cut(strings.Join(strings.Fields(s), " "), limit)
}

// cut shortens s to at most limit bytes, at a character, and shows that it did.
func cut(s string, limit int) string {
	const more = "…"
	if len(s) <= limit {
		return s
	}
	end := limit - len(more)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	if end < 0 {
		return ""
	}
	return s[:end] + more
}
