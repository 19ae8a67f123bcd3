package output

import (
	"strings"
	"testing"
)

func TestWhenOutputIsColoured(t *testing.T) {
	for name, c := range map[string]struct {
		mode     ColorMode
		terminal bool
		json     bool
		env      map[string]string
		want     bool
	}{
		"a terminal":               {ColorAuto, true, false, nil, true},
		"a pipe":                   {ColorAuto, false, false, nil, false},
		"JSON":                     {ColorAlways, true, true, nil, false},
		"NO_COLOR":                 {ColorAuto, true, false, map[string]string{"NO_COLOR": "1"}, false},
		"NO_COLOR that is empty":   {ColorAuto, true, false, map[string]string{"NO_COLOR": ""}, true},
		"a forced pipe":            {ColorAuto, false, false, map[string]string{"CLICOLOR_FORCE": "1"}, true},
		"CLICOLOR_FORCE=0":         {ColorAuto, false, false, map[string]string{"CLICOLOR_FORCE": "0"}, false},
		"NO_COLOR before a force":  {ColorAuto, true, false, map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, false},
		"CLICOLOR=0":               {ColorAuto, true, false, map[string]string{"CLICOLOR": "0"}, false},
		"a terminal without any":   {ColorAuto, true, false, map[string]string{"TERM": "dumb"}, false},
		"the flag before NO_COLOR": {ColorAlways, false, false, map[string]string{"NO_COLOR": "1"}, true},
		"the flag before a force":  {ColorNever, true, false, map[string]string{"CLICOLOR_FORCE": "1"}, false},
	} {
		terminal := Terminal{OutTerminal: c.terminal, JSON: c.json, Color: c.mode, Getenv: func(name string) string { return c.env[name] }}
		if got := terminal.colored(); got != c.want {
			t.Errorf("%s: coloured is %v", name, got)
		}
	}
}

// A colour takes no room, and its word stays.
func TestColourChangesNoWord(t *testing.T) {
	print := func(mode ColorMode) string {
		var out strings.Builder
		terminal := Terminal{Out: &out, OutTerminal: true, Width: func() int { return 80 }, Color: mode}
		table := NewTable("NAME", "*STATE", "+TEXT")
		table.Add("dead", "dead", "is dead")
		table.Add("b", "delivered", "\x1b[31mis not")
		if err := terminal.Print(table, "  "); err != nil {
			t.Fatal(err)
		}
		terminal.LineOf("dead", "dead since then\x1b[32m, dead")
		return out.String()
	}
	colored, plain := print(ColorAlways), print(ColorNever)
	if strings.Contains(plain, "\x1b") {
		t.Errorf("got %q", plain)
	}
	for _, want := range []string{"\x1b[1mNAME\x1b[m", "\n  dead  \x1b[31mdead\x1b[m       is", "\x1b[32mdelivered\x1b[m", "\n\x1b[31mdead\x1b[m since then [32m, dead\n"} {
		if !strings.Contains(colored, want) {
			t.Errorf("no %q in %q", want, colored)
		}
	}
	var words strings.Builder
	for line := range strings.Lines(colored) {
		words.WriteString(strings.NewReplacer("\x1b[1m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[m", "").Replace(line))
	}
	if words.String() != plain {
		t.Errorf("the words differ:\n%s\n%s", words.String(), plain)
	}
}
