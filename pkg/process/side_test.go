package process_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/webhook"
)

// meeting is a destination that answers when all of the event's have been asked.
type meeting struct{ come, all chan struct{} }

func (m meeting) Deliver(ctx context.Context, _ webhook.Delivery) webhook.Outcome {
	m.come <- struct{}{}
	select {
	case <-m.all:
		return ok
	case <-ctx.Done():
		return busy
	}
}

func TestDestinationsAreTriedSideBySide(t *testing.T) {
	w := newWorld(t)
	m := meeting{make(chan struct{}, 3), make(chan struct{})}
	for _, name := range []string{"a", "b", "c"} {
		w.destinations[name] = m
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		for range 3 {
			<-m.come
		}
		close(m.all)
	}()
	if r := w.service(nil).Process(ctx, message); r.Outcome != process.Delivered || len(r.Attempts) != 3 {
		t.Fatalf("%+v", r)
	}
}

// What one destination asks for delays no other one, and each has its own back-off.
func TestEachDestinationHasItsOwnTime(t *testing.T) {
	w := newWorld(t)
	asks := busy
	asks.RetryAfter = time.Hour
	a, b := &sink{answers: []webhook.Outcome{asks, ok}}, &sink{answers: []webhook.Outcome{busy, busy, ok}}
	w.destinations["a"], w.destinations["b"] = a, b
	svc := w.service(nil)
	began := w.now
	for n, want := range []struct {
		a, b    int
		wait    time.Duration // until the next attempt
		outcome process.Outcome
	}{
		{1, 1, 2500 * time.Millisecond, process.Retry}, // half of 5 s: b
		{1, 2, 5 * time.Second, process.Retry},         // half of 10 s: b
		{1, 3, time.Hour + 2500*time.Millisecond - 7500*time.Millisecond, process.Retry},
		{2, 3, 0, process.Delivered},
	} {
		r := svc.Process(t.Context(), message)
		rec := w.record(t)
		if r.Outcome != want.outcome || len(a.got) != want.a || len(b.got) != want.b || len(r.Attempts) == 0 {
			t.Fatalf("attempt %d: %s, a %d, b %d: %+v", n+1, r.Outcome, len(a.got), len(b.got), rec.Destinations)
		}
		if want.wait == 0 {
			continue
		}
		if got := rec.NotBefore.Sub(w.now); got != want.wait || !rec.DueAt.Equal(rec.NotBefore.Add(process.DefaultPolicy.Grace)) {
			t.Fatalf("attempt %d: the next is after %s, want %s", n+1, got, want.wait)
		}
		w.now = rec.NotBefore
	}
	if w.now.Sub(began) < time.Hour {
		t.Error("a was asked before it wished")
	}
}

// A wait is no attempt: it costs nothing of the budget, stands in no history, and the
// event neither dies of it nor is delivered by it.
func TestAWaitIsNoAttempt(t *testing.T) {
	waits := func(cause string, d time.Duration) webhook.Outcome {
		return webhook.Outcome{Result: webhook.ResultWaiting, ErrorClass: cause, RetryAfter: d}
	}
	w := newWorld(t)
	s := &sink{answers: slices.Concat(
		slices.Repeat([]webhook.Outcome{waits(webhook.WaitPaused, time.Minute)}, 50),
		[]webhook.Outcome{busy, waits(webhook.WaitTurn, 7*time.Second), busy, busy},
	)}
	w.destinations["crm"] = s
	svc := w.service(nil)
	m := message // nobody came before
	m.First, m.Receives = true, 1
	for n := range 50 {
		r := svc.Process(t.Context(), m)
		m = message
		rec := w.record(t)
		p := rec.Destinations[0]
		if r.Outcome != process.Waiting || len(r.Attempts) != 0 || rec.State != webhook.Pending || p.Attempts != 0 ||
			p.Waits != n+1 || p.Waiting != webhook.WaitPaused || !p.NextAt.Equal(w.now.Add(time.Minute)) || len(rec.History) != 0 {
			t.Fatalf("wait %d: %+v %+v", n+1, r, rec)
		}
		w.now = rec.NotBefore
	}
	for _, want := range []process.Outcome{process.Retry, process.Waiting, process.Retry, process.Dead} {
		r := svc.Process(t.Context(), message)
		if r.Outcome != want {
			t.Fatalf("%+v, want %s", r, want)
		}
		w.now = r.NextAt
	}
	if rec := w.record(t); len(rec.History) != 3 || rec.Destinations[0].Attempts != 3 || rec.Destinations[0].Waiting != "" {
		t.Errorf("%+v", rec)
	}
	for i, d := range s.got {
		if turn := i == 52; d.Turn != turn {
			t.Errorf("delivery %d has its turn: %v", i, d.Turn)
		}
		if repeat := i > 50; d.Repeat != repeat { // the fifty-first was an attempt
			t.Errorf("delivery %d is a repeat: %v", i, d.Repeat)
		}
	}
}
