package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// maxLeaseRaces bounds how often a lease is tried anew because the event moved
// between reading it and writing it.
const maxLeaseRaces = 4

// Lease takes the right to process an event. The common case, a pending event,
// is one conditional write; any other costs one write more, conditional on
// exactly what was seen: the model's W1, then W1x.
//
// It returns *webhook.NotLeasable where the event may not be leased,
// webhook.ErrNotFound where there is none.
func (l *Ledger) Lease(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, error) {
	req.Now = req.Now.Truncate(time.Millisecond) // as the ledger's own times, so that decision and condition agree
	for range maxLeaseRaces {
		it, err := l.leasePending(ctx, req)
		var failed *errCondition
		if errors.As(err, &failed) {
			it, err = l.leaseOther(ctx, req, failed.old)
		}
		switch {
		case err == nil:
			return leaseOf(it), nil
		case errors.As(err, &failed):
			continue // it moved between the two writes
		default:
			return webhook.Lease{}, err
		}
	}
	return webhook.Lease{}, unavailable("lease", fmt.Errorf("%s moved %d times meanwhile", req.ID, maxLeaseRaces))
}

func leaseOf(it item) webhook.Lease {
	return webhook.Lease{
		Number: it.LeaseNumber, Nonce: it.LeaseNonce, Until: it.LeaseUntil.time(), Record: it.record(),
	}
}

// leaseUpdate is what every lease writes: the number rises by one in the same
// write and never restarts, and the due time moves to the end of the lease: the
// model's dolease.
func leaseUpdate(req webhook.LeaseRequest) update {
	due := at(req.DueAt)
	return update{
		key: keyOf(req.ID),
		set: "#state = :processing, lease_number = lease_number + :one, lease_nonce = :nonce, " +
			"lease_until = :until, due_at = :due, due_key = :due_key, due_shard = :due_shard, " +
			"sweeps = :zero, updated_at = :now",
		remove: "not_before",
		names:  map[string]string{"#state": "state"},
		values: map[string]any{
			":processing": string(webhook.Processing), ":one": 1, ":zero": 0,
			":nonce": req.Nonce, ":until": at(req.Until), ":now": at(req.Now),
			":due": due, ":due_key": timeKey(due, req.ID), ":due_shard": dueShard(req.ID),
		},
	}
}

func initialProgress(names []string) []progress {
	out := make([]progress, 0, len(names))
	for _, n := range names {
		out = append(out, progress{Name: n})
	}
	return out
}

// leasePending is the model's W1 from PEND.
func (l *Ledger) leasePending(ctx context.Context, req webhook.LeaseRequest) (item, error) {
	u := leaseUpdate(req)
	u.set += ", destinations = if_not_exists(destinations, :destinations)"
	u.cond = "#state = :pending AND (attribute_not_exists(not_before) OR not_before <= :now)"
	u.values[":pending"] = string(webhook.Pending)
	u.values[":destinations"] = initialProgress(req.Destinations)
	return l.apply(ctx, u)
}

// leaseOther decides on the item that refused a pending lease: the other
// branches of the model's W1.
func (l *Ledger) leaseOther(ctx context.Context, req webhook.LeaseRequest, old item) (item, error) {
	refuse := func(why webhook.LeaseRefusal) (item, error) {
		return item{}, &webhook.NotLeasable{Reason: why, Record: old.record()}
	}
	switch state := webhook.State(old.State); {
	case old.PK == "":
		return item{}, webhook.ErrNotFound
	case state == webhook.Processing && old.LeaseNonce == req.Nonce:
		return old, nil // my own lease, whose answer was lost
	case state == webhook.Pending && old.NotBefore.time().After(req.Now):
		return refuse(webhook.LeaseRefusedEarly)
	case state == webhook.Pending:
		return item{}, &errCondition{old: old}
	case state == webhook.Processing && !old.LeaseUntil.time().Before(req.Now):
		return refuse(webhook.LeaseRefusedBusy)
	case state == webhook.Processing && old.Abandoned >= req.MaxAbandoned:
		return l.markDeadAbandoned(ctx, req, old)
	case state == webhook.Processing:
		return l.leaseExpired(ctx, req, old)
	case state == webhook.Dead && req.Death > 0 && req.Death == old.Death:
		return l.leaseByDeadLetter(ctx, req, old)
	case state == webhook.Dead:
		return refuse(webhook.LeaseRefusedStaleDeadLetter)
	}
	return refuse(webhook.LeaseRefusedFinished)
}

