package destination

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxError = 300 // bytes of Outcome.Error
	maxClass = 40  // bytes of Outcome.ErrorClass
)

// Clean makes text safe to log and to list: control and formatting characters
// and invalid UTF-8 become spaces, white space collapses, and what is longer
// than limit bytes is cut at a character.
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
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= limit {
		return s
	}
	const more = "…"
	end := limit - len(more)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}
