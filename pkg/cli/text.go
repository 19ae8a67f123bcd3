package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"smartlead-receiver/pkg/telemetry"
)

// maxCell bounds a text that a sender or a destination chose, in bytes.
const maxCell = 300

// clean makes text from outside one harmless line.
func clean(s string) string { return telemetry.Clean(s, maxCell) }

// plain removes what a terminal would obey; the length stays.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || (!unicode.IsPrint(r) && r != '\n') {
			return ' '
		}
		return r
	}, s)
}

// emit writes one JSON object as one line.
func (p *program) emit(v any) error {
	line, err := encode(v)
	if err != nil {
		return err
	}
	_, err = p.Out.Write(line)
	return err
}

// finished tells of a command that has no other output.
func (p *program) finished(name, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if p.json {
		return p.emit(struct {
			Name string `json:"name"`
			Done string `json:"done"`
		}{name, text})
	}
	p.say("%s", text)
	return nil
}

func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return escapeJSON(buf.Bytes()), nil
}

// escapeJSON spells characters that a terminal may obey (C1 controls,
// direction overrides) as \u escapes. The JSON means the same: such characters
// can only be inside strings, and encoding/json escapes those of ASCII itself.
func escapeJSON(text []byte) []byte {
	var out []byte
	last := 0
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r >= 0x7f && !unicode.IsPrint(r) {
			out = append(out, text[last:i]...)
			if r > 0xffff {
				hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
				out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
			last = i + n
		}
		i += n
	}
	if out == nil {
		return text
	}
	return append(out, text[last:]...)
}

// line writes one line of data for a person.
func (p *program) line(format string, args ...any) {
	fmt.Fprintln(p.Out, plain(fmt.Sprintf(format, args...)))
}

const wireTime = "2006-01-02T15:04:05.000Z"

// wire is a time for JSON: RFC 3339 in UTC, milliseconds; empty for none.
func wire(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(wireTime)
}

// stamp is a time for a person, in UTC.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// span is a length of time in its two largest units.
func span(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
	case d < time.Hour:
		return two(d, time.Minute, "min", time.Second, "s")
	case d < 24*time.Hour:
		return two(d, time.Hour, "h", time.Minute, "min")
	}
	return two(d, 24*time.Hour, "d", time.Hour, "h")
}

func two(d, large time.Duration, largeName string, small time.Duration, smallName string) string {
	s := fmt.Sprintf("%d %s", d/large, largeName)
	if rest := d % large / small; rest > 0 {
		s += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return s
}

// ago says how long before now a time was, or how long until it.
func (p *program) ago(t time.Time) string {
	d := p.Now().Sub(t)
	switch {
	case t.IsZero():
		return "-"
	case d < 0:
		return "in " + span(d)
	}
	return span(d) + " ago"
}

// when is a time and its distance from now.
func (p *program) when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return stamp(t) + " (" + p.ago(t) + ")"
}

// dash stands for nothing in a table.
func dash(s string) string { return orText(s, "-") }

// count is a number and its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%s %s", thousands(n), many)
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
