package output

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// ColorMode is when output is coloured.
type ColorMode string

// The modes. Auto is on a terminal, unless the environment says otherwise.
const (
	ColorAuto   ColorMode = "auto"
	ColorAlways ColorMode = "always"
	ColorNever  ColorMode = "never"
)

// ColorModes lists every mode.
var ColorModes = []ColorMode{ColorAuto, ColorAlways, ColorNever}

// String, Set and Type make a mode a flag.
func (m *ColorMode) String() string { return string(*m) }

// Set takes one of the modes.
func (m *ColorMode) Set(s string) error {
	for _, mode := range ColorModes {
		if s == string(mode) {
			*m = mode
			return nil
		}
	}
	return fmt.Errorf("it is one of %s", Join(ColorModes))
}

// Type is how help calls the value.
func (m *ColorMode) Type() string { return "when" }

// colored tells whether stdout is coloured: JSON never is, and the flag goes before
// the environment. NO_COLOR (no-color.org) goes before CLICOLOR_FORCE
// (bixense.com/clicolors), which colours a pipe, too.
func (t *Terminal) colored() bool {
	env := func(name string) string {
		if t.Getenv == nil {
			return ""
		}
		return t.Getenv(name)
	}
	force := env("CLICOLOR_FORCE")
	switch {
	case t.JSON || t.Color == ColorNever:
		return false
	case t.Color == ColorAlways:
		return true
	case env("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	}
	return t.OutTerminal && env("TERM") != "dumb" && env("CLICOLOR") != "0"
}

var (
	good    = ansi.NewStyle().ForegroundColor(ansi.Green)
	bad     = ansi.NewStyle().ForegroundColor(ansi.Red)
	waiting = ansi.NewStyle().ForegroundColor(ansi.Yellow)
	moving  = ansi.NewStyle().ForegroundColor(ansi.Cyan)
	over    = ansi.NewStyle().Faint()
	bold    = ansi.NewStyle().Bold()
)

// styles colours the words for states and results: of events, of redrives, of
// attempts, of moves and of checks. The word always stands there, too.
var styles = map[string]ansi.Style{
	"delivered": good, "done": good, "accepted": good, "ok": good, "sent": good,
	"bad": bad, "note": waiting, "open": bad, "acknowledged": waiting, "closed": over,
	"dead": bad, "failed": bad, "stopped": bad, "died again": bad, "rejected": bad, "permanent": bad, "refused for good": bad, "abandoned": bad,
	"held": waiting, "unrouted": waiting, "parked": waiting, "holding": waiting, "paused": waiting, "retry": waiting, "failed, is retried": waiting, "postponed, is retried": waiting,
	"pending": moving, "processing": moving, "running": moving,
	"discarded": over, "cancelled": over, "duplicate": over, "removed": over, "left": over,
}

// paint is a text in the colour of a word, as it stands in the table of styles.
func (t *Terminal) paint(word, text string) string {
	style, known := styles[word]
	if !known || !t.colored() {
		return text
	}
	return style.Styled(text)
}

// LineOf writes one line of data for a person, in which the first mention of a
// state or result has its colour.
func (t *Terminal) LineOf(word, format string, args ...any) {
	before, after, found := strings.Cut(Plain(fmt.Sprintf(format, args...)), word)
	if found {
		word = t.paint(word, word)
		before += word
	}
	fmt.Fprintln(t.Out, before+after)
}
