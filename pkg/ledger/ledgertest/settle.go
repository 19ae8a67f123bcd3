package ledgertest

import (
	"fmt"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var settleRules = []rule{
	{"a delivered event owes nothing and will expire", settleDelivered},
	{"a failed attempt waits, and owes a message after its wait", settleRetry},
	{"a dead event owes its dead letter, numbered by the lease", settleDead},
	{"an attempt ends delivered, unrouted, to be tried again, or dead", settleOtherwise},
	{"a settlement whose answer was lost is recognised and not repeated", settleTwice},
	{"a second settlement of another kind is refused", settleOtherKind},
	{"the holder may settle after its lease ended, while nobody took it over", settleLate},
	{"the history is bounded and keeps the newest", historyBounded},
	{"an abandoned attempt joins a full history", historyBoundedAbandoned},
}

func settleDelivered(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	rec := e.settled(e.leased(id, sec(10)), webhook.Pending, sec(20)) // leaves an error behind
	lease := e.leased(id, rec.NotBefore)
	s := settlement(lease, webhook.Delivered, sec(500))
	e.must(e.l.Settle(e.ctx, lease, s))
	want := lease.Record
	want.State, want.LeaseUntil, want.DueAt = webhook.Delivered, time.Time{}, time.Time{}
	want.DeliveredAt, want.UpdatedAt, want.ExpiresAt = sec(500), sec(500), s.ExpiresAt
	want.ErrorClass, want.Error = "", ""
	want.Destinations = s.Destinations
	want.History = append(want.History, s.Attempts...)
	e.same(want, e.get(id))
	e.wantDue(sec(1_000_000))
}

func settleRetry(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	lease := e.leased(id, sec(10))
	s := settlement(lease, webhook.Pending, sec(20))
	e.must(e.l.Settle(e.ctx, lease, s))
	want := lease.Record
	want.State, want.LeaseUntil, want.DueAt, want.NotBefore = webhook.Pending, time.Time{}, s.DueAt, s.NotBefore
	want.ErrorClass, want.Error, want.UpdatedAt = "http_503", "the CRM is down", sec(20)
	want.Destinations, want.History = s.Destinations, s.Attempts
	e.same(want, e.get(id))
	e.wantDue(s.DueAt)
	e.wantDue(s.DueAt.Add(time.Millisecond), id)
}

func settleDead(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	rec := e.settled(e.leased(id, sec(10)), webhook.Pending, sec(20))
	lease := e.leased(id, rec.NotBefore)
	s := settlement(lease, webhook.Dead, sec(500))
	e.must(e.l.Settle(e.ctx, lease, s))
	want := lease.Record
	want.State, want.LeaseUntil, want.DueAt, want.Death = webhook.Dead, time.Time{}, s.DueAt, 2
	want.DiedAt, want.FirstDied, want.UpdatedAt = sec(500), sec(500), sec(500)
	want.ErrorClass, want.Error = s.ErrorClass, s.Error
	want.Destinations = s.Destinations
	want.History = append(want.History, s.Attempts...)
	e.same(want, e.get(id))
	e.wantDue(s.DueAt.Add(time.Millisecond), id)
	e.wantList("the dead", ledger.Query{Dead: true}, id)
}

func settleOtherwise(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	lease := e.leased(id, sec(10))
	for _, state := range []webhook.State{"", webhook.Processing, webhook.Held, webhook.Parked, webhook.Discarded} {
		if err := e.l.Settle(e.ctx, lease, settlement(lease, state, sec(20))); err == nil {
			e.Errorf("an attempt ended as %q", state)
		}
	}
	e.same(lease.Record, e.get(id))
}

func settleTwice(e *env) {
	for i, state := range []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Pending, webhook.Dead} {
		id := e.claimed(receipt(fmt.Sprintf("A%d", i), sec(0))).ID
		lease := e.leased(id, sec(10))
		rec := e.settled(lease, state, sec(20))
		e.must(e.l.Settle(e.ctx, lease, settlement(lease, state, sec(20))))
		e.same(rec, e.get(id))
	}
}

func settleOtherKind(e *env) {
	states := []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Pending, webhook.Dead}
	for i, state := range states {
		id := e.claimed(receipt(fmt.Sprintf("A%d", i), sec(0))).ID
		lease := e.leased(id, sec(10))
		e.settled(lease, state, sec(20))
		for _, second := range states {
			if second == state {
				continue
			}
			e.unchanged(id, webhook.ErrLeaseLost, func() error {
				return e.l.Settle(e.ctx, lease, settlement(lease, second, sec(21)))
			})
		}
	}
}

