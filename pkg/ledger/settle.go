package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Settle ends an attempt: delivered, unrouted, pending again, or dead. It requires that
// the event is processing under exactly this lease, or, after a first attempt,
// exactly as it was read, and returns webhook.ErrLeaseLost, having changed nothing,
// where it is not.
//
// A settlement whose answer was lost is recognised by the lease's nonce;
// markDeadAbandoned takes the nonce away.
func (l *Ledger) Settle(ctx context.Context, lease webhook.Lease, s webhook.Settlement) error {
	u, err := settlement(lease, s)
	if err != nil {
		return err
	}
	_, err = l.apply(ctx, u)
	var failed *errCondition
	if !errors.As(err, &failed) {
		return err
	}
	old := failed.old
	if old.LeaseNumber == lease.Number && old.LeaseNonce == lease.Nonce && old.State == string(s.State) {
		return nil
	}
	return fmt.Errorf("%s attempt %d: %w", lease.Record.ID, lease.Number, webhook.ErrLeaseLost)
}

// settlement is the write that ends an attempt, under the lease.
func settlement(lease webhook.Lease, s webhook.Settlement) (*update, error) {
	id := lease.Record.ID
	after := lease.Record
	if s.State == webhook.Delivered {
		after.DeliveredAt = s.At
	}
	u := change(id).set("dests", progressOf(s.Destinations)).set("history", historyOf(after, s.Attempts...))
	if lease.First {
		u.from(webhook.Pending).where("lease", 0).where("claim", lease.Record.ClaimNonce).
			set("lease", lease.Number).set("holder", lease.Nonce)
	} else {
		u.from(webhook.Processing).where("lease", lease.Number).where("holder", lease.Nonce)
	}
	if lease.Record.FirstUnknown { // found out when it was leased, and not written then
		u.set("first_unknown", true)
	}
	if s.Superseded {
		u.set("flags", append(slices.Clone(lease.Record.Flags), webhook.FlagSuperseded))
	}
	switch s.State {
	case webhook.Delivered:
		// The error of an attempt before is in the history.
		return u.set("state", string(s.State)).remove("updated").set("abandoned", 0).set("expires_at", seconds(s.ExpiresAt)).
			clearDue().remove("lease_until", "error_class", "error"), nil
	case webhook.Unrouted:
		return u.state(s.State, s.At).set("abandoned", 0).set("expires_at", seconds(s.ExpiresAt)).
			clearDue().remove("lease_until").unrouted(lease.Record, s.ErrorClass, s.Error), nil
	case webhook.Pending:
		return u.state(s.State, s.At).set("not_before", at(s.NotBefore)).due(id, s.DueAt).
			set("error_class", s.ErrorClass).set("error", s.Error).remove("lease_until"), nil
	case webhook.Dead:
		return u.dead(id, lease.Number, s.Destinations, s.ErrorClass, s.Error, s.At, s.DueAt), nil
	case webhook.Processing, webhook.Held, webhook.Parked, webhook.Discarded: // refused below
	}
	return nil, fmt.Errorf("ledger: an attempt cannot end as %q", s.State)
}

// ConfirmDeadLetter clears what a dead event owes, once SQS has accepted its dead
// letter: only for this death, and only if the due time is the one written with
// it. It returns webhook.ErrChanged where the event has moved on, which is no
// failure: the newer state owes by its own due time.
func (l *Ledger) ConfirmDeadLetter(ctx context.Context, id webhook.EventID, death int, dueAt time.Time) error {
	_, err := l.apply(ctx, change(id).clearDue().
		from(webhook.Dead).where("death", death).where("due", timeKey(at(dueAt), id)))
	return changed(err)
}

// changed maps a failed condition to webhook.ErrChanged, or to
// webhook.ErrNotFound where there is no item.
func changed(err error) error {
	var failed *errCondition
	if !errors.As(err, &failed) {
		return err
	}
	if failed.old.PK == "" {
		return webhook.ErrNotFound
	}
	return webhook.ErrChanged
}
