package ledgertest

import (
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var sweepRules = []rule{
	{"what is due is listed once its time has passed, the longest overdue first", dueInOrder},
	{"many events that are due at the same moment are all listed, on pages of any size", dueLosesNone},
	{"a swept event that is unfinished is due again later", sweptMovesOn},
	{"a swept event that is dead owes nothing more", sweptDead},
	{"a sweep of another state changes nothing", sweptState},
	{"a sweep of another lease changes nothing", sweptNumber},
	{"a sweep of another due time changes nothing", sweptDue},
	{"a lease starts the count of sweeps anew", sweepsCount},
	{"each state owes a message, or none", dueByState},
}

// due walks every shard in pages and returns what is due, shard by shard.
func (e *env) due(now time.Time, limit int) [][]webhook.EventID {
	e.Helper()
	var shards [][]webhook.EventID
	for shard := range ledger.DueShards {
		var all []webhook.EventID
		for after := ""; ; {
			ids, next, err := e.l.Due(e.ctx, shard, now, after, limit)
			e.must(err)
			if len(ids) > limit {
				e.Fatalf("a page of %d has %d events", limit, len(ids))
			}
			all = append(all, ids...)
			if next == "" {
				break
			}
			if next == after {
				e.Fatalf("the listing does not move on from %q", next)
			}
			after = next
		}
		shards = append(shards, all)
	}
	return shards
}

func (e *env) wantDue(now time.Time, want ...webhook.EventID) {
	e.Helper()
	got := slices.Sorted(slices.Values(slices.Concat(e.due(now, 100)...)))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		e.Errorf("due at %s: %v, want %v", now.Format(time.TimeOnly), got, want)
	}
}

func dueInOrder(e *env) {
	const n = 40
	for i := range n {
		e.claimed(receipt(fmt.Sprintf("A%d", i), sec((i*7)%n)))
	}
	for _, shard := range e.due(sec(60+n/2), 3) {
		last := time.Time{}
		for _, id := range shard {
			due := e.get(id).DueAt
			if due.Before(last) || !due.Before(sec(60+n/2)) {
				e.Errorf("%s is due at %s, behind %s", id, due, last)
			}
			last = due
		}
	}
	equal(e, "events due", len(slices.Concat(e.due(sec(60+n/2), 3)...)), n/2)
	equal(e, "events due in the end", len(slices.Concat(e.due(sec(1000), 3)...)), n)
}

func dueLosesNone(e *env) {
	const n = 120
	var want []webhook.EventID
	for i := range n {
		want = append(want, e.claimed(receipt(fmt.Sprintf("A%d", i), sec(0))).ID)
	}
	slices.Sort(want)
	for _, limit := range []int{1, 4, 100} {
		got := slices.Sorted(slices.Values(slices.Concat(e.due(sec(100), limit)...)))
		if !slices.Equal(got, want) {
			e.Errorf("pages of %d listed %d events, want %d", limit, len(got), n)
		}
	}
}

func sweptMovesOn(e *env) {
	for _, state := range []webhook.State{webhook.Pending, webhook.Processing} {
		want := e.in(state, string(state))
		for n := range 2 {
			e.must(e.l.Swept(e.ctx, want, sec(500*(n+1))))
			want.DueAt, want.Sweeps = sec(500*(n+1)), n+1
			e.same(want, e.get(want.ID))
		}
		e.wantDue(sec(1000))
		e.wantDue(sec(1001), want.ID)
		e.must(e.l.Swept(e.ctx, want, sec(100_000)))
	}
}

func sweptDead(e *env) {
	want := e.in(webhook.Dead, "A")
	seen := want
	e.must(e.l.Swept(e.ctx, seen, sec(500)))
	want.DueAt = time.Time{}
	e.same(want, e.get(want.ID))
	e.wantDue(sec(10_000))
	e.unchanged(want.ID, webhook.ErrChanged, func() error { return e.l.Swept(e.ctx, seen, sec(500)) })
}

// sweptInVain tries sweeps that saw another event than there is.
func (e *env) sweptInVain(alter func(*webhook.Record)) {
	e.Helper()
	for _, state := range []webhook.State{webhook.Pending, webhook.Processing, webhook.Dead} {
		seen := e.in(state, fmt.Sprintf("A%d", e.seq))
		alter(&seen)
		e.unchanged(seen.ID, webhook.ErrChanged, func() error { return e.l.Swept(e.ctx, seen, sec(500)) })
	}
}

func sweptState(e *env) {
	e.sweptInVain(func(r *webhook.Record) {
		owing := []webhook.State{webhook.Pending, webhook.Processing, webhook.Dead}
		r.State = owing[(slices.Index(owing, r.State)+1)%len(owing)]
	})
	// The index is stale: it may show an event that is finished.
	for _, state := range []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Parked, webhook.Discarded, webhook.Held} {
		rec := e.in(state, "B"+string(state))
		for _, seen := range []webhook.State{webhook.Pending, webhook.Processing, webhook.Dead, state} {
			stale := rec
			stale.State = seen
			for _, due := range []time.Time{sec(60), {}} {
				stale.DueAt = due
				e.unchanged(rec.ID, webhook.ErrChanged, func() error { return e.l.Swept(e.ctx, stale, sec(500)) })
			}
		}
	}
	e.want(e.l.Swept(e.ctx, webhook.Record{ID: "v1:EMAIL_REPLY:NONE", State: webhook.Pending, DueAt: sec(1)}, sec(2)), webhook.ErrNotFound)
}

func sweptNumber(e *env) {
	e.sweptInVain(func(r *webhook.Record) { r.LeaseNumber++ })
	e.sweptInVain(func(r *webhook.Record) { r.LeaseNumber-- })
}

func sweptDue(e *env) {
	e.sweptInVain(func(r *webhook.Record) { r.DueAt = r.DueAt.Add(time.Millisecond) })
	e.sweptInVain(func(r *webhook.Record) { r.DueAt = r.DueAt.Add(-time.Second) })
}

func sweepsCount(e *env) {
	rec := e.in(webhook.Pending, "A")
	e.must(e.l.Swept(e.ctx, rec, sec(100)))
	equal(e, "sweeps", e.get(rec.ID).Sweeps, 1)
	equal(e, "sweeps once leased", e.leased(rec.ID, sec(10)).Record.Sweeps, 0)
}

func dueByState(e *env) {
	var owing []webhook.EventID
	for _, state := range webhook.States {
		rec := e.in(state, string(state))
		switch state {
		case webhook.Pending, webhook.Processing, webhook.Dead:
			owing = append(owing, rec.ID)
		case webhook.Delivered, webhook.Unrouted, webhook.Held, webhook.Parked, webhook.Discarded:
		}
	}
	e.wantDue(sec(1_000_000), owing...)
}
