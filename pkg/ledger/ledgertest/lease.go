package ledgertest

import (
	"fmt"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var leaseRules = []rule{
	{"a pending event is leased, and its due time moves behind the lease", leasePending},
	{"a due time that lies behind the lease and a margin stays", leaseKeepsDue},
	{"a lease never keeps a due time that is absent", leaseSetsAbsentDue},
	{"a lease keeps no due time where none is said to be late enough", leaseWithoutKeepDue},
	{"destinations are fixed at the first lease", leaseFixesDestinations},
	{"an event without destinations is leased as well", leaseWithoutDestinations},
	{"an event is not leased before its time", leaseEarly},
	{"a live lease is not taken over", leaseBusy},
	{"a lease whose answer was lost recognises its nonce", leaseRecognisesNonce},
	{"a lease that ended without reporting an outcome is taken over and noted", leaseExpired},
	{"a finished event is not leased, with a dead letter or without", leaseFinished},
	{"an event that is not there is not leased", leaseMissing},
	{"a clock that runs behind the receiver's does not delay a new event", leaseClockBehind},
	{"the lease number never restarts", leaseNumberNeverRestarts},
	{"an event whose abandoned leases are used up dies under the number seen", leaseMarksDeadAbandoned},
	{"a lease of a dead event is lost to its holder", leaseOfADeadEventIsLost},
	{"the cap on abandoned leases counts since the last revival", leaseCapCountsSinceRevival},
}

func leasePending(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	want := e.get(id)
	req := e.request(id, sec(10))
	lease := e.lease(req)

	want.State, want.LeaseNumber, want.LeaseNonce = webhook.Processing, 1, req.Nonce
	want.LeaseUntil, want.DueAt, want.UpdatedAt = req.Until, req.DueAt, sec(10)
	want.Destinations = []webhook.Progress{{Name: "crm"}, {Name: "slack"}}
	e.same(want, e.get(id))
	e.same(want, lease.Record)
	equal(e, "number", lease.Number, 1)
	equal(e, "nonce", lease.Nonce, req.Nonce)
	equal(e, "until", lease.Until, req.Until)
	e.wantDue(req.DueAt)
	e.wantDue(req.DueAt.Add(time.Millisecond), id)
}

func leaseKeepsDue(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	due := e.get(id).DueAt
	req := e.request(id, due.Add(-leaseTime-margin)) // just behind
	equal(e, "due, as it was", e.lease(req).Record.DueAt, due)
	e.wantDue(due.Add(time.Millisecond), id)

	// Who takes over from a holder that is gone keeps it as well, or moves it.
	req = e.request(id, req.Until.Add(time.Millisecond))
	equal(e, "due, too early for the second lease", e.lease(req).Record.DueAt, req.DueAt)
	again := e.request(id, req.Until.Add(time.Millisecond))
	again.KeepDue = req.DueAt
	equal(e, "due, late enough for the third", e.lease(again).Record.DueAt, req.DueAt)
}

func leaseWithoutKeepDue(e *env) {
	rec := e.in(webhook.Pending, "A")
	req := e.request(rec.ID, sec(10))
	req.KeepDue = time.Time{}
	if _, ok, err := e.l.FirstAttempt(e.ctx, req); ok || err != nil {
		e.Errorf("a first attempt (%v)", err)
	}
	equal(e, "due", e.lease(req).Record.DueAt, req.DueAt)
}

func leaseSetsAbsentDue(e *env) {
	dead := e.in(webhook.Dead, "A")
	e.must(e.l.ConfirmDeadLetter(e.ctx, dead.ID, dead.Death, dead.DueAt))
	req := e.request(dead.ID, sec(100))
	req.Death, req.KeepDue = dead.Death, sec(0)
	equal(e, "due", e.lease(req).Record.DueAt, req.DueAt)
	e.wantDue(req.DueAt.Add(time.Millisecond), dead.ID)
}

func leaseFixesDestinations(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.settled(e.leased(id, sec(10)), webhook.Pending, sec(20))
	req := e.request(id, sec(1000))
	req.Destinations = []string{"warehouse"}
	names := []string{}
	for _, p := range e.lease(req).Record.Destinations {
		names = append(names, p.Name)
	}
	equal(e, "destinations", fmt.Sprint(names), "[crm slack]")
}

func leaseWithoutDestinations(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	req := e.request(id, sec(10))
	req.Destinations = nil
	lease := e.lease(req)
	e.must(e.l.Settle(e.ctx, lease, webhook.Settlement{State: webhook.Pending, At: sec(11), NotBefore: sec(12), DueAt: sec(72)}))
	lease = e.leased(id, sec(12))
	equal(e, "destinations at the second lease", len(lease.Record.Destinations), 0)
	e.must(e.l.Settle(e.ctx, lease, webhook.Settlement{State: webhook.Unrouted, At: sec(13), ExpiresAt: sec(1000)}))
	_, err := e.l.Replay(e.ctx, e.revival(e.get(id), sec(20)))
	e.must(err)
	equal(e, "destinations after a replay", len(e.leased(id, sec(21)).Record.Destinations), 2)
}

func leaseEarly(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	rec := e.settled(e.leased(id, sec(10)), webhook.Pending, sec(20))
	e.refused(e.request(id, rec.NotBefore.Add(-time.Millisecond)), webhook.LeaseRefusedEarly)
	equal(e, "lease number", e.leased(id, rec.NotBefore).Number, 2)
	equal(e, "not before, once leased", e.get(id).NotBefore, time.Time{})
}

func leaseBusy(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	until := e.leased(id, sec(10)).Until
	e.refused(e.request(id, sec(11)), webhook.LeaseRefusedBusy)
	e.refused(e.request(id, until), webhook.LeaseRefusedBusy)
	e.refused(e.request(id, until.Add(500*time.Microsecond)), webhook.LeaseRefusedBusy)
	equal(e, "lease number", e.leased(id, until.Add(time.Millisecond)).Number, 2)
}

func leaseRecognisesNonce(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	req := e.request(id, sec(10))
	first := e.lease(req)
	second := e.lease(req)
	equal(e, "number", second.Number, first.Number)
	e.same(first.Record, second.Record)
	e.same(first.Record, e.get(id))
}

func leaseExpired(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	first := e.leased(id, sec(10))
	req := e.request(id, sec(100))
	second := e.lease(req)
	want := first.Record
	want.LeaseNumber, want.LeaseNonce, want.LeaseUntil = 2, req.Nonce, req.Until
	want.DueAt, want.UpdatedAt, want.Abandoned = req.DueAt, sec(100), 1
	want.History = []webhook.Attempt{{
		Number: 1, Result: webhook.ResultAbandoned, ErrorClass: "abandoned",
		Error: "the worker stopped without reporting an outcome", StartedAt: sec(10),
	}}
	e.same(want, second.Record)
	e.same(want, e.get(id))
}

func leaseFinished(e *env) {
	for _, state := range []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Held, webhook.Parked, webhook.Discarded} {
		rec := e.in(state, fmt.Sprintf("A%d", e.seq))
		for _, byDeadLetter := range []int{0, rec.Death, 1, 2} {
			req := e.request(rec.ID, sec(10_000))
			req.Death = byDeadLetter
			e.refused(req, webhook.LeaseRefusedFinished)
		}
	}
}

