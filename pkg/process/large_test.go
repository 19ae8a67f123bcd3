package process_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/webhook"
)

// slow is a destination that takes an hour for each event, and counts them.
type slow struct{ now, most atomic.Int64 }

func (s *slow) Deliver(ctx context.Context, _ webhook.Delivery) webhook.Outcome {
	s.most.Store(max(s.most.Load(), s.now.Add(1)))
	defer s.now.Add(-1)
	select {
	case <-time.After(time.Hour):
		return ok
	case <-ctx.Done():
		return busy
	}
}

type fixed map[string]webhook.Destination

func (f fixed) Destinations(context.Context) (map[string]webhook.Destination, error) { return f, nil }

type stored struct{}

func (stored) Load(ctx context.Context, _ webhook.Payload) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", webhook.ErrUnavailable, err)
	}
	return []byte(`{}`), nil
}
func (stored) Expire(context.Context, webhook.Payload, time.Duration) error { return nil }
func (stored) Erase(context.Context, webhook.Payload) error                 { return nil }

func TestFewLargeBodiesAreDeliveredAtOnce(t *testing.T) {
	tests := map[string]struct {
		ref       string
		within    time.Duration // the invocation has
		want      int64         // at once
		delivered int           // of ten
	}{
		"small":                 {"", 100 * time.Hour, 10, 10},
		"large":                 {"default/body", 100 * time.Hour, 3, 10},
		"large, and time ended": {"default/body", 90 * time.Minute, 3, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{ledger: memory.New()}
				for i := range 10 {
					r := receipt()
					r.Key = strings.TrimSuffix(key, "7") + string(rune('A'+i))
					r.Payload.Ref = tt.ref
					if _, err := w.ledger.Claim(t.Context(), r, r.Key, start.Add(1000*time.Hour)); err != nil {
						t.Fatal(err)
					}
				}
				dest := &slow{}
				svc := process.New(process.Ports{
					Ledger: w.ledger, DeadLetters: w, Bodies: stored{}, Destinations: fixed{"crm": dest},
					Normalize: func([]byte, string) (webhook.Event, error) { return webhook.Event{}, nil },
					Now:       func() time.Time { return start },
					Nonce:     func() string { return fmt.Sprint("nonce-", w.nonces.Add(1)) },
					Random:    func() float64 { return 0.5 },
				}, process.DefaultPolicy)
				ctx, cancel := context.WithTimeout(t.Context(), tt.within)
				defer cancel()
				reports := make(chan process.Report, 10)
				for i := range 10 {
					id := webhook.EventID(strings.TrimSuffix(key, "7") + string(rune('A'+i)))
					go func() {
						reports <- svc.Process(ctx, webhook.Message{Kind: webhook.KindEvent, ID: id})
					}()
				}
				delivered := 0
				for range 10 {
					r := <-reports
					if r.Outcome == process.Delivered {
						delivered++
					} else if r.Outcome != process.Retry {
						t.Errorf("an event ended as %+v", r)
					}
				}
				if got := dest.most.Load(); got != tt.want || delivered != tt.delivered {
					t.Errorf("%d at once and %d delivered, want %d and %d", got, delivered, tt.want, tt.delivered)
				}
			})
		})
	}
}
