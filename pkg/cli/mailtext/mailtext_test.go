package mailtext

import (
	"strings"
	"testing"
)

func TestWhatWasWritten(t *testing.T) {
	for name, c := range map[string]struct {
		text, html string
		want       string
		more       bool
	}{
		"text":              {"Yes\r\n\r\n\r\nTom\r\n", "<p>No</p>", "Yes||Tom", false},
		"HTML":              {"", "<style>p{}</style><p>Yes, let&#39;s &mdash; <b>Tues</b>day?</p><p>\n Hana\n</p>", "Yes, let's — Tuesday?||Hana", false},
		"HTML as the text":  {"<div>Yes</div><br>Tom", "", "Yes||Tom", false},
		"a quotation":       {"Yes\n\nOn Mon, Nov 23, 2026 at 9:00 Mira <m@x.example> wrote:\n> Hello\n> Tom", "", "Yes", true},
		"in two lines":      {"Yes\n\nOn Mon, Nov 23, 2026 at 9:00\nMira <m@x.example> wrote:\n\nHello Tom", "", "Yes", true},
		"answered below":    {"On Monday Mira wrote:\n> Shall we talk?\n\nYes, gladly.", "", "Yes, gladly.", true},
		"in German":         {"Ja\nAm 23.11.2026 um 09:00 schrieb Mira:\nHallo", "", "Ja", true},
		"of Outlook":        {"Yes\n\nFrom: Mira\nSent: Monday\nTo: Tom\n\nHello", "", "Yes", true},
		"a divider":         {"Yes\n-----Original Message-----\nHello", "", "Yes", true},
		"of Gmail":          {"", `<div>Yes</div><div class="gmail_quote"><div>On Mon wrote:</div><blockquote><div>Hello</div></blockquote></div><div>Tom</div>`, "Yes||Tom", true},
		"of Outlook's HTML": {"", `<p>Yes</p><div id="divRplyFwdMsg">From: Mira</div><p>Hello</p>`, "Yes", true},
		"nothing but one":   {"", `<blockquote>Hello</blockquote>`, "Hello", false},
		"not a quotation":   {"On Monday I can.\nAm I wrong?\nFrom: here on", "", "On Monday I can.|Am I wrong?|From: here on", false},
		"nothing":           {"", "", "", false},
		"broken HTML":       {"", "<p>Yes<div <<>& <b", "Yes|&", false},
	} {
		t.Run(name, func(t *testing.T) {
			lines, more := Of(c.text, c.html)
			if got := strings.Join(lines, "|"); got != c.want || more != c.more {
				t.Errorf("got %q, more %v; want %q, %v", got, more, c.want, c.more)
			}
		})
	}
}

func TestALongMailIsBounded(t *testing.T) {
	for name, text := range map[string]string{
		"lines": strings.Repeat("line\n", 1000), "one line": strings.Repeat("é", 100_000), "megabytes": strings.Repeat("<p>word ", 1_000_000),
	} {
		lines, more := Of(text, "")
		if n := len(strings.Join(lines, "")); !more || len(lines) > MaxLines || n > maxBytes || n == 0 {
			t.Errorf("%s: %d lines, %d bytes, more %v", name, len(lines), n, more)
		}
	}
}
