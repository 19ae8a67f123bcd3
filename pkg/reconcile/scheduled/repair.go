package scheduled

import (
	"context"
	"errors"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/webhook"
)

// unrepaired tells whether the slice that judged a campaign died before it asked for its
// repair.
func (w *slice) unrepaired(k Campaign) bool {
	return w.Repair != nil && k.Arrived && k.Proven() && k.Done.Counts[reconcile.Missing] > 0 && k.RepairedAt.Before(w.h.Run.StartedAt)
}

// repair has what is missing of a campaign brought back, and keeps what was done. What it
// may bring back is noted before, in the write that asks whether the lease is still ours.
func (w *slice) repair(ctx context.Context, k *Campaign, found Found) error {
	run := w.h.Run
	missing := found.Of(reconcile.Missing)
	if w.Repair == nil || !k.Arrived || !found.Whole() || missing == 0 {
		return nil
	}
	budget := Budget{Events: w.policy.RepairEvents - run.Repaired.count() - run.Repaired.Reserved}
	if budget.Events <= 0 {
		run.Repaired.Left += missing
		run.Repaired.Unfinished += missing
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok {
		budget.Until = deadline.Add(-w.policy.Margin)
	}
	reserved := min(budget.Events, 2*missing) // the first mail to a lead is two events
	budget.Events = reserved
	run.Repaired.Reserved += reserved
	if err := w.h.save(ctx); err != nil {
		return err
	}
	done, err := w.Repair.Repair(ctx, w.api, found, budget)
	if err != nil {
		did := done.Says // before it failed
		if done.Says = "not repaired: " + err.Error(); did != "" {
			done.Says = "broken off: " + err.Error() + "; " + did
		}
		if errors.Is(err, webhook.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			done.Unfinished += missing
		}
	}
	done.Says = clip(done.Says, maxCause)
	run.Repaired.Reserved -= reserved
	run.Repaired.add(done)
	k.Repaired, k.RepairedAt = done, w.Now().UTC()
	if errors.Is(err, webhook.ErrUnavailable) {
		return errors.Join(err, k.keep(ctx, w.Documents, w.h.Lease, w.Now()))
	}
	return k.keep(ctx, w.Documents, w.h.Lease, w.Now())
}
