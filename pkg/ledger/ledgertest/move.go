package ledgertest

import (
	"fmt"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var moveRules = []rule{
	{"a revival starts a new budget and keeps what succeeded", reviveDead},
	{"a revival of another death changes nothing", reviveOtherDeath},
	{"a revival is counted as a redrive when it is one", reviveCounts},
	{"a move whose answer was lost recognises its nonce", moveRecognisesNonce},
	{"a move under another nonce is another move", moveOtherNonce},
	{"a parked event owes nothing, is not listed as dead, and its dead letter is stale", parkDead},
	{"another death is not parked", parkOtherDeath},
	{"a parked event comes back to pending with a new budget", unparkRevives},
	{"a parked event of another death stays", unparkOtherDeath},
	{"a held event is released, once", releaseHeld},
	{"a dead, parked or held event is given up and expires", discardGivesUp},
	{"an event that was leased since is not given up", discardOtherLease},
	{"an event that was moved since is not given up", discardOtherState},
}

func reviveDead(e *env) {
	dead := e.in(webhook.Dead, "A")
	m := e.revival(dead, sec(100))
	rec, err := e.l.Revive(e.ctx, m)
	e.must(err)
	want := dead
	want.State, want.Lane, want.DueAt, want.UpdatedAt = webhook.Pending, webhook.Replay, m.DueAt, sec(100)
	want.Destinations = []webhook.Progress{
		{Name: "crm", Result: webhook.ResultDelivered, Attempts: 1},
		{Name: "slack"},
	}
	e.same(want, rec)
	e.same(want, e.get(dead.ID))
	equal(e, "death", rec.Death, dead.Death)
	e.wantDue(sec(1000), dead.ID)
	e.wantList("the dead", ledger.Query{Dead: true})
	equal(e, "lease number", e.leased(dead.ID, sec(100)).Number, 2)
}

func reviveOtherDeath(e *env) {
	dead := e.in(webhook.Dead, "A")
	for _, death := range []int{0, dead.Death - 1, dead.Death + 1} {
		m := e.revival(dead, sec(100))
		m.Death = death
		e.unchanged(dead.ID, webhook.ErrChanged, func() error { _, err := e.l.Revive(e.ctx, m); return err })
	}
}

func reviveCounts(e *env) {
	dead := e.in(webhook.Dead, "A")
	m := e.revival(dead, sec(100))
	m.Redrive, m.Lane = true, webhook.Live
	rec, err := e.l.Revive(e.ctx, m)
	e.must(err)
	equal(e, "redrives", rec.Redrives, 1)
	equal(e, "lane", rec.Lane, webhook.Live)
	dead = e.settled(e.leased(dead.ID, sec(101)), webhook.Dead, sec(102))
	m = e.revival(dead, sec(200))
	rec, err = e.l.Revive(e.ctx, m)
	e.must(err)
	equal(e, "redrives after a revival by hand", rec.Redrives, 1)
}

// moves are the ways back to pending, each with the state it starts in.
func (e *env) moves() map[webhook.State]func(webhook.Revival) (webhook.Record, error) {
	moves := make(map[webhook.State]func(webhook.Revival) (webhook.Record, error))
	moves[webhook.Dead] = func(m webhook.Revival) (webhook.Record, error) { return e.l.Revive(e.ctx, m) }
	moves[webhook.Parked] = func(m webhook.Revival) (webhook.Record, error) { return e.l.Unpark(e.ctx, m) }
	moves[webhook.Delivered] = func(m webhook.Revival) (webhook.Record, error) { return e.l.Replay(e.ctx, m) }
	moves[webhook.Unrouted] = moves[webhook.Delivered]
	return moves
}

func moveRecognisesNonce(e *env) {
	for state, move := range e.moves() {
		m := e.revival(e.in(state, string(state)), sec(100))
		m.Redrive = true
		first, err := move(m)
		e.must(err)
		second, err := move(m)
		e.must(err)
		e.same(first, second)
		e.same(first, e.get(m.ID))

		// A worker may have been faster than the repeated call.
		leased := e.leased(m.ID, sec(101)).Record
		third, err := move(m)
		e.must(err)
		e.same(leased, third)
		e.same(leased, e.get(m.ID))
	}
}

func moveOtherNonce(e *env) {
	for state, move := range e.moves() {
		m := e.revival(e.in(state, string(state)), sec(100))
		_, err := move(m)
		e.must(err)
		m.Nonce = e.nonce()
		e.unchanged(m.ID, webhook.ErrChanged, func() error { _, err := move(m); return err })
		m.Nonce = ""
		e.unchanged(m.ID, webhook.ErrChanged, func() error { _, err := move(m); return err })
	}
}

func parkDead(e *env) {
	want := e.in(webhook.Dead, "A")
	e.must(e.l.Park(e.ctx, want.ID, want.Death, sec(100)))
	byDeadLetter := e.request(want.ID, sec(101))
	byDeadLetter.Death = want.Death
	want.State, want.DueAt, want.UpdatedAt = webhook.Parked, time.Time{}, sec(100)
	e.same(want, e.get(want.ID))
	e.wantDue(sec(10_000))
	e.wantList("the dead", ledger.Query{Dead: true})
	e.wantList("the parked", ledger.Query{State: webhook.Parked}, want.ID)
	e.refused(byDeadLetter, webhook.LeaseRefusedFinished)
}

func parkOtherDeath(e *env) {
	dead := e.in(webhook.Dead, "A")
	for _, death := range []int{0, dead.Death + 1} {
		e.unchanged(dead.ID, webhook.ErrChanged, func() error { return e.l.Park(e.ctx, dead.ID, death, sec(100)) })
	}
}

func unparkRevives(e *env) {
	want := e.in(webhook.Parked, "A")
	m := e.revival(want, sec(100))
	rec, err := e.l.Unpark(e.ctx, m)
	e.must(err)
	want.State, want.Lane, want.DueAt, want.UpdatedAt = webhook.Pending, webhook.Replay, m.DueAt, sec(100)
	want.Destinations = []webhook.Progress{
		{Name: "crm", Result: webhook.ResultDelivered, Attempts: 1},
		{Name: "slack"},
	}
	e.same(want, rec)
	e.same(want, e.get(want.ID))
	e.wantDue(sec(1000), want.ID)
}

func unparkOtherDeath(e *env) {
	parked := e.in(webhook.Parked, "A")
	m := e.revival(parked, sec(100))
	m.Death++
	e.unchanged(parked.ID, webhook.ErrChanged, func() error { _, err := e.l.Unpark(e.ctx, m); return err })
}

func releaseHeld(e *env) {
	want := e.in(webhook.Held, "A")
	rec, err := e.l.Release(e.ctx, want.ID, sec(100), sec(160))
	e.must(err)
	want.State, want.Held, want.DueAt, want.UpdatedAt = webhook.Pending, false, sec(160), sec(100)
	e.same(want, rec)
	e.same(want, e.get(want.ID))
	e.wantDue(sec(1000), want.ID)
	e.unchanged(want.ID, webhook.ErrChanged, func() error {
		_, err := e.l.Release(e.ctx, want.ID, sec(200), sec(260))
		return err
	})
}

func discardGivesUp(e *env) {
	for _, state := range []webhook.State{webhook.Dead, webhook.Parked, webhook.Held} {
		want := e.in(state, string(state))
		e.must(e.l.Discard(e.ctx, want, sec(100), sec(5000)))
		want.State, want.Held, want.DueAt = webhook.Discarded, false, time.Time{}
		want.UpdatedAt, want.ExpiresAt = sec(100), sec(5000)
		e.same(want, e.get(want.ID))
	}
	e.wantDue(sec(100_000))
	e.wantList("the dead", ledger.Query{Dead: true})
}

func discardOtherLease(e *env) {
	dead := e.in(webhook.Dead, "A")
	req := e.request(dead.ID, sec(30))
	req.Death = dead.Death
	e.settled(e.lease(req), webhook.Dead, sec(40))
	e.unchanged(dead.ID, webhook.ErrChanged, func() error { return e.l.Discard(e.ctx, dead, sec(100), sec(5000)) })
}

func discardOtherState(e *env) {
	for i, move := range []func(webhook.Record) error{
		func(r webhook.Record) error { _, err := e.l.Revive(e.ctx, e.revival(r, sec(50))); return err },
		func(r webhook.Record) error { return e.l.Park(e.ctx, r.ID, r.Death, sec(50)) },
	} {
		dead := e.in(webhook.Dead, fmt.Sprintf("A%d", i))
		e.must(move(dead))
		e.unchanged(dead.ID, webhook.ErrChanged, func() error { return e.l.Discard(e.ctx, dead, sec(100), sec(5000)) })
	}
}

var replayRules = []rule{
	{"a replay raises the generation, chooses the destinations anew and does not expire", replayDelivered},
	{"a replay keeps the idempotency key", replayKeepsKey},
	{"a replay whose effect is wanted again has a key of its generation", replayAgain},
	{"a replay of another generation changes nothing", replayOtherGeneration},
	{"a replayed event expires again when it is delivered again", replayExpiresAgain},
}

func (e *env) replayed(seen webhook.Record, again bool) webhook.Record {
	e.Helper()
	m := e.revival(seen, sec(100))
	m.Again = again
	rec, err := e.l.Replay(e.ctx, m)
	e.must(err)
	return rec
}

func replayDelivered(e *env) {
	for _, state := range []webhook.State{webhook.Delivered, webhook.Unrouted} {
		want := e.in(state, string(state))
		rec := e.replayed(want, false)
		want.State, want.Lane, want.DueAt, want.UpdatedAt = webhook.Pending, webhook.Replay, sec(100).Add(grace), sec(100)
		want.Generation, want.ExpiresAt = 1, time.Time{}
		want.Destinations = nil
		e.same(want, rec)
		e.same(want, e.get(want.ID))
		e.wantDue(sec(1000), want.ID)

		// A worker that knows of other destinations takes it up.
		req := e.request(want.ID, sec(101))
		req.Destinations = []string{"crm", "warehouse"}
		lease := e.lease(req)
		equal(e, "destinations", fmt.Sprint(lease.Record.Destinations), fmt.Sprint([]webhook.Progress{{Name: "crm"}, {Name: "warehouse"}}))
		e.settled(lease, state, sec(102))
	}
}

func replayKeepsKey(e *env) {
	rec := e.replayed(e.in(webhook.Delivered, "A"), false)
	equal(e, "idempotency key", rec.IdempotencyKey(), string(rec.ID))
}

func replayAgain(e *env) {
	rec := e.in(webhook.Delivered, "A")
	for n, again := range []bool{false, true, false} {
		rec = e.replayed(rec, again)
		key := string(rec.ID)
		if n > 0 {
			key += "#2" // of the replay that asked for it
		}
		equal(e, fmt.Sprintf("idempotency key of replay %d", n+1), rec.IdempotencyKey(), key)
		rec = e.settled(e.leased(rec.ID, sec(101)), webhook.Delivered, sec(102))
	}
	equal(e, "generation", rec.Generation, 3)
}

func replayOtherGeneration(e *env) {
	rec := e.in(webhook.Delivered, "A")
	for _, generation := range []int{1, -1} {
		m := e.revival(rec, sec(100))
		m.Generation = generation
		e.unchanged(rec.ID, webhook.ErrChanged, func() error { _, err := e.l.Replay(e.ctx, m); return err })
	}
}

func replayExpiresAgain(e *env) {
	rec := e.replayed(e.in(webhook.Delivered, "A"), false)
	done := e.settled(e.leased(rec.ID, sec(200)), webhook.Delivered, sec(210))
	equal(e, "expires", done.ExpiresAt, sec(210).Add(90*24*time.Hour))
}