func leaseMissing(e *env) {
	_, err := e.l.Lease(e.ctx, e.request("v1:EMAIL_REPLY:NONE", sec(0)))
	e.want(err, webhook.ErrNotFound)
}

func leaseClockBehind(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	dead := e.settled(e.leased(id, sec(-2)), webhook.Dead, sec(20))
	_, err := e.l.Revive(e.ctx, e.revival(dead, sec(100)))
	e.must(err)
	equal(e, "lease number", e.leased(id, sec(70)).Number, 2)

	held := e.in(webhook.Held, "B").ID
	_, err = e.l.Release(e.ctx, held, sec(100), sec(160))
	e.must(err)
	equal(e, "lease number", e.leased(held, sec(70)).Number, 1)
}

func leaseNumberNeverRestarts(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	next, now := 1, sec(0)
	lease := func(byDeadLetter int) webhook.Lease {
		now = now.Add(time.Hour)
		req := e.request(id, now)
		req.Death = byDeadLetter
		got := e.lease(req)
		equal(e, "lease number", got.Number, next)
		next++
		return got
	}
	e.settled(lease(0), webhook.Pending, now)
	lease(0) // ends without reporting an outcome
	dead := e.settled(lease(0), webhook.Dead, now)
	equal(e, "death", dead.Death, 3)
	dead = e.settled(lease(dead.Death), webhook.Dead, now) // by its dead letter
	_, err := e.l.Revive(e.ctx, e.revival(dead, now))
	e.must(err)
	dead = e.settled(lease(0), webhook.Dead, now)
	e.must(e.l.Park(e.ctx, id, dead.Death, now))
	_, err = e.l.Unpark(e.ctx, e.revival(dead, now))
	e.must(err)
	done := e.settled(lease(0), webhook.Delivered, now)
	_, err = e.l.Replay(e.ctx, e.revival(done, now))
	e.must(err)
	lease(0)
	equal(e, "leases", next, 8)
}

