package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/redrive"

	"context"
)

// together runs functions at the same time.
func together(calls ...func()) {
	var start, done sync.WaitGroup
	start.Add(1)
	for _, call := range calls {
		done.Go(func() { start.Wait(); call() })
	}
	start.Done()
	done.Wait()
}

func TestTwoReceiversAtOnce(t *testing.T) {
	for _, e := range []engine{kumoEngine, dynoxideEngine} {
		t.Run(e.name, func(t *testing.T) {
			w := newWorld(t, e.url(t), options{})
			defer w.close()
			w.parallel = true
			for n := range 10 {
				together(func() { w.send(w.event(n)) }, func() { w.send(w.event(n)) })
			}
			w.parallel = false
			statuses := map[string]int{}
			for _, a := range w.acks {
				statuses[a.status]++
			}
			if statuses["accepted"] != 10 || statuses["duplicate"] != 10 {
				t.Errorf("answered %v", statuses)
			}
			w.finish()
			w.violated()
		})
	}
}

func (w *world) violated() {
	w.Helper()
	for _, v := range w.violations {
		w.Error(v)
	}
}

// A redrive, a console redrive and live duplicates meet over the same dead
// events.
func TestRedriveBesideConsoleBesideDuplicates(t *testing.T) {
	for _, e := range []engine{kumoEngine, dynoxideEngine} {
		t.Run(e.name, func(t *testing.T) {
			w := newWorld(t, e.url(t), options{tries: 1})
			defer w.close()
			w.takes("crm", answers(http.StatusServiceUnavailable))
			const events = 6
			for n := range events {
				w.send(w.event(n))
			}
			w.settle()
			w.heal()
			w.pass(time.Second)
			w.must(w.operate(func(ctx context.Context, s *redrive.Service) error {
				_, err := s.Start(ctx, redrive.Request{})
				return err
			}))
			w.parallel = true
			together(
				func() { w.redrive() },
				func() { w.redrive() },
				func() { w.console(w.stores.DLQ, w.stores.Live, true) },
				func() {
					for n := range events {
						w.send(w.event(n))
					}
				},
				func() { w.pump() },
				func() { w.pump() },
			)
			w.parallel = false
			w.finish()
			w.violated()
			if n := len(w.effects); n != events {
				t.Errorf("%d deliveries of %d events", n, events)
			}
		})
	}
}

// Many goroutines over few events, each call with a chance to be lost, fail or
// be throttled: what every write made of an event is held against the state
// table.
func TestManyAtOnce(t *testing.T) {
	const goroutines, events, turns = 64, 8, 6
	for _, e := range []engine{kumoEngine, dynoxideEngine} {
		t.Run(e.name, func(t *testing.T) {
			for _, seed := range []uint64{1, 2, 3}[:or(map[bool]int{true: 3}[whole()], 1)] {
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					w := newWorld(t, e.url(t), options{tries: 2, plan: randomPlan(seed, 0.03)})
					defer w.close()
					w.parallel = true
					w.flaky(seed)
					var wg sync.WaitGroup
					for g := range goroutines {
						wg.Go(func() {
							random := rand.New(rand.NewPCG(seed, uint64(g)))
							for range turns {
								w.turn(random, events)
							}
						})
					}
					wg.Wait()
					w.plan.end()
					w.parallel = false
					w.settle()
					w.heal()
					w.finish()
					w.violated()
					if w.history.steps < events*3 {
						t.Errorf("%d writes: too few to show anything", w.history.steps)
					}
					t.Logf("%d writes of %d events, %d deliveries attempted, %d calls struck", w.history.steps, events, len(w.attempts), len(w.plan.struck))
				})
			}
		})
	}
}

// flaky is a destination that refuses some of what it is sent.
func (w *world) flaky(seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	w.takes("crm", func(effect) int {
		mu.Lock()
		defer mu.Unlock()
		return []int{http.StatusOK, http.StatusServiceUnavailable, http.StatusBadRequest}[random.IntN(3)]
	})
}

// turn is one thing that happens.
func (w *world) turn(random *rand.Rand, events int) {
	n := random.IntN(events)
	switch random.IntN(10) {
	case 0, 1, 2:
		w.send(w.event(n))
	case 3:
		w.send(w.variant(n, n+100))
	case 4, 5:
		w.deliver(w.stores.Live)
	case 6:
		w.deliver(w.stores.Replay)
		w.pass(time.Duration(random.IntN(180)) * time.Second)
	case 7:
		w.sweep()
	case 8:
		w.console(w.stores.DLQ, w.stores.Live, random.IntN(2) == 0)
	case 9:
		_ = w.operate(func(ctx context.Context, s *redrive.Service) error {
			_, err := s.Start(ctx, redrive.Request{})
			return err
		})
		w.tick("redrive", app.Redrive)
	}
}
