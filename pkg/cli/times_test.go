package cli

import (
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// record reads an event past the tool.
func (s *testStack) record(id string) webhook.Record {
	s.t.Helper()
	r, err := ledger.New(s.clients.DynamoDB, s.at.Table).Get(s.t.Context(), webhook.EventID(id))
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// What an operator moves is kept and swept by the stack's own times, and by the
// defaults where the stack does not say them.
func TestMovesKeepTheStacksTimes(t *testing.T) {
	for _, c := range []struct {
		days  int
		grace string
		keep  time.Duration
		due   time.Duration
	}{{0, "", 90 * 24 * time.Hour, 2 * time.Minute}, {400, "7s", 400 * 24 * time.Hour, 7 * time.Second}} {
		s := newTestStack(t)
		s.days, s.grace = c.days, c.grace
		s.writeInfo(s.env.Config.ParameterPrefix)
		ids := s.deadReplies(3)
		s.ok("events", "discard", "--yes", ids[0])
		if got := s.record(ids[0]).ExpiresAt.Sub(s.clock()); (got - c.keep).Abs() > time.Second {
			t.Errorf("a discarded event is kept for %s, want %s", got, c.keep)
		}
		s.ok("events", "park", ids[1])
		for i, command := range []string{"unpark", "replay"} {
			s.ok("events", command, ids[i+1])
			if got := s.record(ids[i+1]).DueAt.Sub(s.clock()); got != c.due {
				t.Errorf("after %s it is due in %s, want %s", command, got, c.due)
			}
		}
	}
	s := newTestStack(t)
	s.grace = "soon"
	s.writeInfo(s.env.Config.ParameterPrefix)
	s.fails(1, "sweep grace", "events", "list")
}

// What a table prints can be typed.
func TestTimesAsTheyAreTyped(t *testing.T) {
	day := 24 * time.Hour
	at := time.Date(2026, 11, 26, 18, 0, 36, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2h": startOfTests.Add(-2 * time.Hour), "7d": startOfTests.Add(-7 * day), "1w": startOfTests.Add(-7 * day),
		"2d3h": startOfTests.Add(-2*day - 3*time.Hour), "1w2d1h30m": startOfTests.Add(-9*day - 90*time.Minute),
		"0d": startOfTests, "": {},
		stamp(at): at, "2026-11-26 18:00:36": at, "2026-11-26T18:00:36": at, "2026-11-26T18:00:36Z": at,
		"2026-11-26T19:00:36+01:00": at, "2026-11-26T18:00:36.000Z": at, "2026-11-26": at.Truncate(day),
	} {
		if got, err := parseTime("--since", text, startOfTests); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"soon", "d", "w", "-2h", "2d-3h", "1d-", "2d1w", "2d2d", "1.5d", "-1d", "99999d", "600w", "3651d", "9999999w", "3650d2562047h", "2d3", "2026-11-26 18:00",
	} {
		got, err := parseTime("--since", text, startOfTests)
		if err == nil || !strings.Contains(err.Error(), "2d3h, 1w") || !strings.Contains(err.Error(), "2026-03-04 17:00:00Z") {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}
