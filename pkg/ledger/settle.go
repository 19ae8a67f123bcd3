package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Settle ends an attempt: delivered, pending again, or dead. It requires that
// the event is processing under exactly this lease (the model's W4), and returns
// webhook.ErrLeaseLost, having changed nothing, where it is not.
//
// A settlement whose answer was lost is recognised by the lease's nonce (the
// model's W4r); markDeadAbandoned takes the nonce away.
func (l *Ledger) Settle(ctx context.Context, lease webhook.Lease, s webhook.Settlement) error {
	u, err := settlement(lease, s)
	if err != nil {
		return err
	}
	u.cond = "#state = :processing AND lease_number = :number AND lease_nonce = :nonce"
	u.values[":processing"] = string(webhook.Processing)
	u.values[":number"] = lease.Number
	u.values[":nonce"] = lease.Nonce
	u.set += ", destinations = :destinations, history = :history"
	u.values[":destinations"] = progressOf(s.Destinations)
	u.values[":history"] = historyOf(lease.Record.History, s.Attempts)
	if s.Superseded {
		u.set += ", flags = :flags"
		u.values[":flags"] = append(slices.Clone(lease.Record.Flags), webhook.FlagSuperseded)
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

func settlement(lease webhook.Lease, s webhook.Settlement) (update, error) {
	id := lease.Record.ID
	names := map[string]string{"#state": "state"}
	switch s.State {
	case webhook.Delivered: // the model's W4 to DELIV
		return update{
			key: keyOf(id),
			set: "#state = :state, delivered_at = :now, updated_at = :now, abandoned = :zero, expires_at = :expires",
			// The error of an attempt before is in the history.
			remove: "due_at, due_key, due_shard, lease_until, error_class, #error",
			names:  map[string]string{"#state": "state", "#error": "error"},
			values: map[string]any{
				":state": string(s.State), ":now": at(s.At), ":zero": 0, ":expires": seconds(s.ExpiresAt),
			},
		}, nil
	case webhook.Pending: // the model's W4 to PEND
		due := at(s.DueAt)
		names["#error"] = "error"
		return update{
			key: keyOf(id),
			set: "#state = :state, not_before = :not_before, error_class = :class, #error = :error, updated_at = :now, " +
				"due_at = :due, due_key = :due_key, due_shard = :due_shard",
			remove: "lease_until",
			names:  names,
			values: map[string]any{
				":state": string(s.State), ":now": at(s.At), ":not_before": at(s.NotBefore),
				":class": s.ErrorClass, ":error": s.Error,
				":due": due, ":due_key": timeKey(due, id), ":due_shard": dueShard(id),
			},
		}, nil
	case webhook.Dead: // the model's W4 to DEAD
		u := deadUpdate(keyOf(id), item{
			PK: id.Key(), SK: eventSK(id.Occurrence()), LeaseNumber: lease.Number,
		}, s.At, s.DueAt)
		u.values[":class"] = s.ErrorClass
		u.values[":error"] = s.Error
		return u, nil
	}
	return update{}, fmt.Errorf("ledger: an attempt cannot end as %q", s.State)
}

// ConfirmDeadLetter clears what a dead event owes, once SQS has accepted its dead letter:
// only for this death, and only if the due time is the one written with it
// (the model's W6). It returns webhook.ErrChanged where the event has moved
// on, which is no failure: the newer state owes by its own due time.
func (l *Ledger) ConfirmDeadLetter(ctx context.Context, id webhook.EventID, death int, dueAt time.Time) error {
	_, err := l.apply(ctx, update{
		key:    keyOf(id),
		remove: "due_at, due_key, due_shard",
		cond:   "#state = :dead AND death = :death AND due_at = :due",
		names:  map[string]string{"#state": "state"},
		values: map[string]any{":dead": string(webhook.Dead), ":death": death, ":due": at(dueAt)},
	})
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
