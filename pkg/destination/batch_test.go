package destination

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// slow takes a second for each call, and remembers what came in which.
type slow struct {
	mu      sync.Mutex
	calls   [][]string
	running int
	most    int
	fails   func([]webhook.Delivery)
}

func (s *slow) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	return s.DeliverBatch(ctx, []webhook.Delivery{d})[0]
}

func (s *slow) DeliverBatch(ctx context.Context, all []webhook.Delivery) []webhook.Outcome {
	s.mu.Lock()
	s.running++
	s.most = max(s.most, s.running)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
	}()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	if s.fails != nil {
		s.fails(all)
	}
	outcomes := make([]webhook.Outcome, len(all))
	var keys []string
	for i, d := range all {
		keys = append(keys, d.IdempotencyKey)
		outcomes[i] = webhook.Outcome{Result: webhook.ResultDelivered, Status: 200 + d.Event.Attempt}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, keys)
	return outcomes
}

func numbered(n int) webhook.Delivery {
	return webhook.Delivery{IdempotencyKey: fmt.Sprint(n), Event: webhook.Event{Attempt: n}}
}

func TestEventsThatComeTogetherShareACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := new(slow)
		gather := &gatherer{next: next}
		target := &Target{name: "x", next: tidied{gather}}
		began := time.Now()
		var all sync.WaitGroup
		for n := range 10 {
			all.Go(func() {
				time.Sleep(time.Duration(n) * time.Millisecond)
				if out := target.Deliver(t.Context(), numbered(n)); out.Status != 200+n {
					t.Errorf("event %d has the outcome %+v, which is of another", n, out)
				}
			})
		}
		all.Wait()
		var keys []string
		for _, call := range next.calls {
			keys = append(keys, call...)
		}
		slices.Sort(keys)
		if len(next.calls) != 3 || len(slices.Compact(keys)) != 10 || next.most != callsAtOnce {
			t.Errorf("calls %v, %d at once, want three with every event once, %d at once", next.calls, next.most, callsAtOnce)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %s, want 2s", took)
		}
		if gather.running != 0 || len(gather.waiting) != 0 {
			t.Errorf("%d calls are still counted, %d events wait", gather.running, len(gather.waiting))
		}
	})
}

// Attempts end while they wait, while their turn comes, and while others have them.
func TestNoTurnIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := new(slow)
		gather := &gatherer{next: next}
		target := &Target{name: "x", next: tidied{gather}}
		var all sync.WaitGroup
		for n := range 200 {
			all.Go(func() {
				time.Sleep(time.Duration(n%40) * 100 * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n%23)*100*time.Millisecond)
				defer cancel()
				if out := target.Deliver(ctx, numbered(n)); out.Result != webhook.ResultDelivered && (out.Result != webhook.ResultRetry || out.ErrorClass != "timeout") {
					t.Errorf("event %d: %+v", n, out)
				}
			})
		}
		all.Wait()
		if out := target.Deliver(t.Context(), numbered(1)); out.Result != webhook.ResultDelivered {
			t.Errorf("afterwards: %+v", out)
		}
		if gather.running != 0 || len(gather.waiting) != 0 || next.most > callsAtOnce {
			t.Errorf("%d calls are still counted, %d events wait, %d calls were made at once", gather.running, len(gather.waiting), next.most)
		}
	})
}

// A panic is one of each event of the call, and of no other.
func TestAPanicHangsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := &slow{fails: func(all []webhook.Delivery) {
			if slices.ContainsFunc(all, func(d webhook.Delivery) bool { return d.IdempotencyKey == "5" }) {
				panic("x")
			}
		}}
		gather := &gatherer{next: next}
		target := &Target{name: "x", next: tidied{gather}, logger: Deps{}.WithDefaults().Logger}
		outcomes := make([]webhook.Outcome, 10)
		var all sync.WaitGroup
		for n := range outcomes {
			all.Go(func() {
				time.Sleep(time.Duration(n) * time.Millisecond)
				outcomes[n] = target.Deliver(t.Context(), numbered(n))
			})
		}
		all.Wait()
		for n, out := range outcomes {
			if failed := out.ErrorClass == "panic" && out.Result == webhook.ResultRetry; failed != (n >= 2) {
				t.Errorf("event %d: %+v", n, out)
			}
		}
		if out := target.Deliver(t.Context(), numbered(11)); out.Result != webhook.ResultDelivered {
			t.Errorf("afterwards: %+v", out)
		}
	})
}
