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
