package ledgertest

import (
	"fmt"
	"time"

	"smartlead-receiver/pkg/webhook"
)

var firstRules = []rule{
	{"a first attempt writes nothing and is numbered 1", firstWritesNothing},
	{"only an event that nobody has touched has a first attempt", firstOfAnUntouchedEvent},
	{"an event that is due too early has no first attempt", firstDueTooEarly},
	{"the settlement of a first attempt is that of lease 1", firstSettles},
	{"a first attempt whose event was leased meanwhile is lost", firstLosesToALease},
	{"of two first attempts the settlement of one counts", firstSettlesOnce},
	{"the settlement of a first attempt whose answer was lost is recognised", firstRecognisesItself},
	{"the settlement of a first attempt is not taken for that of another claim", firstOfAnotherClaim},
	{"a first attempt that nobody reported on counts as an abandoned lease", firstAbandoned},
	{"that a first attempt may have been made stays known, whatever comes after", firstUnknown},
	{"an abandoned first attempt is not counted once the event was leased", firstAbandonedLater},
}

// early is a time at which a new event is due late enough for a first attempt.
const early = 10 * time.Second

func (e *env) first(id webhook.EventID) webhook.Lease {
	e.Helper()
	req := e.request(id, sec(0).Add(early))
	req.KeepDue = req.Until
	lease, ok, err := e.l.FirstAttempt(e.ctx, req)
	e.must(err)
	if !ok || !lease.First {
		e.Fatalf("no first attempt at %s: %+v", id, lease)
	}
	return lease
}

func (e *env) noFirst(req webhook.LeaseRequest) {
	e.Helper()
	before := e.get(req.ID)
	if lease, ok, err := e.l.FirstAttempt(e.ctx, req); ok || err != nil {
		e.Errorf("a first attempt at a %s event: %+v %v", before.State, lease, err)
	}
	e.same(before, e.get(req.ID))
}

func firstWritesNothing(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	before := e.get(id)
	lease := e.first(id)
	e.same(before, e.get(id))
	want := before
	want.State, want.LeaseNumber, want.LeaseNonce, want.LeaseUntil = webhook.Processing, 1, lease.Nonce, lease.Until
	want.Destinations = []webhook.Progress{{Name: "crm"}, {Name: "slack"}}
	e.same(want, lease.Record)
	equal(e, "number", lease.Number, 1)
}

func firstOfAnUntouchedEvent(e *env) {
	for _, state := range []webhook.State{
		webhook.Processing, webhook.Delivered, webhook.Unrouted, webhook.Dead, webhook.Held, webhook.Parked, webhook.Discarded,
	} {
		req := e.request(e.in(state, fmt.Sprintf("A%d", e.seq)).ID, sec(10))
		req.KeepDue = sec(0)
		e.noFirst(req)
	}
	tried := e.settled(e.leased(e.claimed(receipt("B", sec(0))).ID, sec(10)), webhook.Pending, sec(20))
	req := e.request(tried.ID, tried.NotBefore)
	req.KeepDue = sec(0)
	e.noFirst(req)

	swept := e.in(webhook.Pending, "C")
	e.must(e.l.Swept(e.ctx, swept, sec(1000)))
	req = e.request(swept.ID, sec(10))
	e.noFirst(req)

	_, _, err := e.l.FirstAttempt(e.ctx, e.request("v1:EMAIL_REPLY:NONE", sec(0)))
	e.want(err, webhook.ErrNotFound)
}

func firstDueTooEarly(e *env) {
	rec := e.in(webhook.Pending, "A")
	req := e.request(rec.ID, sec(10))
	req.KeepDue = rec.DueAt.Add(time.Millisecond)
	e.noFirst(req)
	req.KeepDue = rec.DueAt
	if _, ok, err := e.l.FirstAttempt(e.ctx, req); !ok || err != nil {
		e.Errorf("due late enough, and no first attempt: %v", err)
	}
}

