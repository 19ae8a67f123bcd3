package cli

import (
	"testing"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// record reads an event past the tool.
func (s *station) record(id string) webhook.Record {
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
		s := newStation(t)
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
	s := newStation(t)
	s.grace = "soon"
	s.writeInfo(s.env.Config.ParameterPrefix)
	s.fails(1, "sweep grace", "events", "list")
}
