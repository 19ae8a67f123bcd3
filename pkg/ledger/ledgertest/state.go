package ledgertest

import (
	"slices"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var stateRules = []rule{
	{"each state is left only by the moves that may leave it", everyMoveFromEveryState},
	{"no write creates an event that is not there", noGhosts},
	{"no write touches the other occurrences of an event", noNeighbours},
}

// write is one conditional write, made to fit the event as it stands, and the
// states from which it may succeed.
type write struct {
	name string
	from []webhook.State
	call func(webhook.Record) error
}

func (e *env) writes() []write {
	revival := func(move func(webhook.Revival) (webhook.Record, error)) func(webhook.Record) error {
		return func(r webhook.Record) error { _, err := move(e.revival(r, sec(100))); return err }
	}
	moves := e.moves()
	return []write{
		{"Revive", []webhook.State{webhook.Dead}, revival(moves[webhook.Dead])},
		{"Unpark", []webhook.State{webhook.Parked}, revival(moves[webhook.Parked])},
		{"Replay", []webhook.State{webhook.Delivered, webhook.Unrouted}, revival(moves[webhook.Delivered])},
		{"Release", []webhook.State{webhook.Held}, func(r webhook.Record) error {
			_, err := e.l.Release(e.ctx, r.ID, sec(100), sec(160))
			return err
		}},
		{"Park", []webhook.State{webhook.Dead}, func(r webhook.Record) error {
			return e.l.Park(e.ctx, r.ID, r.Death, sec(100))
		}},
		{"Discard", []webhook.State{webhook.Dead, webhook.Parked, webhook.Held}, func(r webhook.Record) error {
			return e.l.Discard(e.ctx, r, sec(100), sec(5000))
		}},
		{"Erase", slices.DeleteFunc(slices.Clone(webhook.States), func(s webhook.State) bool { return s == webhook.Processing }), func(r webhook.Record) error {
			_, err := e.l.Erase(e.ctx, e.erasure(r.ID, sec(25)))
			return err
		}},
		{"ConfirmDeadLetter", []webhook.State{webhook.Dead}, func(r webhook.Record) error {
			return e.l.ConfirmDeadLetter(e.ctx, r.ID, r.Death, r.DueAt)
		}},
		{"Swept", []webhook.State{webhook.Pending, webhook.Processing, webhook.Dead}, func(r webhook.Record) error {
			return e.l.Swept(e.ctx, r, sec(500))
		}},
	}
}

func everyMoveFromEveryState(e *env) {
	for _, state := range webhook.States {
		for _, w := range e.writes() {
			rec := e.in(state, string(state)+w.name)
			if slices.Contains(w.from, state) {
				if err := w.call(rec); err != nil {
					e.Errorf("%s from %s: %v", w.name, state, err)
				}
				continue
			}
			e.unchanged(rec.ID, webhook.ErrChanged, func() error { return w.call(rec) })
		}
	}
}

// nothingIsThere looks everywhere.
func (e *env) nothingIsThere(id webhook.EventID) {
	e.Helper()
	_, err := e.l.Get(e.ctx, id)
	e.want(err, webhook.ErrNotFound)
	equal(e, "items", e.items(), 0)
	e.wantList("everything", ledger.Query{})
	e.wantList("the dead", ledger.Query{Dead: true})
	e.wantDue(sec(1_000_000))
	equal(e, "variants", len(e.variants(id)), 0)
}

func noGhosts(e *env) {
	const id = "v1:EMAIL_REPLY:NONE"
	for _, state := range webhook.States {
		rec := webhook.Record{ID: id, Receipt: receipt("NONE", sec(0)), State: state, LeaseNumber: 1, Death: 1, DueAt: sec(60)}
		for _, w := range e.writes() {
			if w.name == "Discard" && !slices.Contains(w.from, state) {
				continue // refused by what was seen alone
			}
			e.want(w.call(rec), webhook.ErrNotFound)
		}
	}
	req := e.request(id, sec(10))
	for _, byDeadLetter := range []int{0, 1} {
		req.Death = byDeadLetter
		_, err := e.l.Lease(e.ctx, req)
		e.want(err, webhook.ErrNotFound)
	}
	_, err := e.l.Split(e.ctx, webhook.Variant{ID: id, Fingerprint: "x", Receipt: receipt("NONE", sec(0))}, sec(1), sec(2))
	e.want(err, webhook.ErrNotFound)
	e.nothingIsThere(id)
}

func noNeighbours(e *env) {
	first := e.occurs(minute(0), 1, webhook.ClaimAccepted).ID
	second := e.occurs(minute(60), 2, webhook.ClaimAccepted).ID
	r := timeless(minute(61))
	r.Fingerprint = "another body"
	e.claimed(r)
	before, variants := e.get(first), e.variants(second)
	dead := e.settled(e.leased(second, minute(62)), webhook.Dead, minute(63))
	rec, err := e.l.Revive(e.ctx, e.revival(dead, minute(64)))
	e.must(err)
	e.settled(e.leased(rec.ID, minute(65).Add(time.Second)), webhook.Delivered, minute(66))
	e.same(before, e.get(first))
	equal(e, "variants", len(e.variants(second)), len(variants))
}