func firstSettles(e *env) {
	for _, state := range []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Pending, webhook.Dead} {
		name := string(state)
		leased := e.settled(e.leased(e.claimed(receipt(name+"-leased", sec(0))).ID, sec(10)), state, sec(20))
		first := e.settled(e.first(e.claimed(receipt(name, sec(0))).ID), state, sec(20))
		want := leased
		want.ID, want.Receipt = first.ID, first.Receipt
		want.LeaseNonce, want.ClaimNonce = first.LeaseNonce, first.ClaimNonce
		e.same(want, first)
		if first.LeaseNonce == "" {
			e.Errorf("%s: no nonce", state)
		}
		if state == webhook.Delivered || state == webhook.Unrouted {
			e.wantDue(sec(100_000))
			continue
		}
		e.wantDue(first.DueAt.Add(time.Millisecond), leased.ID, first.ID)
		e.discardAll(leased, first)
	}
}

// discardAll takes events out of the way of what is asked next.
func (e *env) discardAll(records ...webhook.Record) {
	e.Helper()
	for _, rec := range records {
		if rec.State == webhook.Pending {
			rec = e.settled(e.leased(rec.ID, rec.NotBefore), webhook.Dead, rec.NotBefore)
		}
		e.must(e.l.Discard(e.ctx, rec, sec(5000), sec(5000).Add(90*24*time.Hour)))
	}
}

func firstLosesToALease(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	first := e.first(id)
	second := e.leased(id, sec(11))
	equal(e, "number", second.Number, 1)
	e.fenced(first)
	e.settled(second, webhook.Pending, sec(20))
	e.fenced(first)
}

func firstSettlesOnce(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	one, two := e.first(id), e.first(id)
	e.settled(two, webhook.Delivered, sec(20))
	e.fenced(one)
}

func firstRecognisesItself(e *env) {
	for _, state := range []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Pending, webhook.Dead} {
		lease := e.first(e.claimed(receipt(string(state), sec(0))).ID)
		before := e.settled(lease, state, sec(20))
		e.must(e.l.Settle(e.ctx, lease, settlement(lease, state, sec(20))))
		e.same(before, e.get(lease.Record.ID))
	}
}

func firstOfAnotherClaim(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	lease := e.first(id)
	lease.Record.ClaimNonce = "of an item that expired meanwhile"
	e.fenced(lease)
}

func firstAbandoned(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.first(id)
	req := e.request(id, sec(20))
	req.FirstAbandoned = true
	lease := e.lease(req)
	equal(e, "number", lease.Number, 1)
	equal(e, "abandoned", lease.Record.Abandoned, 1)
	e.same(lease.Record, e.get(id))
	again := e.lease(req) // its answer was lost
	equal(e, "abandoned, asked again", again.Record.Abandoned, 1)
}

func firstUnknown(e *env) {
	for _, state := range []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Pending, webhook.Dead} {
		id := e.claimed(receipt(string(state), sec(0))).ID
		lease := e.leased(id, sec(10))
		equal(e, "unknown by the ledger", lease.Record.FirstUnknown, false)
		lease.Record.FirstUnknown = true
		rec := e.settled(lease, state, sec(20))
		equal(e, "unknown after "+string(state), rec.FirstUnknown, true)
		if state == webhook.Pending {
			lease = e.leased(id, rec.NotBefore)
			equal(e, "unknown when leased again", lease.Record.FirstUnknown, true)
			equal(e, "unknown at the end", e.settled(lease, webhook.Delivered, rec.DueAt).FirstUnknown, true)
		}
	}
}

func firstAbandonedLater(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	rec := e.settled(e.leased(id, sec(10)), webhook.Pending, sec(20))
	req := e.request(id, rec.NotBefore)
	req.FirstAbandoned = true
	lease := e.lease(req)
	equal(e, "number", lease.Number, 2)
	equal(e, "abandoned", lease.Record.Abandoned, 0)

	req = e.request(id, sec(100_000))
	req.FirstAbandoned = true
	equal(e, "abandoned, taken over", e.lease(req).Record.Abandoned, 1)

	req = e.request("v1:EMAIL_REPLY:NONE", sec(0))
	req.FirstAbandoned = true
	_, err := e.l.Lease(e.ctx, req)
	e.want(err, webhook.ErrNotFound)
}
