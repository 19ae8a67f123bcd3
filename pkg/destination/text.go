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

// clean makes text safe to log and to list: control and formatting characters
// and invalid UTF-8 become spaces, white space collapses, and what is too long
// is cut at a character.
func clean(s string) string { return cleanTo(s, maxError) }

func cleanTo(s string, limit int) string {
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

// window is the length from which a common substring counts as a leak.
const window = 8

// leaks tells whether text shows a part of a secret: eight bytes in a row, or
// all of a shorter one.
func leaks(text string, secrets []string) bool {
	for _, secret := range secrets {
		if len(secret) < window {
			if secret != "" && strings.Contains(text, secret) {
				return true
			}
			continue
		}
		for i := 0; i+window <= len(secret); i++ {
			if strings.Contains(text, secret[i:i+window]) {
				return true
			}
		}
	}
	return false
}