func settleLate(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	lease := e.leased(id, sec(10))
	equal(e, "state", e.settled(lease, webhook.Delivered, lease.Until.Add(time.Hour)).State, webhook.Delivered)
}

// attempts are n of one lease, told apart by their status.
func attempts(lease webhook.Lease, n int) []webhook.Attempt {
	var out []webhook.Attempt
	for i := range n {
		out = append(out, webhook.Attempt{
			Number: lease.Number, Destination: "crm", Result: webhook.ResultRetry, Status: i, StartedAt: sec(i), Duration: time.Second,
		})
	}
	return out
}

func historyBounded(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	now := sec(10)
	for range 3 {
		lease := e.leased(id, now)
		s := settlement(lease, webhook.Pending, now)
		s.Attempts = attempts(lease, 25)
		e.must(e.l.Settle(e.ctx, lease, s))
		now = s.NotBefore
	}
	h := e.get(id).History
	equal(e, "attempts remembered", len(h), webhook.MaxHistory)
	equal(e, "the oldest is of lease", h[0].Number, 1)
	equal(e, "the oldest is its attempt", h[0].Status, 15)
	equal(e, "the newest is of lease", h[len(h)-1].Number, 3)
	equal(e, "the newest is its attempt", h[len(h)-1].Status, 24)
}

func historyBoundedAbandoned(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	lease := e.leased(id, sec(10))
	s := settlement(lease, webhook.Pending, sec(20))
	s.Attempts = attempts(lease, 100)
	e.must(e.l.Settle(e.ctx, lease, s))
	e.leased(id, s.NotBefore)
	h := e.leased(id, s.NotBefore.Add(time.Hour)).Record.History
	equal(e, "attempts remembered", len(h), webhook.MaxHistory)
	equal(e, "the oldest is attempt", h[0].Status, 41)
	equal(e, "the newest is", h[len(h)-1].Result, webhook.ResultAbandoned)
}

var fenceRules = []rule{
	{"a settlement under another lease number is lost", fenceNumber},
	{"a settlement under another nonce is lost", fenceNonce},
	{"a settlement of an event that left processing is lost", fenceState},
	{"a settlement of an event that is not there is lost and creates nothing", fenceMissing},
}

// fenced tries every settlement under a lease that does not hold.
func (e *env) fenced(lease webhook.Lease) {
	e.Helper()
	for _, state := range []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Pending, webhook.Dead} {
		e.unchanged(lease.Record.ID, webhook.ErrLeaseLost, func() error {
			return e.l.Settle(e.ctx, lease, settlement(lease, state, sec(200)))
		})
	}
}

func fenceNumber(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.leased(id, sec(10))
	second := e.leased(id, sec(100))
	stale := second
	stale.Number = 1
	e.fenced(stale)
	stale.Number = 3
	e.fenced(stale)
	e.settled(second, webhook.Delivered, sec(110))
}

func fenceNonce(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	first := e.leased(id, sec(10))
	second := e.leased(id, sec(100))
	e.fenced(first)
	stale := second
	stale.Nonce = first.Nonce
	e.fenced(stale)
	e.settled(second, webhook.Delivered, sec(110))
}

func fenceState(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	lease := e.leased(id, sec(10))
	dead := e.settled(lease, webhook.Dead, sec(20))
	e.must(e.l.Park(e.ctx, id, dead.Death, sec(30)))
	e.fenced(lease)
	_, err := e.l.Unpark(e.ctx, e.revival(dead, sec(40)))
	e.must(err)
	for _, state := range []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Dead} {
		e.unchanged(id, webhook.ErrLeaseLost, func() error {
			return e.l.Settle(e.ctx, lease, settlement(lease, state, sec(50)))
		})
	}
}

func fenceMissing(e *env) {
	lease := webhook.Lease{Number: 1, Nonce: "n", Record: webhook.Record{ID: "v1:EMAIL_REPLY:NONE"}}
	for _, state := range []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Pending, webhook.Dead} {
		e.want(e.l.Settle(e.ctx, lease, settlement(lease, state, sec(20))), webhook.ErrLeaseLost)
	}
	e.nothingIsThere("v1:EMAIL_REPLY:NONE")
}
