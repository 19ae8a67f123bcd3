package process_test

import (
	"context"
	"testing"
	"time"

	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/webhook"
)

// counted counts the leases that were written.
type counted struct {
	process.Ledger
	leases int
}

func (c *counted) Lease(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, error) {
	c.leases++
	return c.Ledger.Lease(ctx, req)
}

// newEvent claims an event as the receiver does, due in d, and returns its first
// message.
func (w *world) newEvent(t *testing.T, name string, d time.Duration) webhook.Message {
	t.Helper()
	r := receipt()
	r.Key = "v1:EMAIL_REPLY:" + name
	c, err := w.ledger.Claim(t.Context(), r, name, w.now.Add(d))
	if err != nil {
		t.Fatal(err)
	}
	return webhook.Message{Kind: webhook.KindEvent, ID: c.ID, First: true, Receives: 1}
}

func TestFirstAttemptNeedsNoLease(t *testing.T) {
	w := newWorld(t)
	const farDue = time.Hour
	alike := func(m webhook.Message) webhook.Message { return m }
	cases := []struct {
		name      string
		due       time.Duration
		message   func(webhook.Message) webhook.Message
		leases    int
		abandoned int
	}{
		{"the first receipt of a first message", farDue, alike, 0, 0},
		{"of an event that is due while the attempt runs", time.Minute, alike, 1, 0},
		{"a sweeper's message", farDue, func(m webhook.Message) webhook.Message { m.First = false; return m }, 1, 0},
		{"its second receipt", farDue, func(m webhook.Message) webhook.Message { m.Receives = 2; return m }, 1, 1},
		{"a receipt of which nobody knows the count", farDue, func(m webhook.Message) webhook.Message { m.Receives = 0; return m }, 1, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &sink{answers: []webhook.Outcome{busy, ok}}
			w.destinations["crm"] = s
			svc := w.service(nil)
			ledger := &counted{Ledger: w.ledger}
			svc.Ports.Ledger = ledger
			m := c.message(w.newEvent(t, c.name, c.due))
			if r := svc.Process(t.Context(), m); r.Outcome != process.Retry || r.Attempt != 1 || ledger.leases != c.leases {
				t.Fatalf("%d leases, want %d: %+v", ledger.leases, c.leases, r)
			}
			rec, err := w.ledger.Get(t.Context(), m.ID)
			if err != nil || rec.LeaseNumber != 1 || rec.Abandoned != c.abandoned || rec.State != webhook.Pending || len(rec.History) != 1 {
				t.Fatalf("after the first attempt: %+v (%v)", rec, err)
			}
			w.now, m.Receives = rec.NotBefore, 2
			if r := svc.Process(t.Context(), m); r.Outcome != process.Delivered || r.Attempt != 2 || ledger.leases != c.leases+1 {
				t.Fatalf("the second attempt: %d leases, %+v", ledger.leases, r)
			}
			if s.got[0].Event.Attempt != 1 || s.got[1].Event.Attempt != 2 || s.got[0].IdempotencyKey != s.got[1].IdempotencyKey {
				t.Errorf("delivered %+v", s.got)
			}
		})
	}
}

// Two workers have the first message: SQS delivers at least once.
func TestFirstAttemptThatIsOvertakenIsLost(t *testing.T) {
	w := newWorld(t)
	m := w.newEvent(t, "A", time.Hour)
	svc := w.service(nil)
	var inner process.Report
	w.destinations["crm"] = deliverer(func() webhook.Outcome {
		w.destinations = map[string]webhook.Destination{"crm": &sink{answers: []webhook.Outcome{ok}}}
		inner = svc.Process(t.Context(), m)
		return ok
	})
	if r := svc.Process(t.Context(), m); r.Outcome != process.LeaseLost || inner.Outcome != process.Delivered || inner.Attempt != 1 {
		t.Fatalf("%+v after %+v", r, inner)
	}
}

type deliverer func() webhook.Outcome

func (d deliverer) Deliver(context.Context, webhook.Delivery) webhook.Outcome { return d() }

// An attempt that nobody reported on may have sent something: whoever leases the event
// first says so to the destination, and it stays so while the event only waits. Where
// nobody can have come before, nothing is looked for.
func TestAFirstAttemptThatNobodyReportedOnMayHaveSent(t *testing.T) {
	wait := webhook.Outcome{Result: webhook.ResultWaiting, ErrorClass: webhook.WaitLine, RetryAfter: time.Minute}
	swept := func(m webhook.Message) webhook.Message { m.First = false; return m }
	alike := func(m webhook.Message) webhook.Message { return m }
	for name, c := range map[string]struct {
		abandoned bool
		due       time.Duration
		message   func(webhook.Message) webhook.Message
		want      bool
	}{
		"the sweeper's message after it":       {true, time.Hour, swept, true},
		"its second receipt":                   {true, time.Hour, func(m webhook.Message) webhook.Message { m.Receives = 2; return m }, true},
		"a receipt of which nobody knows":      {true, time.Hour, func(m webhook.Message) webhook.Message { m.Receives = 0; return m }, true},
		"the first receipt":                    {false, time.Hour, alike, false},
		"the first receipt, of a late message": {false, time.Second, alike, false},
		"the only copy, claimed by the message": {false, 0, func(webhook.Message) webhook.Message {
			r := receipt()
			r.Key = "v1:EMAIL_REPLY:unclaimed"
			return webhook.Message{Kind: webhook.KindUnclaimed, Receipt: &r, Receives: 3}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := &sink{answers: []webhook.Outcome{wait, wait, busy, ok}}
			w.destinations["crm"] = s
			svc := w.service(nil)
			m := w.newEvent(t, name, c.due)
			if c.abandoned {
				lease, first, err := w.ledger.FirstAttempt(t.Context(), webhook.LeaseRequest{ID: m.ID, Nonce: "stopped", Now: w.now, KeepDue: w.now.Add(time.Minute)})
				if err != nil || !first || lease.Record.LeaseNumber != 1 {
					t.Fatalf("%+v, %v", lease, err)
				}
			}
			m = c.message(m)
			for n := range s.answers {
				r := svc.Process(t.Context(), m)
				if r.Attempt != n+1 || len(s.got) != n+1 {
					t.Fatalf("lease %d: %+v", n+1, r)
				}
				if want := c.want || n > 2; s.got[n].Repeat != want {
					t.Errorf("lease %d is a repeat: %v, want %v", n+1, s.got[n].Repeat, want)
				}
				w.now, m = r.NextAt, webhook.Message{Kind: webhook.KindEvent, ID: r.EventID, Receives: 1}
			}
		})
	}
}
