package eventview

import (
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

// An event that was not sent because its destination may not be sent anything says so,
// and not that it failed.
func TestAWaitIsSaid(t *testing.T) {
	now := time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)
	c := output.Clock(func() time.Time { return now })
	r := webhook.Record{State: webhook.Pending, LeaseNumber: 1, NotBefore: now.Add(time.Minute)}
	r.Destinations = []webhook.Progress{
		{Name: "crm", Waits: 1, Waiting: webhook.WaitPaused, NextAt: r.NotBefore},
		{Name: "slack", Result: webhook.ResultDelivered, Attempts: 1},
	}
	const want = "crm waits, since the destination is paused"
	if got := Headline(c, r); !strings.HasPrefix(got, "pending: "+want+"; it is tried again") {
		t.Errorf("headline: %s", got)
	}
	if got := Note(c, r); !strings.HasPrefix(got, want) {
		t.Errorf("note: %s", got)
	}
	if got := Stands(r, r.Destinations[0]); got != "waits, since the destination is paused" {
		t.Errorf("stands: %s", got)
	}
	for _, cause := range []string{webhook.WaitOpen, webhook.WaitTurn, webhook.WaitLine, webhook.WaitTooMany} {
		if got := waiting(cause); got == cause {
			t.Errorf("%s has no words", cause)
		}
	}
	r.State = webhook.Dead
	if Waits(r) != "" {
		t.Error("a dead event waits for nothing")
	}
}

// What the sweeper owes is to come, whether or not its time has passed.
func TestTheSweepersTurnIsToCome(t *testing.T) {
	now := time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)
	c := output.Clock(func() time.Time { return now })
	r := webhook.Record{State: webhook.Processing, LeaseNumber: 1, LeaseUntil: now.Add(-10 * time.Second)}
	for due, want := range map[time.Duration]string{
		5 * time.Second:  "another worker in 5 s.",
		-5 * time.Second: "another worker within a minute.",
		-2 * Patience:    "It was due",
	} {
		r.DueAt = now.Add(due)
		if got := adviceUnderWay(c, "smartleadctl", r); !strings.Contains(got, want) {
			t.Errorf("due in %s: %s", due, got)
		}
	}
}
