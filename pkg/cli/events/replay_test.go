package events_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestReplay(t *testing.T) {
	s := clitest.New(t)
	id := s.DeadReplies(1)[0]
	s.OnSleep = func(context.Context) { s.Work() }
	r := s.OK("events", "replay", id, "--wait", "--json")
	if v := clitest.Lines(t, r.Out)[0]; v["from"] != "dead" || v["state"] != "delivered" || v["result"] != "done" {
		t.Errorf("dead: %v", v)
	}
	v := clitest.Lines(t, s.OK("events", "replay", id, "--wait", "--json").Out)[0]
	if v["from"] != "delivered" || v["state"] != "delivered" || v["generation"] != 1.0 {
		t.Errorf("delivered: %v", v)
	}
	if v := clitest.Lines(t, s.OK("events", "show", id, "--json").Out)[0]; v["idempotency_key"] != id {
		t.Errorf("a replay must keep the key: %v", v["idempotency_key"])
	}
	s.OK("events", "replay", id, "--again", "--wait")
	if v := clitest.Lines(t, s.OK("events", "show", id, "--json").Out)[0]; v["idempotency_key"] != id+"#2" {
		t.Errorf("--again must change the key: %v", v["idempotency_key"])
	}
	s.Answer.Store(410)
	r = s.Run("events", "replay", id, "--wait", "--json")
	if v := clitest.Lines(t, r.Out)[0]; r.Code != 1 || v["result"] != "died again" || !strings.Contains(v["error"].(string), "410") {
		t.Errorf("exit %d: %v", r.Code, v)
	}
	s.Fails(4, "nothing was changed", "events", "replay", "v1:EMAIL_REPLY:AAAA", id)
	pending := s.Post(clitest.Reply(8))
	if v := clitest.Lines(t, s.OK("events", "replay", pending, "--json").Out)[0]; v["result"] != "left" {
		t.Errorf("pending: %v", v)
	}
}

func TestReplayByFilterAsks(t *testing.T) {
	s := clitest.New(t)
	ids := s.DeadReplies(3)
	s.Fails(2, "3 events again: 3 dead", "events", "replay", "--state", "dead")
	s.Fails(2, "redrive start", "events", "replay", "--state", "dead", "--limit", "2", "--yes")
	s.Fails(2, "one of both", "events", "replay", ids[0], "--state", "dead")
	s.Fails(2, "one of both", "events", "replay")
	s.Fails(4, "no event matches", "events", "replay", "--state", "held", "--yes")

	s.Terminal, s.Input = true, "n\n"
	s.Fails(1, "nothing was changed", "events", "replay", "--state", "dead")
	s.Input = "y\n"
	s.OK("events", "replay", "--state", "dead", "--since", "100h")
	s.Terminal, s.Input = false, strings.Join(ids, "\n")
	s.Work()
	if n := len(clitest.Lines(t, s.OK("events", "list", "--state", "delivered", "--json").Out)); n != 3 {
		t.Errorf("%d of 3 were delivered", n)
	}
	if n := len(clitest.Lines(t, s.OK("events", "replay", "-", "--yes", "--json").Out)); n != 3 {
		t.Errorf("%d of 3 ids were read from stdin", n)
	}
}

func TestParkUnparkDiscard(t *testing.T) {
	s := clitest.New(t)
	ids := s.DeadReplies(2)
	s.OK("events", "park", ids[0])
	s.Fails(1, "1 of 1 event failed", "events", "park", ids[0])
	s.Fails(1, "see why: smartleadctl --local --state-dir "+s.Dir+" events show "+ids[0], "events", "park", ids[0])
	s.Fails(2, "park 2 events", "events", "park", ids[0], ids[1])
	if show := s.OK("events", "show", ids[0]).Out; !strings.Contains(show, "parked") || !strings.Contains(show, "To try it again") {
		t.Errorf("parked:\n%s", show)
	}
	s.OK("events", "unpark", ids[0])
	s.Work()
	if v := clitest.Lines(t, s.OK("events", "show", ids[0], "--json").Out)[0]; v["state"] != "delivered" {
		t.Errorf("unparked: %v", v["state"])
	}
	s.Fails(2, "--yes", "events", "discard", ids[1])
	s.OK("events", "discard", ids[1], "--yes")
	s.Fails(1, "1 of 1", "events", "replay", ids[1])
	s.Fails(1, "", "events", "discard", ids[0], "-y")
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
		s := clitest.New(t)
		s.RetentionDays, s.SweepGrace = c.days, c.grace
		s.WriteInfo(s.Env.Config.ParameterPrefix)
		ids := s.DeadReplies(3)
		s.OK("events", "discard", "--yes", ids[0])
		if got := s.Record(ids[0]).ExpiresAt.Sub(s.Clock()); (got - c.keep).Abs() > time.Second {
			t.Errorf("a discarded event is kept for %s, want %s", got, c.keep)
		}
		s.OK("events", "park", ids[1])
		for i, command := range []string{"unpark", "replay"} {
			s.OK("events", command, ids[i+1])
			if got := s.Record(ids[i+1]).DueAt.Sub(s.Clock()); got != c.due {
				t.Errorf("after %s it is due in %s, want %s", command, got, c.due)
			}
		}
	}
	s := clitest.New(t)
	s.SweepGrace = "soon"
	s.WriteInfo(s.Env.Config.ParameterPrefix)
	s.Fails(1, "sweep grace", "events", "list")
}

// What --json prints can be piped into a replay as it is.
func TestReplayOfPrintedLines(t *testing.T) {
	s := clitest.New(t)
	ids := s.DeadReplies(2)
	s.Input = s.OK("dlq", "list", "--events", "--json").Out
	got := clitest.Lines(t, s.OK("events", "replay", "-", "--yes", "--json").Out)
	for _, v := range got {
		if !slices.Contains(ids, v["event_id"].(string)) || v["result"] != "done" {
			t.Errorf("got %v", v)
		}
	}
	if len(got) != 2 {
		t.Errorf("%d events were sent, want 2", len(got))
	}
	s.Input = `{"no":"id"}`
	s.Fails(2, "line 1 of stdin has no event_id", "events", "replay", "-", "--yes")
}
