package process_test

import (
	"testing"
	"time"

	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/webhook"
)

// What a destination postpones uses up nothing of the budget, up to a bound; then it
// does, and the event dies as any other.
func TestPostponedAttemptsAreCountedApart(t *testing.T) {
	asked := func(status int, after time.Duration) webhook.Outcome {
		o := busy
		o.Status, o.RetryAfter = status, after
		return o
	}
	for name, c := range map[string]struct {
		answer              webhook.Outcome
		postponed, attempts int // when it died
	}{
		"by count":               {asked(429, time.Minute), process.MaxPostponed, 8},
		"by waiting":             {asked(503, 5*time.Hour), 15, 8},  // 15 × 5 h are the first beyond 72 h
		"longer than allowed":    {asked(503, 20*time.Hour), 12, 8}, // 12 × 6 h
		"not HTTP":               {asked(0, time.Minute), process.MaxPostponed, 8},
		"another status":         {asked(500, time.Minute), 0, 8},
		"without a wish":         {asked(429, 0), 0, 8},
		"permanent, with a wish": {webhook.Outcome{Result: webhook.ResultPermanent, Status: 503, RetryAfter: time.Minute}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.destinations["crm"] = &sink{answers: []webhook.Outcome{c.answer}}
			svc := w.service(func(p *process.Policy) { p.MaxAttempts = 8 })
			for range 100 {
				before := w.now
				r := svc.Process(t.Context(), message)
				rec := w.record(t)
				if r.Outcome == process.Dead {
					if p := rec.Destinations[0]; p.Postponed != c.postponed || p.Attempts != c.attempts {
						t.Errorf("died after %+v, want %d postponed and %d attempts", p, c.postponed, c.attempts)
					}
					return
				}
				if wish := min(c.answer.RetryAfter, process.DefaultPolicy.MaxRetryAfter); rec.NotBefore.Sub(before) < wish {
					t.Fatalf("asked again after %s, not after %s", rec.NotBefore.Sub(before), wish)
				}
				w.now = rec.NotBefore
			}
			t.Error("it never died")
		})
	}
}
