package scheduled

import (
	"context"
	"errors"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// repair has what is missing of a campaign brought back, and keeps what was done.
func (w *slice) repair(ctx context.Context, k *Campaign, found reconcile.Campaign, window smartleadapi.Window) error {
	run := w.h.Run
	left := w.policy.RepairEvents - run.Repaired.count()
	if w.Repair == nil || left <= 0 || !k.Arrived || !found.Whole() || found.Of(reconcile.Missing) == 0 {
		return nil
	}
	if err := w.h.save(ctx); err != nil { // is the lease still ours?
		return err
	}
	budget := Budget{Events: left}
	if deadline, ok := ctx.Deadline(); ok {
		budget.Until = deadline.Add(-w.policy.Margin)
	}
	done, err := w.Repair.Repair(ctx, w.api, Found{Campaign: found, Window: window, Run: run.ID, Lease: w.h.Lease}, budget)
	if err != nil {
		done.Says = "not repaired: " + err.Error()
	}
	done.Says = clip(done.Says, maxCause)
	run.Repaired.Retriggered += done.Retriggered
	run.Repaired.Synthesized += done.Synthesized
	run.Repaired.Left += done.Left
	k.Repaired, k.RepairedAt = done, w.Now().UTC()
	if errors.Is(err, webhook.ErrUnavailable) {
		return errors.Join(err, k.keep(ctx, w.Documents, w.h.Lease, w.Now()))
	}
	return k.keep(ctx, w.Documents, w.h.Lease, w.Now())
}
