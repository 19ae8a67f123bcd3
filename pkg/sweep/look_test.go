package sweep_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/sweep"
	"smartlead-receiver/pkg/webhook"
)

// receive claims as the receiver does.
func (w *world) receive(t *testing.T, n int) webhook.EventID {
	t.Helper()
	c, err := w.ledger.ClaimReceived(t.Context(), webhook.Receipt{
		Key: fmt.Sprintf("v1:EMAIL_REPLY:%032d", n), Account: "default", Source: "demo", ReceivedAt: w.now,
	}, fmt.Sprint("n", n), w.now.Add(grace))
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func TestAReceivedEventWhoseMessageIsLostIsSentAgain(t *testing.T) {
	w := newWorld()
	lost, delivered := w.receive(t, 1), w.receive(t, 2)
	w.die(t, delivered) // not delivered, but looked at
	if r := w.sweep(t); r.Looked != 0 || r.Sent != 0 {
		t.Fatalf("nothing is old enough to be looked at: %+v", r)
	}
	w.now = w.now.Add(grace + time.Millisecond)
	if r := w.sweep(t); r.Looked != 2 || r.Listed != 1 || r.Sent != 1 || w.lanes[webhook.Live][0] != lost {
		t.Fatalf("%+v %v", r, w.lanes)
	}
	w.now = w.now.Add(time.Second)
	if r := w.sweep(t); r.Looked != 0 || r.Sent != 0 {
		t.Fatalf("looked at again: %+v", r)
	}
}

// failing is a ledger whose looks may fail.
type failing struct {
	*memory.Ledger
	fails error
	asked []string
}

func (l *failing) ListDue(ctx context.Context, after string, until time.Time) (webhook.Looked, error) {
	l.asked = append(l.asked, after)
	if l.fails != nil {
		return webhook.Looked{Next: after}, l.fails
	}
	return l.Ledger.ListDue(ctx, after, until)
}

func (w *world) sweepOf(t *testing.T, l sweep.Ledger) sweep.Report {
	t.Helper()
	return sweep.New(l, w, func() time.Time { return w.now }, sweep.Policy{
		Shards: ledger.DueShards, Page: 3, Grace: grace, GraceMax: 10 * time.Minute, LookAfter: []time.Duration{grace, time.Hour},
	}).Sweep(t.Context())
}

// What the index shows too late for the first look, the second finds.
func TestTheSecondLookFindsWhatCameLate(t *testing.T) {
	w := newWorld()
	w.receive(t, 1)
	w.now = w.now.Add(2 * grace)
	w.sweep(t) // the first look is past now
	w.now = w.now.Add(-2 * grace)
	missed := w.receive(t, 2) // written behind it
	w.now = w.now.Add(30 * time.Minute)
	w.sweep(t)
	if r := len(w.lanes[webhook.Live]); r != 2 {
		t.Fatalf("%d sent, want the first event twice", r)
	}
	w.now = w.now.Add(time.Hour)
	w.sweep(t)
	sent := w.lanes[webhook.Live]
	if sent[len(sent)-1] != missed && sent[len(sent)-2] != missed {
		t.Fatalf("%v, want %s among the latest", sent, missed)
	}
}

// A look that failed is made again, and passes nothing.
func TestALookThatFailsPassesNothing(t *testing.T) {
	w := newWorld()
	id := w.receive(t, 1)
	l := &failing{Ledger: w.ledger, fails: errors.New("throttled")}
	w.now = w.now.Add(2 * grace)
	if r := w.sweepOf(t, l); r.Failed != 2 || r.Err == nil || r.LedgerSilent != 2 {
		t.Fatalf("%+v", r)
	}
	w.now = w.now.Add(24 * time.Hour)
	l.fails = nil
	if r := w.sweepOf(t, l); r.Sent != 1 || w.lanes[webhook.Live][0] != id {
		t.Fatalf("%+v", r)
	}
	if l.asked[2] != "" {
		t.Fatalf("asked from %q on", l.asked[2])
	}
}

// A stack at rest writes nothing, but once a day.
func TestALookAtNothingIsNotSaved(t *testing.T) {
	w := newWorld()
	versions := map[int]bool{}
	for range 24 * 60 {
		w.sweep(t)
		looks, err := w.ledger.LoadLooks(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		versions[looks.Version] = true
		w.now = w.now.Add(time.Minute)
	}
	if len(versions) > 4 {
		t.Errorf("saved %d times in a day without events", len(versions))
	}
}

// slow is a ledger whose looks take long for each event, and end with their context.
type slow struct {
	*memory.Ledger
	each time.Duration
}

func (l slow) ListDue(ctx context.Context, after string, until time.Time) (webhook.Looked, error) {
	done := webhook.Looked{Next: after}
	for at := start; at.Before(until); at = at.Add(time.Second) { // one came in each second
		if done.Next > at.Format(time.RFC3339) {
			continue // the latest sweep has come further
		}
		select {
		case <-ctx.Done():
			return done, fmt.Errorf("%w: %w", webhook.ErrUnavailable, ctx.Err())
		case <-time.After(l.each):
		}
		step, err := l.Ledger.ListDue(ctx, done.Next, at.Add(time.Second))
		if err != nil {
			return done, err
		}
		done.Next, done.Events, done.Listed = step.Next, done.Events+step.Events, done.Listed+step.Listed
	}
	return done, nil
}

// SaveLooks needs a context that has not ended, as every call does.
func (l slow) SaveLooks(ctx context.Context, looks webhook.Looks, now time.Time) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return l.Ledger.SaveLooks(ctx, looks, now)
}

// More than a sweep has time for is looked at in several, each of which goes on where the
// one before it ended; and that is no failure.
func TestALookThatHasNotEnoughTimeGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for n := range 24 {
			w.receive(t, n)
			w.now = w.now.Add(time.Second)
		}
		w.now = w.now.Add(grace)
		listed, l := 0, slow{w.ledger, time.Second}
		for range 4 {
			ctx, cancel := context.WithTimeout(t.Context(), 33*time.Second) // of which the first look has 8 and a quarter
			r := sweep.New(l, w, func() time.Time { return w.now }, sweep.Policy{
				Shards: ledger.DueShards, Page: 3, Grace: grace, GraceMax: 10 * time.Minute, LookAfter: []time.Duration{grace, time.Hour},
			}).Sweep(ctx)
			cancel()
			if r.Failed != 0 || r.Err != nil || !r.Cut && listed+r.Listed < 24 {
				t.Fatalf("listed %d: %+v", listed, r)
			}
			listed += r.Listed
		}
		if listed != 24 {
			t.Errorf("%d of 24 listed by four sweeps", listed)
		}
	})
}
