package process_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/webhook"
)

// hanging is a ledger of which one call is never answered.
type hanging struct {
	process.Ledger
	call string
}

func (h hanging) wait(ctx context.Context, call string) error {
	if call != h.call {
		return nil
	}
	<-ctx.Done()
	return fmt.Errorf("%w: %w", webhook.ErrUnavailable, ctx.Err())
}

func (h hanging) Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	if err := h.wait(ctx, "claim"); err != nil {
		return webhook.Claimed{}, err
	}
	return h.Ledger.Claim(ctx, r, nonce, dueAt)
}

func (h hanging) FirstAttempt(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, bool, error) {
	if err := h.wait(ctx, "first attempt"); err != nil {
		return webhook.Lease{}, false, err
	}
	return h.Ledger.FirstAttempt(ctx, req)
}

func (h hanging) Lease(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, error) {
	if err := h.wait(ctx, "lease"); err != nil {
		return webhook.Lease{}, err
	}
	return h.Ledger.Lease(ctx, req)
}

func (h hanging) Settle(ctx context.Context, lease webhook.Lease, s webhook.Settlement) error {
	if err := h.wait(ctx, "settle"); err != nil {
		return err
	}
	return h.Ledger.Settle(ctx, lease, s)
}

// A table that does not answer ends no invocation: the message comes back by itself,
// soon where nothing was delivered.
func TestATableThatHangs(t *testing.T) {
	unclaimed := receipt()
	unclaimed.Key = "v1:EMAIL_REPLY:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
	first := webhook.Message{Kind: webhook.KindEvent, ID: key, First: true, Receives: 1}
	for _, c := range []struct {
		call    string
		message webhook.Message
		left    time.Duration // of the invocation
		waited  time.Duration
		outcome process.Outcome
		again   time.Duration
	}{
		{"claim", webhook.Message{Kind: webhook.KindUnclaimed, Receipt: &unclaimed, Receives: 1}, time.Minute, 10 * time.Second, process.ClaimFailed, 3 * time.Second},
		{"claim", webhook.Message{Kind: webhook.KindUnclaimed, Receipt: &unclaimed, Receives: 3}, time.Minute, 10 * time.Second, process.ClaimFailed, 12 * time.Second},
		{"first attempt", first, time.Minute, 10 * time.Second, process.LeaseFailed, 3 * time.Second},
		{"lease", webhook.Message{Kind: webhook.KindEvent, ID: key, Receives: 2}, time.Minute, 10 * time.Second, process.LeaseFailed, 6 * time.Second},
		{"lease", message, 0, 10 * time.Second, process.LeaseFailed, 3 * time.Second},
		{"settle", message, time.Minute, 10 * time.Second, process.SettleFailed, 0}, // it may be delivered: not before any lease has ended
		{"settle", message, 4 * time.Second, 3 * time.Second, process.SettleFailed, 0},
		{"settle", message, time.Second, time.Second / 2, process.SettleFailed, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.destinations["crm"] = &sink{answers: []webhook.Outcome{ok}}
			ctx := t.Context()
			if c.left > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.left)
				defer cancel()
			}
			began := time.Now()
			r := w.serviceOver(hanging{w.ledger, c.call}, nil).Process(ctx, c.message)
			if r.Outcome != c.outcome || !r.Retry || r.RetryIn != c.again || r.Err == nil {
				t.Errorf("%s: %+v, want %s that comes back in %s", c.call, r, c.outcome, c.again)
			}
			if waited := time.Since(began); waited != c.waited { // by the clock of the bubble
				t.Errorf("%s, %s left: waited %s, want %s", c.call, c.left, waited, c.waited)
			}
		})
	}
}

// silent is a queue, and a store of bodies, that do not answer.
type silent struct{ process.Bodies }

func (silent) SendDeadLetters(ctx context.Context, msgs []webhook.Message) []error {
	<-ctx.Done()
	return make([]error, len(msgs))
}

func (silent) Expire(ctx context.Context, _ webhook.Payload, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}

// So do a queue that takes no dead letter, and a store that marks no body.
func TestAQueueOrAStoreThatHangs(t *testing.T) {
	for answer, want := range map[*webhook.Outcome]process.Outcome{&ok: process.Delivered, &permanent: process.Dead} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.destinations["crm"] = &sink{answers: []webhook.Outcome{*answer}}
			svc := w.service(nil)
			svc.DeadLetters, svc.Bodies = silent{}, silent{svc.Bodies}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			if r := svc.Process(ctx, message); r.Outcome != want || time.Since(began) > 15*time.Second {
				t.Errorf("%s after %s, want %s", r.Outcome, time.Since(began), want)
			}
		})
	}
}
