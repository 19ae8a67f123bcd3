package output

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
)

// onTerminal is what a terminal of that width is shown.
func onTerminal(t *testing.T, table *Table, indent string, width int) (shown, said string) {
	t.Helper()
	var out, errs strings.Builder
	terminal := Terminal{
		In: bufio.NewReader(strings.NewReader("")), Out: &out, Err: &errs,
		OutTerminal: true, ErrTerminal: true, Width: func() int { return width }, Color: ColorNever,
	}
	if err := terminal.Print(table, indent); err != nil {
		t.Fatal(err)
	}
	return out.String(), errs.String()
}

func eventsLike() *Table {
	table := NewTable("RECEIVED", "STATE", "!TYPE", "LEAD", "CAMPAIGN", ">TRIES", "@EVENT ID", "~NOTE").
		Early("CAMPAIGN", "LEAD").Dispose("TRIES", "CAMPAIGN", "LEAD")
	table.Add("2126-03-04 12:00:00Z", "dead", "EMAIL_ACCOUNT_DISCONNECTED", "a.rather.long.address@acme.example.com", "4100001 日本のキャンペーン 🚀",
		"12", "v1:EMAIL_ACCOUNT_DISCONNECTED:3PSO7TVYT4LGCOFLKY3ASQYEO7G37VIM~2", "connection_refused, died 12.7 s ago")
	table.Add("2126-03-04 12:00:01Z", "delivered", "EMAIL_REPLY", "-", "", "1", "v1:EMAIL_REPLY:4PSO7TVYT4LGCOFLKY3ASQYEO7G37VIM", "")
	return table
}

func TestTableFitsEveryTerminal(t *testing.T) {
	many := NewTable("STARTED", "STATE", ">RELEASED", ">DELIVERED", ">DIED AGAIN", ">PARKED", "+HOW IT ENDED")
	many.Add("2126-03-04 12:00:00Z", "done", "1,000", "900", "100", "0", strings.Repeat("it ended as it should; ", 8))
	for name, table := range map[string]*Table{"events": eventsLike(), "many numbers": many} {
		for width := 30; width <= 220; width++ {
			shown, _ := onTerminal(t, table, "  ", width)
			for line := range strings.Lines(shown) {
				if n := Width(strings.TrimSuffix(line, "\n")); n > width {
					t.Fatalf("%s: %d columns of %d:\n%s", name, n, width, shown)
				}
			}
		}
	}
}

// What is cut first, and what last.
func TestWhatATableGivesUp(t *testing.T) {
	for _, c := range []struct {
		width int
		has   []string
		not   []string
		said  string
	}{
		{200, []string{"2126-03-04 12:00:00Z", "EMAIL_ACCOUNT_DISCONNECTED:3PSO7TVY~2 ", "🚀", "TRIES", "died 12.7 s ago"}, []string{"TYPE", "…"}, ""},
		{182, []string{"\n03-04 12:00Z", "EMAIL_ACCOUNT_DISCONNECTED:3PSO7TVY~2 ", "🚀", "died 12.7 s ago"}, []string{"2126-", "…"}, ""},
		{150, []string{"EMAIL_ACCO…:3PSO7TVY~2 ", "address@acme.example.com ", "4100001 日本のキ…", "died 12.7 s ago"}, nil, ""},
		{130, []string{"a.rather.long.", "4100001 日本の…", "TRIES", "died 12.7 s ago"}, nil, ""},
		{122, []string{"a.rather.long.", "4100001 日本のキ…", "died 12.7 s ago"}, []string{"TRIES"}, "TRIES"},
		{90, []string{"a.rather.", "EMAIL_ACCO…:3PSO7TVY~2 ", "connection_refused"}, []string{"CAMPAIGN"}, "TRIES, CAMPAIGN"},
		{80, []string{"a.rather", "EMAIL_ACCO…:3PSO7TVY~2 ", "connection_refused"}, []string{"CAMPAIGN"}, "TRIES, CAMPAIGN"},
		{60, []string{"delivered", "EMAIL_ACCO…:3PSO7TVY~2 ", "connection…"}, []string{"LEAD"}, "TRIES, CAMPAIGN, LEAD"},
		{40, []string{"- RECEIVED", "  EVENT ID", "connection_refused, "}, nil, "TRIES, CAMPAIGN, LEAD"},
	} {
		t.Run(fmt.Sprint(c.width), func(t *testing.T) {
			shown, said := onTerminal(t, eventsLike(), "", c.width)
			for _, want := range c.has {
				if !strings.Contains(shown, want) {
					t.Errorf("no %q in\n%s", want, shown)
				}
			}
			for _, never := range c.not {
				if strings.Contains(shown, never) {
					t.Errorf("%q in\n%s", never, shown)
				}
			}
			if (c.said == "") != (said == "") || !strings.HasSuffix(said, c.said+strings.Repeat("\n", min(1, len(said)))) {
				t.Errorf("said %q, want %q", said, c.said)
			}
		})
	}
}

// Scripts read what is whole, whatever the width.
func TestTableOffATerminalIsWhole(t *testing.T) {
	var out strings.Builder
	terminal := Terminal{Out: &out, Width: func() int { return 40 }}
	if err := terminal.Print(eventsLike(), ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"TYPE", "v1:EMAIL_ACCOUNT_DISCONNECTED:3PSO7TVYT4LGCOFLKY3ASQYEO7G37VIM~2", "a.rather.long.address@acme.example.com", "2126-03-04 12:00:00Z"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// Columns stand below each other by what a terminal shows, not by characters.
func TestWideCharactersAreCountedAsShown(t *testing.T) {
	table := NewTable("NAME", "N")
	names := []string{"日本語", "e\u0301te\u0301", "🚀🚀", "plain"}
	for _, name := range names {
		table.Add(name, "|")
	}
	shown, _ := onTerminal(t, table, "", 80)
	for line := range strings.Lines(shown) {
		before, _, ok := strings.Cut(line, "|")
		if ok && Width(before) != len("日本語")/3*2+2 {
			t.Errorf("the second column begins at %d: %q", Width(before), line)
		}
	}
	if got := Shorten("日本語", 4); got != "日…" {
		t.Errorf("got %q", got)
	}
}

func TestAWrappedColumnLosesNothing(t *testing.T) {
	table := NewTable("CHECK", "+DETAIL")
	words := strings.Fields("the destination crm answered nothing for a while and is tried again by itself in a minute")
	table.Add("worker", strings.Join(words, " "))
	shown, _ := onTerminal(t, table, "  ", 40)
	if got := strings.Fields(shown); strings.Join(got[3:], " ") != strings.Join(words, " ") {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(shown, "\n          ") {
		t.Errorf("the second line does not stand below the first:\n%s", shown)
	}
}

func TestShortID(t *testing.T) {
	for id, want := range map[string]string{
		"v1:EMAIL_REPLY:3PSO7TVYT4LGCOFLKY3ASQYEO7G37VIM":   "EMAIL_REPLY:3PSO7TVY",
		"v1:EMAIL_OPEN:3PSO7TVYT4LGCOFLKY3ASQYEO7G37VIM~12": "EMAIL_OPEN:3PSO7TVY~12",
		"v1:EMAIL_OPEN:AAAA":                                "v1:EMAIL_OPEN:AAAA", "-": "-", "refused: not JSON": "refused: not JSON",
	} {
		if got := ShortID(id); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
}
