// Package mailtext is what a person wrote in a mail: its text without markup and
// without the history that mail programs quote below it. It is for people to look
// at; nothing rests on it. What it returns is not safe for a terminal yet.
package mailtext

import (
	"regexp"
	"strings"
)

// Bounds of what is read and returned. A mail may have megabytes.
const (
	maxRead  = 256 << 10 // bytes
	MaxLines = 40
	maxBytes = 4 << 10 // of all lines
)

// Of returns the lines that were written, at most MaxLines of them, and whether
// more stands in the mail: more lines, or what was taken for quoted history. The
// text goes before the HTML. Safe for concurrent use.
func Of(text, html string) (lines []string, more bool) {
	text, cut := begin(text)
	if strings.TrimSpace(text) == "" || markup.MatchString(text) {
		source := html
		if strings.TrimSpace(text) != "" {
			source = text
		}
		source, cut = begin(source)
		var quoted bool
		text, quoted = fromHTML(source, true)
		if strings.TrimSpace(text) == "" { // all of it is a quotation: better that than nothing
			text, quoted = fromHTML(source, false)
		}
		cut = cut || quoted
	}
	lines, quoted := written(strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"))
	lines, long := bounded(lines)
	return lines, cut || quoted || long
}

// First is the first line that was written; empty where there is none.
func First(text, html string) string {
	lines, _ := Of(text, html)
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// markup tells HTML that stands where text should.
var markup = regexp.MustCompile(`(?i)</(p|div|html|body|span|table|b|a)>|<br ?/?>`)

func begin(s string) (part string, cut bool) {
	if len(s) <= maxRead {
		return s, false
	}
	return strings.ToValidUTF8(s[:maxRead], ""), true
}

var (
	// attribution introduces a quotation, in the languages of the common programs.
	attribution = regexp.MustCompile(`(?i)^\s*((on|am|le|el|il|op|em|den|dnia)\s.{4,300}(wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev|napisał)\b.{0,200}):\s*$`)
	opening     = regexp.MustCompile(`(?i)^\s*(on|am|le|el|il|op|em|den|dnia)\s.{4,300}$`)
	// divider ends what was written.
	divider = regexp.MustCompile(`(?i)^\s*(-{2,}\s*(original message|forwarded message|ursprüngliche nachricht|message d'origine|mensaje original|messaggio originale)\s*-{2,}|_{20,})\s*$`)
	from    = regexp.MustCompile(`(?i)^\s*\*?(from|von|de|da|van|od):\*?\s`)
	sent    = regexp.MustCompile(`(?i)^\s*\*?(sent|date|gesendet|datum|envoyé|enviado|inviato|verzonden|wysłano):\*?\s`)
)

// written leaves out what is quoted, and blank lines that repeat or stand at an
// end.
func written(lines []string) (out []string, quoted bool) {
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		switch n := introduced(lines, i); {
		case divider.MatchString(line), from.MatchString(line) && i+1 < len(lines) && sent.MatchString(lines[i+1]):
			return trimmed(out), true
		case n > 0:
			quoted = true
			if !strings.HasPrefix(next(lines, i+n), ">") { // the history is not marked: it goes on to the end
				return trimmed(out), true
			}
			i += n - 1
		case strings.HasPrefix(line, ">"):
			quoted = true
		case line != "" || (len(out) > 0 && out[len(out)-1] != ""):
			out = append(out, line)
		}
	}
	return trimmed(out), quoted
}

// introduced is how many lines introduce a quotation here: none, one or two.
func introduced(lines []string, i int) int {
	if attribution.MatchString(lines[i]) {
		return 1
	}
	if i+1 < len(lines) && opening.MatchString(lines[i]) && attribution.MatchString(strings.TrimSpace(lines[i])+" "+strings.TrimSpace(lines[i+1])) {
		return 2
	}
	return 0
}

// next is the first line from i on that is not blank.
func next(lines []string, i int) string {
	for ; i < len(lines); i++ {
		if line := strings.TrimSpace(lines[i]); line != "" {
			return line
		}
	}
	return ""
}

func trimmed(lines []string) []string {
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func bounded(lines []string) (out []string, cut bool) {
	size := 0
	for i, line := range lines {
		if i == MaxLines || size >= maxBytes {
			return trimmed(lines[:i]), true
		}
		if room := maxBytes - size; len(line) > room {
			return append(lines[:i:i], strings.ToValidUTF8(line[:room], "")), true
		}
		size += len(line)
	}
	return lines, false
}