// leaseExpired takes over from a holder that never reported an outcome: the model's W1x
// from PROC. The abandoned lease is charged apart from the attempts.
func (l *Ledger) leaseExpired(ctx context.Context, req webhook.LeaseRequest, old item) (item, error) {
	u := leaseUpdate(req)
	u.set += ", abandoned = abandoned + :one, history = :history"
	u.cond = "#state = :processing AND lease_number = :seen AND lease_until < :now"
	u.values[":seen"] = old.LeaseNumber
	u.values[":history"] = historyOf(old.record().History, []webhook.Attempt{abandonedAttempt(old)})
	return l.apply(ctx, u)
}

// leaseByDeadLetter revives a dead event by its own dead letter: the model's W1x from
// DEAD. It starts a new budget, never a new count, and keeps what succeeded.
func (l *Ledger) leaseByDeadLetter(ctx context.Context, req webhook.LeaseRequest, old item) (item, error) {
	u := leaseUpdate(req)
	u.set += ", abandoned = :zero, redrives = redrives + :one, destinations = :destinations"
	u.remove += ", dead_shard, dead_key"
	u.cond = "#state = :dead AND death = :death"
	u.values[":dead"] = string(webhook.Dead)
	u.values[":death"] = old.Death
	u.values[":destinations"] = progressOf(newBudget(old.record().Destinations))
	return l.apply(ctx, u)
}

// markDeadAbandoned writes dead over an expired lease when its event has used up its
// abandoned leases: the model's W1x. The event owes its dead letter. The nonce goes,
// so that the holder, should it come back, does not take this death for its
// own.
func (l *Ledger) markDeadAbandoned(ctx context.Context, req webhook.LeaseRequest, old item) (item, error) {
	u := deadUpdate(keyOf(req.ID), old, req.Now, req.DueAt)
	u.set += ", history = :history"
	u.remove += ", lease_nonce"
	u.cond = "#state = :processing AND lease_number = :seen AND lease_until < :now"
	u.values[":processing"] = string(webhook.Processing)
	u.values[":seen"] = old.LeaseNumber
	u.values[":class"] = "abandoned"
	u.values[":error"] = "the worker stopped without reporting an outcome, as on a time-out or out of memory, too often"
	u.values[":history"] = historyOf(old.record().History, []webhook.Attempt{abandonedAttempt(old)})
	it, err := l.apply(ctx, u)
	if err != nil {
		return item{}, err
	}
	return item{}, &webhook.NotLeasable{Reason: webhook.LeaseRefusedSpent, Record: it.record()}
}

// abandonedAttempt is the attempt that an expired lease stands for.
func abandonedAttempt(old item) webhook.Attempt {
	return webhook.Attempt{
		Number: old.LeaseNumber, Generation: old.Generation, Result: webhook.ResultAbandoned,
		ErrorClass: "abandoned", Error: "the worker stopped without reporting an outcome",
		StartedAt: old.UpdatedAt.time(),
	}
}

// deadUpdate is what every death writes: the model's dead. The caller adds the
// condition and the values :class and :error.
func deadUpdate(k key, old item, now, dueAt time.Time) update {
	id, due, died := old.id(), at(dueAt), at(now)
	return update{
		key: k,
		set: "#state = :dead, death = :death, died_at = :now, first_died_at = if_not_exists(first_died_at, :now), " +
			"error_class = :class, #error = :error, abandoned = :zero, updated_at = :now, " +
			"due_at = :due, due_key = :due_key, due_shard = :due_shard, dead_shard = :dead_shard, dead_key = :dead_key",
		remove: "lease_until",
		names:  map[string]string{"#state": "state", "#error": "error"},
		values: map[string]any{
			":dead": string(webhook.Dead), ":death": old.LeaseNumber, ":now": died, ":zero": 0,
			":due": due, ":due_key": timeKey(due, id), ":due_shard": dueShard(id),
			":dead_shard": awaitingOperatorShard(webhook.Dead, id), ":dead_key": timeKey(died, id),
		},
	}
}
