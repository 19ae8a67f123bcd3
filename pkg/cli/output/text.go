// Package output is how commands speak: text, times, tables and JSON lines on
// the streams that they are given. Nothing that a sender or a destination wrote
// reaches a terminal as it is.
package output

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"smartlead-receiver/pkg/telemetry"
)

// maxCell bounds a text that a sender or a destination chose, in bytes.
const maxCell = 300

// Clean makes text from outside one harmless line of at most 300 bytes.
func Clean(s string) string { return telemetry.Clean(s, maxCell) }

// Plain removes what a terminal would obey; the length stays.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || (!unicode.IsPrint(r) && r != '\n') {
			return ' '
		}
		return r
	}, s)
}

// Width is how many columns of a terminal a text takes: wide characters take two,
// combining ones none.
func Width(s string) int { return ansi.StringWidth(s) }

// Shorten cuts a text to n columns of a terminal and shows that it did.
func Shorten(s string, n int) string { return ansi.Truncate(s, n, "…") }

// Quote makes a word safe to paste into a shell.
func Quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// OrText is s, or the other text where s is empty.
func OrText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Dash stands for nothing in a table.
func Dash(s string) string { return OrText(s, "-") }

// Count is a number and its noun.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%s %s", Thousands(n), many)
}

// Thousands is a number with a comma before every third digit.
func Thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Names are the texts of a list of states, types and the like.
func Names[T ~string](list []T) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}

// Join names a list in one line.
func Join[T ~string](list []T) string { return strings.Join(Names(list), ", ") }
