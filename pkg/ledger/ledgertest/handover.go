package ledgertest

import (
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

var handOverRules = []rule{
	{"an event that waits for a destination waits for another one instead", handOverWaits},
	{"an event that has the other destination already keeps its progress there", handOverMerges},
	{"an event is handed over in no other state, and not where it has ended", handOverStates},
	{"an event that no worker has taken has nothing to hand over, and its first attempt counts", handOverFirst},
	{"what a first attempt left waiting is handed over, and its copy does not undo that", handOverAfterFirst},
	{"an event that does not exist is not handed over", handOverNone},
	{"what is handed over is delivered to the other destination", handOverDelivers},
	{"a revival keeps a hand-over", handOverThenRevival},
	{"a duplicate moves neither a hand-over nor a revival", handOverDuplicate},
}

var handsOver = []webhook.State{webhook.Pending, webhook.Dead, webhook.Parked}

// waiting brings a new event into a state in which it waits for slack.
func (e *env) waiting(state webhook.State, name string) webhook.Record {
	e.Helper()
	if state != webhook.Pending {
		return e.in(state, name)
	}
	id := e.claimed(receipt(name, sec(0))).ID
	return e.settled(e.leased(id, sec(10)), webhook.Pending, sec(20))
}

func (e *env) handOver(id webhook.EventID, from, to string) (webhook.Record, error) {
	return e.l.HandOver(e.ctx, webhook.HandOver{ID: id, From: from, To: to, At: sec(50), Nonce: e.nonce()})
}

func handOverWaits(e *env) {
	for _, state := range handsOver {
		want := e.waiting(state, string(state))
		rec, err := e.handOver(want.ID, "slack", "warehouse")
		e.must(err)
		want.Destinations[1] = webhook.Progress{Name: "warehouse"}
		want.UpdatedAt = sec(50)
		e.same(want, rec)
		e.same(want, e.get(want.ID))
	}
}

func handOverMerges(e *env) {
	want := e.waiting(webhook.Dead, "A")
	_, err := e.handOver(want.ID, "slack", "crm")
	e.must(err)
	want.Destinations[1].Result = webhook.ResultRemoved
	want.UpdatedAt = sec(50)
	e.same(want, e.get(want.ID))
}

func handOverStates(e *env) {
	for _, state := range webhook.States {
		rec := e.waiting(state, string(state))
		none := []string{"crm", "nobody"} // settled, and none of its own
		if !slices.Contains(handsOver, state) {
			none = append(none, "slack")
		}
		for _, from := range none {
			e.unchanged(rec.ID, webhook.ErrChanged, func() error {
				_, err := e.handOver(rec.ID, from, "warehouse")
				return err
			})
		}
	}
}

func handOverFirst(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	lease := e.first(id)
	e.unchanged(id, webhook.ErrChanged, func() error {
		_, err := e.handOver(id, "slack", "warehouse")
		return err
	})
	e.settled(lease, webhook.Delivered, sec(20))
}

func handOverAfterFirst(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	one, copied := e.first(id), e.first(id)
	e.settled(one, webhook.Pending, sec(20))
	_, err := e.handOver(id, "slack", "warehouse")
	e.must(err)
	e.unchanged(id, webhook.ErrLeaseLost, func() error {
		return e.l.Settle(e.ctx, copied, settlement(copied, webhook.Pending, sec(60)))
	})
}

func handOverNone(e *env) {
	_, err := e.handOver("v1:EMAIL_REPLY:NONE", "slack", "warehouse")
	e.want(err, webhook.ErrNotFound)
	_, err = e.l.Get(e.ctx, "v1:EMAIL_REPLY:NONE")
	e.want(err, webhook.ErrNotFound)
}

// handedOver are the destinations of a waiting event behind its hand-over.
var handedOver = fmt.Sprint([]webhook.Progress{{Name: "crm", Result: webhook.ResultDelivered, Attempts: 1}, {Name: "warehouse"}})

func handOverDelivers(e *env) {
	seen := e.waiting(webhook.Pending, "A")
	_, err := e.handOver(seen.ID, "slack", "warehouse")
	e.must(err)
	lease := e.leased(seen.ID, seen.NotBefore)
	equal(e, "destinations", fmt.Sprint(lease.Record.Destinations), handedOver)
	e.settled(lease, webhook.Delivered, seen.NotBefore.Add(time.Second))
}

// handOverThenRevival has every way back from dead and parked: none brings the
// former destination back, and none fails for the hand-over.
func handOverThenRevival(e *env) {
	for i, again := range []func(seen webhook.Record) (webhook.Record, error){
		func(r webhook.Record) (webhook.Record, error) { return e.l.Revive(e.ctx, e.revival(r, sec(60))) },
		func(r webhook.Record) (webhook.Record, error) {
			e.must(e.l.Park(e.ctx, r.ID, r.Death, sec(55)))
			return e.l.Unpark(e.ctx, e.revival(r, sec(60)))
		},
		func(r webhook.Record) (webhook.Record, error) {
			req := e.request(r.ID, sec(60))
			req.Death = r.Death
			lease, err := e.l.Lease(e.ctx, req)
			return lease.Record, err
		},
	} {
		seen := e.waiting(webhook.Dead, fmt.Sprintf("A%d", i))
		_, err := e.handOver(seen.ID, "slack", "warehouse")
		e.must(err)
		rec, err := again(seen)
		e.must(err)
		equal(e, "destinations", fmt.Sprint(rec.Destinations), handedOver)
	}
}

func handOverDuplicate(e *env) {
	seen := e.waiting(webhook.Dead, "A")
	equal(e, "status", e.claimed(receipt("A", sec(40))).Status, webhook.ClaimDuplicate)
	_, err := e.handOver(seen.ID, "slack", "warehouse")
	e.must(err)
	equal(e, "status", e.claimed(receipt("A", sec(55))).Status, webhook.ClaimDuplicate)
	rec, err := e.l.Revive(e.ctx, e.revival(seen, sec(60)))
	e.must(err)
	equal(e, "destinations", fmt.Sprint(rec.Destinations), handedOver)
	e.ids = e.ids[:1]
}
