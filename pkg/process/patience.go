package process

import (
	"context"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// patience is how long the ledger is waited for. A table that does not answer makes a
// message come back; where it took the whole invocation, it took the batch with it, and
// what was delivered would be delivered again.
const patience = 10 * time.Second

// answerTime is kept back of an invocation for what follows a settled attempt: the lines
// of the log, and the answer that says which messages come back.
const answerTime = time.Second

// patient bounds each call of a ledger. A write that was given up on has an unknown
// effect, as one whose answer was lost has.
type patient struct{ Ledger }

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	wait := patience
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		wait = min(wait, max(left-answerTime, left/2)) // a write at the very end still has a chance
	}
	return context.WithTimeout(ctx, wait)
}

// Claim implements Ledger.
func (p patient) Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return p.Ledger.Claim(ctx, r, nonce, dueAt)
}

// FirstAttempt implements Ledger.
func (p patient) FirstAttempt(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, bool, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return p.Ledger.FirstAttempt(ctx, req)
}

// Lease implements Ledger.
func (p patient) Lease(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return p.Ledger.Lease(ctx, req)
}

// Superseded implements Ledger.
func (p patient) Superseded(ctx context.Context, r webhook.Record) (bool, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return p.Ledger.Superseded(ctx, r)
}

// Settle implements Ledger.
func (p patient) Settle(ctx context.Context, lease webhook.Lease, s webhook.Settlement) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return p.Ledger.Settle(ctx, lease, s)
}

// ConfirmDeadLetter implements Ledger.
func (p patient) ConfirmDeadLetter(ctx context.Context, id webhook.EventID, death int, dueAt time.Time) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return p.Ledger.ConfirmDeadLetter(ctx, id, death, dueAt)
}
