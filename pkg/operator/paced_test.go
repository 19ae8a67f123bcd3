package operator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// manyDelivered are events that were delivered.
func manyDelivered(w *world, n int) []webhook.Record {
	var all []webhook.Record
	for i := range n {
		all = append(all, w.in(webhook.Delivered, fmt.Sprint("EVENT", i)))
	}
	return all
}

// worked settles, during each sleep, what is pending.
func (w *world) worked(state webhook.State) func() {
	next := 0
	return func() {
		for sent := w.sent[webhook.Replay]; next < len(sent); next++ {
			w.settle(sent[next], state)
		}
	}
}

func (w *world) pacedReplay(p Paced) (PacedReport, error) {
	w.Helper()
	p.Confirmed = true
	return w.service().ReplayPaced(w.Context(), p, func(PacedReport) {})
}

// No second has more replays than the rate, whatever came before it.
func TestPacedReplayKeepsItsRate(t *testing.T) {
	w := newWorld(t)
	events := manyDelivered(w, 23)
	work := w.worked(webhook.Delivered)
	before, most, ticks := 0, 0, 0
	w.onSleep = func() {
		now := len(w.sent[webhook.Replay])
		most, before = max(most, now-before), now
		work()
		if ticks++; ticks == 2 {
			w.now = w.now.Add(time.Hour) // the machine slept: what was missed does not come at once
		}
	}
	r, err := w.pacedReplay(Paced{Events: events, Rate: 5})
	if err != nil || r.Total != 23 || r.Sent != 23 || r.Delivered != 23 || r.UnderWay != 0 || r.Tried() != 23 {
		t.Fatalf("%+v, %v", r, err)
	}
	if most > 5 || most < 4 {
		t.Errorf("%d in one second, want 5", most)
	}
	for _, seen := range events {
		if now := w.see(seen.ID); now.Generation != 1 || now.State != webhook.Delivered {
			t.Errorf("%s: %s, generation %d", seen.ID, now.State, now.Generation)
		}
	}
}

// A destination that does not answer gets no more than a few, and no more later.
func TestPacedReplayWaitsForThoseUnderWay(t *testing.T) {
	w := newWorld(t)
	events := manyDelivered(w, 60)
	r, err := w.pacedReplay(Paced{Events: events, Rate: MaxRate})
	if !errors.Is(err, ErrStalled) || r.Sent != maxUnderWay || r.UnderWay != maxUnderWay || !r.Waiting {
		t.Errorf("%+v, %v", r, err)
	}
	if d := w.now.Sub(events[59].UpdatedAt.Add(time.Hour)); d < stalledAfter || d > stalledAfter+time.Minute {
		t.Errorf("it waited %s", d)
	}
}

// What dies again ends it.
func TestPacedReplayStopsWhereEventsDie(t *testing.T) {
	w := newWorld(t)
	events := manyDelivered(w, 60)
	w.onSleep = w.worked(webhook.Dead)
	r, err := w.pacedReplay(Paced{Events: events, Rate: 2})
	if !errors.Is(err, ErrDying) || r.Died < maxDeaths || r.Sent > maxDeaths+2 || len(r.Failures) != r.Died {
		t.Errorf("%+v, %v", r, err)
	}
}

// One that is cut off goes on with the rest, and replays none twice.
func TestPacedReplayGoesOn(t *testing.T) {
	w := newWorld(t)
	events := manyDelivered(w, 12)
	since := LastMoved(events)
	ctx, cut := context.WithCancel(t.Context())
	work := w.worked(webhook.Delivered)
	w.onSleep = func() {
		if work(); len(w.sent[webhook.Replay]) >= 4 {
			cut()
		}
	}
	r, err := w.service().ReplayPaced(ctx, Paced{Events: events, Rate: 2, Confirmed: true}, func(PacedReport) {})
	if !errors.Is(err, context.Canceled) || r.Sent < 4 || r.Sent == 12 {
		t.Fatalf("%+v, %v", r, err)
	}
	var now []webhook.Record
	for _, seen := range events {
		now = append(now, w.see(seen.ID))
	}
	w.onSleep = work
	rest := Unmoved(now, since)
	if len(rest) != 12-r.Sent {
		t.Fatalf("%d are left of 12, and %d were sent", len(rest), r.Sent)
	}
	if r, err = w.pacedReplay(Paced{Events: rest, Rate: 2}); err != nil || r.Sent != len(rest) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, seen := range events {
		if got := w.see(seen.ID).Generation; got != 1 {
			t.Errorf("%s was replayed %d times", seen.ID, got)
		}
	}
}

// Each event is by itself: what somebody moved, what no replay is for, what the queue
// or the ledger did not take.
func TestPacedReplayCountsEach(t *testing.T) {
	w := newWorld(t)
	events := manyDelivered(w, 4)
	events = append(events, w.in(webhook.Held, "HELD"), w.in(webhook.Pending, "PENDING"))
	if _, err := w.Ledger.Replay(t.Context(), webhook.Revival{ID: events[1].ID, At: w.now, DueAt: w.now, Nonce: "another"}); err != nil {
		t.Fatal(err)
	}
	w.refuse = func(id webhook.EventID) error {
		if id == events[2].ID {
			return webhook.ErrUnavailable
		}
		return nil
	}
	w.onSleep = w.worked(webhook.Delivered)
	r, err := w.pacedReplay(Paced{Events: events, Rate: MaxRate})
	if err != nil || r.Sent != 3 || r.Changed != 1 || r.Failed != 1 || r.Left != 1 || r.Unsent != 1 || r.Delivered != 2 || r.UnderWay != 1 || len(r.Failures) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestPacedReplayIsBoundedAndAgreedTo(t *testing.T) {
	w := newWorld(t)
	one := manyDelivered(w, 1)
	var many *TooManyError
	for name, c := range map[string]struct {
		p    Paced
		want func(error) bool
	}{
		"nobody agreed": {Paced{Events: one, Rate: 1}, func(err error) bool { return errors.Is(err, ErrUnconfirmed) }},
		"no event":      {Paced{Rate: 1, Confirmed: true}, func(err error) bool { return errors.Is(err, ErrNoEvents) }},
		"no rate":       {Paced{Events: one, Confirmed: true}, func(err error) bool { return errors.Is(err, ErrRate) }},
		"no number":     {Paced{Events: one, Rate: math.NaN(), Confirmed: true}, func(err error) bool { return errors.Is(err, ErrRate) }},
		"too fast":      {Paced{Events: one, Rate: MaxRate + 1, Confirmed: true}, func(err error) bool { return errors.Is(err, ErrRate) }},
		"too many":      {Paced{Events: make([]webhook.Record, MaxPaced+1), Rate: 1, Confirmed: true}, func(err error) bool { return errors.As(err, &many) }},
	} {
		if _, err := w.service().ReplayPaced(t.Context(), c.p, func(PacedReport) {}); !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.messages() != 0 {
		t.Error("something was sent")
	}
}
