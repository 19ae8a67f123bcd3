package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/webhook"
)

// What waits for an operator is in no queue: nothing else would tell of it.
func TestDoctorCountsWhatIsHeldOrParked(t *testing.T) {
	s := newTestStack(t)
	if r := s.ok("doctor"); strings.Contains(r.out, "not delivered") {
		t.Errorf("nothing waits, and yet:\n%s", r.out)
	}
	dead := s.deadReplies(1)[0]
	s.ok("events", "park", dead)
	s.secrets = append(s.secrets, "first-key-0001")
	s.input = "first-key-0001\n"
	s.ok("sources", "trust-key", "demo", "--no-release")
	s.post(reply(7))
	s.post(reply(8))
	s.advance(time.Minute)
	s.terminal, s.width = true, 300
	r := s.ok("doctor")
	for _, want := range []string{
		"2 held events, not delivered; the oldest from 1 min", "events list --state held; ",
		"1 parked event, not delivered; the oldest from 2 min", "events list --state parked; ",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
}

func TestStatusOfARedriveThatParked(t *testing.T) {
	s := newTestStack(t)
	id := s.deadReplies(1)[0]
	s.answer.Store(503)
	for range redrive.DefaultPolicy.ParkAfter {
		s.ok("redrive", "start", "--id", id, "--yes")
		for range 3 {
			s.redrive(t.Context())
		}
	}
	if rec := s.record(id); rec.State != webhook.Dead {
		t.Fatalf("the event is %s", rec.State)
	}
	s.ok("redrive", "start", "--yes")
	s.redrive(t.Context())
	if r := s.ok("redrive", "status"); !strings.Contains(r.out, "1, redriven too often before: smartleadctl --local --state-dir ") ||
		!strings.Contains(r.out, "events list --state parked") {
		t.Errorf("where the parked are:\n%s", r.out)
	}
}

// A redrive that has ended looks at its events no more.
func TestWhatARedriveLeftUnderWay(t *testing.T) {
	for _, c := range []struct{ job, want string }{
		{`{"state":"running","in_flight":[{},{}]}`, ""},
		{`{"state":"done","counts":{"released":3,"delivered":2}}`, ""},
		{`{"state":"cancelled","counts":{"released":9,"delivered":4,"died_again":2}}`, "3 were under way when it was cancelled"},
		{`{"state":"cancelled","in_flight":[{},{},{},{},{}]}`, "5 were under way when it was cancelled"},
		{`{"state":"stopped","in_flight":[{}]}`, "1 was under way when it ended"},
	} {
		var job redrive.Job
		if err := json.Unmarshal([]byte(c.job), &job); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		p := &program{System: System{Out: &out, Now: time.Now}}
		if err := p.showJob(job); err != nil || !strings.Contains(out.String(), c.want) ||
			(c.want == "" && strings.Contains(out.String(), "when it")) {
			t.Errorf("%s: %v\n%s", c.job, err, out.String())
		}
	}
}

func TestStatusAndHistoryOfACancelledRedrive(t *testing.T) {
	s := newTestStack(t)
	s.deadReplies(3)
	s.ok("redrive", "start", "--yes")
	ctx, cancel := context.WithCancel(t.Context())
	s.env.Sleep = func(context.Context, time.Duration) { cancel() }
	s.redrive(ctx)
	s.terminal, s.width = true, 400
	if r := s.ok("redrive", "cancel"); !strings.Contains(r.out, "3 were under way when it was cancelled") {
		t.Errorf("status:\n%s", r.out)
	}
	if r := s.ok("redrive", "history"); !strings.Contains(r.out, "3 were under way when it was cancelled") {
		t.Errorf("history:\n%s", r.out)
	}
}
