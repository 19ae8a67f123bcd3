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

// FirstAttempt gives the right to make the first attempt without a write: a
// consistent read shows an event that is pending, was never leased and never swept,
// and is due later than req.KeepDue, so that nobody else works on it before this
// attempt has ended. It is right only for the first receipt of the receiver's own
// message of its claim. false: the event has to be leased. (W0 of
// docs/model/ledger.pml, which shows what each of the conditions is for.)
func (l *Ledger) FirstAttempt(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, bool, error) {
	it, err := l.getItem(ctx, keyOf(req.ID))
	if err != nil {
		return webhook.Lease{}, false, err
	}
	untouched := it.state() == webhook.Pending && it.LeaseNumber == 0 && it.Sweeps == 0 &&
		it.ClaimNonce != "" && it.dueBehind(req)
	if !untouched {
		return webhook.Lease{}, false, nil
	}
	it.State, it.LeaseNumber, it.LeaseNonce, it.LeaseUntil = string(webhook.Processing), 1, req.Nonce, at(req.Until)
	it.Dests = initialProgress(req.Destinations)
	lease := leaseOf(it)
	lease.First = true
	return lease, true, nil
}

// Lease takes the right to process an event. The common case, a pending event that
// is due late enough, is one conditional write; any other costs one write more,
// conditional on exactly what was seen.
//
// It returns *webhook.NotLeasable where the event may not be leased,
// webhook.ErrNotFound where there is none.
func (l *Ledger) Lease(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, error) {
	req.Now = req.Now.Truncate(time.Millisecond) // as the ledger's own times, so that decision and condition agree
	for range maxLeaseRaces {
		it, err := l.leaseOnce(ctx, req)
		var failed *errCondition
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

func (l *Ledger) leaseOnce(ctx context.Context, req webhook.LeaseRequest) (item, error) {
	if req.FirstAbandoned || req.KeepDue.IsZero() { // what is written depends on what is there
		old, err := l.getItem(ctx, keyOf(req.ID))
		if err != nil {
			return item{}, err
		}
		return l.leaseOther(ctx, req, old)
	}
	it, err := l.leasePending(ctx, req)
	var failed *errCondition
	if errors.As(err, &failed) {
		return l.leaseOther(ctx, req, failed.old)
	}
	return it, err
}

func leaseOf(it item) webhook.Lease {
	return webhook.Lease{
		Number: it.LeaseNumber, Nonce: it.LeaseNonce, Until: it.LeaseUntil.time(), Record: it.record(),
	}
}

// leaseUpdate is what every lease writes: the number rises by one in the same
// write and never restarts.
func leaseUpdate(req webhook.LeaseRequest) *update {
	return change(req.ID).
		state(webhook.Processing, req.Now).
		increment("lease").set("holder", req.Nonce).set("lease_until", at(req.Until)).
		set("sweeps", 0).remove("not_before")
}

// dueBehind tells whether an event is due late enough to stay so under a lease.
func (it item) dueBehind(req webhook.LeaseRequest) bool {
	return it.Due != "" && !req.KeepDue.IsZero() && !it.dueAt().Before(req.KeepDue)
}

// dueBehind is a lease of an event that was seen: its due time moves behind the end
// of the lease, unless it lies there. An absent one is set. From then on it is listed.
// (LEASEDUE of docs/model/ledger.pml.)
func (u *update) dueBehind(req webhook.LeaseRequest, old item) *update {
	if old.dueBehind(req) {
		return u.where("due", old.Due).listDue(req.ID)
	}
	return u.due(req.ID, req.DueAt)
}

// leasePending is the common case.
func (l *Ledger) leasePending(ctx context.Context, req webhook.LeaseRequest) (item, error) {
	return l.apply(ctx, leaseUpdate(req).
		from(webhook.Pending).wherePassed("not_before", req.Now).whereNotBefore("due", req.KeepDue).listDue(req.ID).
		setIfAbsent("dests", initialProgress(req.Destinations)))
}

// leasePendingSeen leases a pending event that is due too early to stay as it is, or
// whose first attempt was abandoned.
func (l *Ledger) leasePendingSeen(ctx context.Context, req webhook.LeaseRequest, old item) (item, error) {
	u := leaseUpdate(req).dueBehind(req, old).
		from(webhook.Pending).where("lease", old.LeaseNumber).wherePassed("not_before", req.Now).
		setIfAbsent("dests", initialProgress(req.Destinations))
	if req.FirstAbandoned && old.LeaseNumber == 0 {
		u.increment("abandoned")
	}
	return l.apply(ctx, u)
}

// leaseOther decides on the item that refused a pending lease.
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
		return l.leasePendingSeen(ctx, req, old)
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

// leaseExpired takes over from a holder that never reported an outcome. The
// abandoned lease is charged apart from the attempts.
func (l *Ledger) leaseExpired(ctx context.Context, req webhook.LeaseRequest, old item) (item, error) {
	return l.apply(ctx, leaseUpdate(req).dueBehind(req, old).
		from(webhook.Processing).where("lease", old.LeaseNumber).whereLeaseEnded(req.Now).
		increment("abandoned").set("history", historyOf(old.record(), abandonedAttempt(old))))
}

// leaseByDeadLetter revives a dead event by its own dead letter. It starts a new
// budget, never a new count, and keeps what succeeded.
func (l *Ledger) leaseByDeadLetter(ctx context.Context, req webhook.LeaseRequest, old item) (item, error) {
	return l.apply(ctx, leaseUpdate(req).dueBehind(req, old).
		from(webhook.Dead).where("death", old.Death).unmoved(old).
		clearListed().set("abandoned", 0).increment("redrives").
		set("dests", progressOf(newBudget(old.record().Destinations))))
}

// The error of an event whose leases were all abandoned.
const (
	abandonedClass = "abandoned"
	abandonedError = "the worker stopped without reporting an outcome, as on a time-out or out of memory, too often"
)

// markDeadAbandoned writes dead over an expired lease when its event has used up
// its abandoned leases. The event owes its dead letter. The nonce goes, so that
// the holder, should it come back, does not take this death for its own.
func (l *Ledger) markDeadAbandoned(ctx context.Context, req webhook.LeaseRequest, old item) (item, error) {
	it, err := l.apply(ctx, change(req.ID).
		from(webhook.Processing).where("lease", old.LeaseNumber).whereLeaseEnded(req.Now).
		dead(req.ID, old.LeaseNumber, old.record().Destinations, abandonedClass, abandonedError, req.Now, req.DueAt).
		set("history", historyOf(old.record(), abandonedAttempt(old))).
		remove("holder"))
	if err != nil {
		return item{}, err
	}
	return item{}, &webhook.NotLeasable{Reason: webhook.LeaseRefusedSpent, Record: it.record()}
}

// abandonedAttempt is the attempt that an expired lease stands for.
func abandonedAttempt(old item) webhook.Attempt {
	return webhook.Attempt{
		Number: old.LeaseNumber, Generation: old.Generation, Result: webhook.ResultAbandoned,
		ErrorClass: abandonedClass, Error: "the worker stopped without reporting an outcome",
		StartedAt: old.updatedAt(),
	}
}
