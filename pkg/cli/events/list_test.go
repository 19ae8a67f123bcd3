package events_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

var cursorPattern = regexp.MustCompile(`--after '([^']+)'`)

func TestList(t *testing.T) {
	s := clitest.New(t)
	s.TwoCauses()
	s.Golden("list", s.OK("events", "list").Out)
}

func TestStatesAreColouredOnATerminal(t *testing.T) {
	s := clitest.New(t)
	s.DeadReplies(1)
	s.Terminal, s.Width = true, 120
	if r := s.OK("events", "list"); strings.Contains(r.Out, "\x1b") {
		t.Errorf("in spite of NO_COLOR: %q", r.Out)
	}
	delete(s.Getenv, "NO_COLOR")
	for _, args := range [][]string{{"events", "list"}, {"events", "show", "latest"}} {
		if r := s.OK(args...); !strings.Contains(r.Out, "\x1b[31mdead\x1b[m") {
			t.Errorf("%v: no colour: %q", args, r.Out)
		}
		if r := s.OK(append(args, "--color", "never")...); strings.Contains(r.Out, "\x1b") {
			t.Errorf("%v: in spite of the flag: %q", args, r.Out)
		}
	}
	s.Fails(2, "it is one of auto, always, never", "events", "list", "--color", "blue")
}

func TestPagesLoseNothing(t *testing.T) {
	s := clitest.New(t)
	want := map[string]bool{}
	for i := range 7 {
		want[s.Post(clitest.Reply(i))] = true
		if i%3 == 0 {
			s.Advance(20 * time.Hour) // several days, several partitions
		}
	}
	for _, request := range [][]string{nil, {"--oldest"}} {
		got := map[string]bool{}
		after := []string{}
		for range 10 {
			args := slices.Concat([]string{"events", "list", "--limit", "2", "--json"}, request, after)
			r := s.OK(args...)
			for _, v := range clitest.Lines(t, r.Out) {
				id := v["event_id"].(string)
				if got[id] || !want[id] {
					t.Errorf("%s is repeated or unknown", id)
				}
				got[id] = true
			}
			next := cursorPattern.FindStringSubmatch(r.Err)
			if next == nil {
				break
			}
			after = []string{"--after", next[1]}
		}
		if len(got) != len(want) {
			t.Errorf("%v: got %d events, want %d", request, len(got), len(want))
		}
	}
	if n := len(clitest.Lines(t, s.OK("events", "list", "--all", "--json").Out)); n != 7 {
		t.Errorf("--all lists %d events", n)
	}
	if n := len(clitest.Lines(t, s.OK("events", "list", "--json", "--type", "open").Out)); n != 0 {
		t.Errorf("%d opens", n)
	}
	s.Fails(2, "not where a listing may continue", "events", "list", "--after", "nonsense")
}

func TestFind(t *testing.T) {
	s := clitest.New(t)
	id := s.Post(clitest.Reply(4))
	s.Post(clitest.Reply(5))
	for _, text := range []string{
		"lead4@acme.example.com", "Lead4@ACME.example.com ", "reply-4@acme.example.com", "<reply-4@acme.example.com>",
		"stats-4", id,
	} {
		found := clitest.Lines(t, s.OK("events", "find", text, "--json").Out)
		if len(found) != 1 || found[0]["event_id"] != id {
			t.Errorf("%s: %v", text, found)
		}
	}
	request := fmt.Sprintf("req-%x", len(clitest.Reply(4)))
	if found := clitest.Lines(t, s.OK("events", "find", request, "--json").Out); len(found) == 0 {
		t.Errorf("nothing by X-Request-Id")
	}
	s.Fails(4, "events refused", "events", "find", "nobody@example.com")
	s.Fails(4, "events list --campaign ID", "events", "find", "nobody@example.com")
	s.Fails(4, "events list --campaign 4100001", "events", "find", "4100001")
	s.Fails(2, "the event id is empty", "events", "show", "")
	s.Fails(4, "", "events", "find", "v1:EMAIL_REPLY:AAAA")
	s.Fails(4, "events find", "events", "show", "v1:EMAIL_REPLY:AAAA")
	s.Fails(2, "not an event id", "events", "show", "reply-4")
}

// A listing that looks back without a bound says no date, one that does not says
// how far it looked.
func TestNothingMatches(t *testing.T) {
	s := clitest.New(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--state", "held"}, "no event matches\n"},
		{[]string{"--lead", "ann@example.com"}, "no event matches\n"},
		{[]string{"--campaign", "7"}, "no event matches since 2126-02-02 12:00:00Z\n"},
		{[]string{"--state", "held", "--since", "2h"}, "no event matches since 2126-03-04 10:00:00Z\n"},
		{nil, "no event matches since 2126-02-02 12:00:00Z\n"},
	} {
		if r := s.OK(append([]string{"events", "list"}, c.args...)...); r.Err != c.want {
			t.Errorf("events list %v: got %q, want %q", c.args, r.Err, c.want)
		}
	}
}

func TestListOfADestination(t *testing.T) {
	s := clitest.New(t)
	s.TwoCauses()
	s.Post(clitest.Reply(999)) // not yet attempted
	for destination, want := range map[string]int{"crm": 4, "none": 0} {
		if got := clitest.Lines(t, s.OK("events", "list", "--json", "--destination", destination).Out); len(got) != want {
			t.Errorf("%q: %d events, want %d", destination, len(got), want)
		}
	}
	if r := s.OK("dlq", "list", "--destination", "none"); !strings.Contains(r.Out, "No dead event matches") {
		t.Errorf("dlq list:\n%s", r.Out)
	}
	sum := 0.0
	for _, v := range clitest.Lines(t, s.OK("stats", "--json", "--destination", "crm").Out) {
		sum += v["count"].(float64)
	}
	if sum != 4 {
		t.Errorf("stats count %v, want 4", sum)
	}
}
