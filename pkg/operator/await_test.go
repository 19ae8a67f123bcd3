package operator

import (
	"context"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

func TestAwait(t *testing.T) {
	w := newWorld(t)
	seen := []webhook.Record{w.in(webhook.Dead, "A"), w.in(webhook.Dead, "B"), w.in(webhook.Dead, "C"), w.in(webhook.Held, "D")}
	s := w.service()
	report, err := s.Do(t.Context(), confirmed(Replay, seen...))
	w.must(err)
	ends := []func(){
		func() { w.settle(seen[0].ID, webhook.Delivered) },
		func() { w.settle(seen[1].ID, webhook.Dead) },
	}
	w.onSleep = func() {
		if len(ends) > 0 {
			ends[0]()
			ends = ends[1:]
		}
	}
	began := w.now
	if open := s.Await(t.Context(), &report, time.Minute, func(err error) { t.Error(err) }); open != 1 {
		t.Errorf("%d have not ended, want 1", open)
	}
	if waited := w.now.Sub(began); waited < time.Minute || waited > time.Minute+pollEvery {
		t.Errorf("waited for %s", waited)
	}
	for i, want := range []webhook.State{webhook.Delivered, webhook.Dead, webhook.Pending, webhook.Held} {
		if got := report.Results[i].Now.State; got != want {
			t.Errorf("event %d is %s, want %s", i, got, want)
		}
	}
	w.settle(seen[2].ID, webhook.Delivered)
	if open := s.Await(t.Context(), &report, time.Minute, func(err error) { t.Error(err) }); open != 0 {
		t.Errorf("%d have not ended, want 0", open)
	}
	s.Events = silent{}
	report.Results[0].Now.State = webhook.Pending
	unread := 0
	if open := s.Await(t.Context(), &report, time.Second, func(error) { unread++ }); open != 1 || unread != 3 {
		t.Errorf("of a ledger that does not answer: %d open, %d times unread", open, unread)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.slept = nil
	if open := s.Await(ctx, &report, time.Minute, func(error) {}); open != 1 || len(w.slept) != 0 {
		t.Errorf("after an interrupt: %d open, slept %v", open, w.slept)
	}
}

// silent is a ledger that does not answer.
type silent struct{}

func (silent) Get(context.Context, webhook.EventID) (webhook.Record, error) {
	return webhook.Record{}, errLost
}

func (silent) GetMany(context.Context, []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	return nil, errLost
}
