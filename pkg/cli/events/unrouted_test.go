package events_test

import (
	"context"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/webhook"
)

// holds fails for a text that lacks one of the words.
func holds(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not hold %q:\n%s", what, w, text)
		}
	}
}

// What nobody received is not called delivered, is found as such, and reaches a
// destination that is added afterwards.
func TestUnroutedIsToldAndReplayed(t *testing.T) {
	s := clitest.New(t)
	s.OK("destinations", "add", "bounces", "--url", s.Dest.URL, "--type", "EMAIL_BOUNCE", "--no-sign")
	s.OK("destinations", "remove", "crm", "-y")
	id := s.Post(clitest.Reply(1))
	s.Work()
	if rec := s.Record(id); rec.State != webhook.Unrouted || rec.ExpiresAt.IsZero() {
		t.Fatalf("it is %s, expires %s", rec.State, rec.ExpiresAt)
	}
	holds(t, "list", s.OK("events", "list").Out, id, "unrouted")
	holds(t, "find", s.OK("events", "find", "lead1@acme.example.com").Out, id, "unrouted")
	holds(t, "list --state", s.OK("events", "list", "--state", "unrouted").Out, id)
	holds(t, "show", s.OK("events", "show", id).Out, "unrouted since", "not wanted by the filter or the kind of bounces", "events replay")
	holds(t, "stats", s.OK("stats").Out, "UNROUTED")
	if n := clitest.Lines(t, s.OK("stats", "--json").Out)[0]["states"].(map[string]any)["unrouted"]; n != 1.0 {
		t.Errorf("stats counts %v", n)
	}
	if r := s.OK("events", "list", "--state", "delivered"); r.Out != "" {
		t.Errorf("delivered, to whom?\n%s", r.Out)
	}

	s.OK("destinations", "add", "all", "--url", s.Dest.URL, "--no-sign")
	s.OK("events", "replay", "--state", "unrouted", "--yes")
	s.Work()
	rec := s.Record(id)
	if rec.State != webhook.Delivered || len(rec.Destinations) != 2 {
		t.Errorf("it is %s, at %v", rec.State, rec.Destinations)
	}
	if r := s.OK("events", "list", "--state", "unrouted"); r.Out != "" {
		t.Errorf("still listed:\n%s", r.Out)
	}
}

// A person who waits for a replay learns that it reached nobody.
func TestReplayThatReachesNobodyFails(t *testing.T) {
	s := clitest.New(t)
	s.OK("destinations", "add", "bounces", "--url", s.Dest.URL, "--type", "EMAIL_BOUNCE", "--no-sign")
	s.OK("destinations", "remove", "crm", "-y")
	id := s.Post(clitest.Reply(1))
	s.Work()
	s.OnSleep = func(context.Context) { s.Work() }
	r := s.Run("events", "replay", id, "--wait")
	if r.Code != 1 {
		t.Errorf("exit %d", r.Code)
	}
	holds(t, "replay", r.Out, "unrouted", "not wanted by the filter or the kind of bounces")
}

// An event that waited for a destination which was removed is told apart from one
// that no filter wants.
func TestRemovedDestinationIsTold(t *testing.T) {
	s := clitest.New(t)
	id := s.DeadReplies(1)[0]
	s.OK("destinations", "add", "bounces", "--url", s.Dest.URL, "--type", "EMAIL_BOUNCE", "--no-sign")
	s.OK("destinations", "remove", "crm", "-y")
	s.OK("events", "replay", id)
	s.Work()
	other := s.Post(clitest.Reply(7))
	s.Work()
	removed := []string{"events", "list", "--state", "unrouted", "--error-class", "destination_removed"}
	r := s.OK(removed...)
	holds(t, "list", r.Out, id, "its destination was removed")
	if strings.Contains(r.Out, other) {
		t.Errorf("the event that no filter wants is listed, too:\n%s", r.Out)
	}
	holds(t, "show", s.OK("events", "show", id).Out, "crm was removed while it waited", "removed since", "destinations add")
	if v := clitest.Lines(t, s.OK(append(removed, "--json")...).Out)[0]; v["error_class"] != "destination_removed" || v["state"] != "unrouted" {
		t.Errorf("as JSON: %v", v)
	}
	s.OK("destinations", "add", "crm2", "--url", s.Dest.URL, "--no-sign")
	s.OK("events", "replay", "--state", "unrouted", "--error-class", "destination_removed", "--yes")
	s.Work()
	if rec := s.Record(id); rec.State != webhook.Delivered {
		t.Errorf("it is %s", rec.State)
	}
	if rec := s.Record(other); rec.State != webhook.Unrouted {
		t.Errorf("the other one is %s", rec.State)
	}
}