// abandon lets n leases end without reporting an outcome and returns the time after them.
func (e *env) abandon(id webhook.EventID, n int) time.Time {
	e.Helper()
	now := sec(10)
	for range n {
		e.leased(id, now)
		now = now.Add(time.Hour)
	}
	return now
}

func leaseMarksDeadAbandoned(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	now := e.abandon(id, 4)
	req := e.request(id, now)
	rec := e.refused(req, webhook.LeaseRefusedSpent)
	equal(e, "state", rec.State, webhook.Dead)
	equal(e, "death", rec.Death, 4)
	equal(e, "lease number", rec.LeaseNumber, 4)
	equal(e, "due", rec.DueAt, req.DueAt)
	equal(e, "died at", rec.DiedAt, now)
	equal(e, "error class", rec.ErrorClass, "abandoned")
	equal(e, "attempts remembered", len(rec.History), 4)
	equal(e, "last attempt remembered", rec.History[3].Number, 4)
	e.wantList("the dead", ledger.Query{Dead: true}, id)
	e.must(e.l.ConfirmDeadLetter(e.ctx, id, 4, req.DueAt))

	// The dead letter of that death brings it back with a new budget.
	e.refused(e.request(id, now), webhook.LeaseRefusedStaleDeadLetter)
	req = e.request(id, now)
	req.Death = 4
	lease := e.lease(req)
	equal(e, "number", lease.Number, 5)
	equal(e, "abandoned", lease.Record.Abandoned, 0)
}

func leaseOfADeadEventIsLost(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	now := e.abandon(id, 3)
	last := e.leased(id, now)
	e.refused(e.request(id, now.Add(time.Hour)), webhook.LeaseRefusedSpent)
	for _, state := range []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Pending, webhook.Dead} {
		e.unchanged(id, webhook.ErrLeaseLost, func() error {
			return e.l.Settle(e.ctx, last, settlement(last, state, now.Add(2*time.Hour)))
		})
	}
}

func leaseCapCountsSinceRevival(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	now := e.abandon(id, 3)
	lease := e.leased(id, now)
	equal(e, "abandoned", lease.Record.Abandoned, 3)
	rec := e.settled(lease, webhook.Pending, now)
	equal(e, "abandoned after an attempt that spoke", rec.Abandoned, 3)
	lease = e.leased(id, rec.NotBefore)
	rec = e.settled(lease, webhook.Dead, rec.NotBefore)
	equal(e, "abandoned after death", rec.Abandoned, 0)
	rec, err := e.l.Revive(e.ctx, e.revival(rec, rec.UpdatedAt))
	e.must(err)
	e.leased(id, rec.UpdatedAt)
	lease = e.leased(id, rec.UpdatedAt.Add(time.Hour))
	equal(e, "abandoned after the revival", lease.Record.Abandoned, 1)
	equal(e, "abandoned after delivery", e.settled(lease, webhook.Delivered, rec.UpdatedAt.Add(time.Hour)).Abandoned, 0)
}
