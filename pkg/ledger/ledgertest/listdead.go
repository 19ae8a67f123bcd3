package ledgertest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

func walkDead(e *env) {
	var want []webhook.EventID
	for i := range 9 {
		id := e.claimed(receipt(fmt.Sprintf("A%d", i), sec(0))).ID
		want = append(want, e.settled(e.leased(id, sec(10)), webhook.Dead, sec(20+i/3)).ID)
	}
	for start := range want {
		records, keys, _, err := e.l.Dead(e.ctx, sec(100), "", len(want))
		e.must(err)
		equal(e, "keys", len(keys), len(records))
		rest, _, _, err := e.l.Dead(e.ctx, sec(100), keys[start], len(want))
		e.must(err)
		if !slices.EqualFunc(rest, want[start+1:], func(r webhook.Record, id webhook.EventID) bool { return r.ID == id }) {
			e.Errorf("behind %s there are %d events, want %d", keys[start], len(rest), len(want)-start-1)
		}
	}
	records, _, next, err := e.l.Dead(e.ctx, sec(21), "", 2)
	e.must(err)
	equal(e, "events of a page", len(records), 2)
	equal(e, "it goes on", next != "", true)
	records, _, _, err = e.l.Dead(e.ctx, sec(21), next, 9)
	e.must(err)
	equal(e, "events that died before", len(records), 1)
}

func (e *env) deadSummaries(until time.Time) (deadSummaries []webhook.DeadSummary) {
	e.Helper()
	for g, err := range e.l.DeadSummaries(e.ctx, until) {
		e.must(err)
		deadSummaries = append(deadSummaries, g)
	}
	return deadSummaries
}

func listDeadSummaries(e *env) {
	var want []webhook.DeadSummary
	for i := range 11 {
		rec := e.in(webhook.Pending, fmt.Sprintf("A%d", i))
		want = append(want, e.settled(e.leased(rec.ID, sec(10)), webhook.Dead, sec(1000-i)).DeadSummary())
	}
	slices.Reverse(want)
	for _, state := range webhook.States {
		if state != webhook.Dead {
			e.in(state, strings.ToUpper(string(state)))
		}
	}
	same := func(what string, got, want []webhook.DeadSummary) {
		e.Helper()
		if !reflect.DeepEqual(got, want) {
			e.Errorf("%s: the index shows %+v, want %+v", what, got, want)
		}
	}
	same("the dead", e.deadSummaries(sec(3000)), want)
	same("those who died before", e.deadSummaries(sec(993)), want[:3])
	for g, err := range e.l.DeadSummaries(e.ctx, sec(3000)) { // a reader may leave
		e.must(err)
		equal(e, "the longest dead", g.ID, want[0].ID)
		break
	}

	// One that was redriven and died again is shown once, at its new death.
	revived, err := e.l.Revive(e.ctx, webhook.Revival{
		ID: want[0].ID, Lane: webhook.Replay, At: sec(1500), DueAt: sec(1560), Death: want[0].Death, Redrive: true, Nonce: e.nonce(),
	})
	e.must(err)
	same("the dead after a revival", e.deadSummaries(sec(3000)), want[1:])
	again := e.settled(e.leased(revived.ID, sec(2000)), webhook.Dead, sec(2010)).DeadSummary()
	equal(e, "redrives", again.Redrives, 1)
	equal(e, "death", again.Death, 2)
	same("the dead after another death", e.deadSummaries(sec(3000)), append(want[1:], again))
}

func listDeadAt(e *env) {
	a, b := e.in(webhook.Dead, "A"), e.in(webhook.Dead, "B") // which crm has, and slack has not
	at := func(what, destination string, want ...webhook.EventID) {
		e.Helper()
		e.wantList(what, ledger.Query{Dead: true, Oldest: true, Destination: destination}, want...)
		var shown []webhook.EventID
		for _, g := range e.deadSummaries(sec(30_000)) {
			if slices.Contains(g.DeadAt, destination) {
				shown = append(shown, g.ID)
			}
		}
		if !slices.Equal(shown, want) {
			e.Errorf("%s: the index shows %v, want %v", what, shown, want)
		}
	}
	at("dead at slack", "slack", a.ID, b.ID)
	at("crm has them", "crm")
	_, err := e.handOver(a.ID, "slack", "warehouse")
	e.must(err)
	at("one was handed over", "slack", b.ID)
	at("it waits for another one", "warehouse", a.ID)
	_, err = e.handOver(b.ID, "slack", "crm") // which has it
	e.must(err)
	at("one that every destination has", "slack")

	// One that comes back and dies again is dead at what it died of then.
	c := e.in(webhook.Dead, "C")
	revived, err := e.l.Revive(e.ctx, e.revival(c, sec(100)))
	e.must(err)
	at("while it is on its way", "slack")
	e.settled(e.leased(revived.ID, sec(200)), webhook.Dead, sec(210))
	at("it died again", "slack", c.ID)

	// One whose worker never said how it ended is dead at all that have not answered.
	d := e.claimed(receipt("D", sec(0)))
	now := e.abandon(d.ID, 4)
	e.refused(e.request(d.ID, now), webhook.LeaseRefusedSpent)
	at("abandoned", "crm", d.ID)
}
