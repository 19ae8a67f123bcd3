package stats_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestStats(t *testing.T) {
	s := clitest.New(t)
	for i := range 4 {
		s.Post(clitest.Reply(i))
		s.Advance(30 * time.Minute)
	}
	s.Work()
	v := clitest.Lines(t, s.OK("stats", "--json").Out)[0]
	if v["count"] != 4.0 || len(v["hours"].(map[string]any)) != 2 {
		t.Errorf("got %v", v)
	}
	if r := s.OK("stats", "--max", "1"); !strings.Contains(r.Err, "newest") {
		t.Errorf("a partial count must say so: %s", r.Err)
	}
	s.Fails(2, "31 days", "stats", "--since", "90d")
}

// What the indexes show is what the events say, whatever has become of them.
func TestStatsByIndexAreThoseOfTheEvents(t *testing.T) {
	s := clitest.New(t)
	dead := s.DeadReplies(4)
	s.OK("events", "park", dead[0])
	s.OK("events", "discard", dead[1], "--yes")
	s.OK("events", "replay", dead[2])
	for i := 10; i < 13; i++ {
		s.Post(clitest.Reply(i))
	}
	s.Post(clitest.Reply(10))                                                                // a duplicate
	s.Post(strings.Replace(clitest.Reply(11), `"event_type"`, `"note":"x","event_type"`, 1)) // a variant
	// All of them are of one campaign: with it, each event is read.
	byIndex, read := clitest.Lines(t, s.OK("stats", "--json").Out), clitest.Lines(t, s.OK("stats", "--json", "--campaign", "4100001").Out)
	if len(byIndex) != 1 || len(read) != 1 {
		t.Fatalf("%d and %d types, want one", len(byIndex), len(read))
	}
	states := read[0]["states"].(map[string]any)
	states["under_way"] = states["pending"]
	delete(states, "pending")
	if len(states) != 4 {
		t.Errorf("the states %v are too few to tell", states)
	}
	if read[0]["duplicates"] != 1.0 || read[0]["variants"] != 1.0 {
		t.Errorf("read: %v", read[0])
	}
	if got, want := fmt.Sprint(byIndex[0]), fmt.Sprint(read[0]); got != want {
		t.Errorf("by index\n%s, by event\n%s", got, want)
	}
}

// A person is shown no column of zeros, and a table at every width; a script finds
// every column.
func TestStatsFitTheTerminal(t *testing.T) {
	s := clitest.New(t)
	s.TwoCauses()
	if piped := s.OK("stats").Out; !strings.Contains(piped, "HELD") || !strings.Contains(piped, "VARIANTS") {
		t.Errorf("a pipe lacks a column:\n%s", piped)
	}
	s.Terminal = true
	for _, width := range []int{60, 80, 120} {
		s.Width = width
		out := s.OK("stats").Out
		first, _, _ := strings.Cut(out, "\n")
		if !strings.HasPrefix(first, "TYPE") || !strings.Contains(first, "EVENTS") || !strings.Contains(first, "DEAD") || strings.Contains(first, "HELD") {
			t.Errorf("at %d columns:\n%s", width, out)
		}
	}
}
