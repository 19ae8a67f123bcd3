package ledgertest

import (
	"context"
	"fmt"
	"iter"
	"time"

	"smartlead-receiver/pkg/webhook"
)

var lookRules = []rule{
	{"a received event is not listed as due before it is looked at", lookLists},
	{"a look lists nothing that owes no message, and nothing twice", lookPasses},
	{"a look goes on where the latest ended, and never back", lookGoesOn},
	{"a look over several days and more events than one batch misses none", lookManyDays},
	{"what a look lists is swept as any other event", lookThenSwept},
	{"whatever is done to a received event lists it", movesList},
	{"what takes the place of a held event is listed", takeOverIsListed},
	{"of a lease and a look at once neither loses the due time", raceLookAndLease},
	{"a look that is far ahead of the present was by a wrong clock: the latest day is looked at again", lookAhead},
	{"a received event is under way", receivedUnderWay},
	{"of two sweepers one saves its looks", looksAreFenced},
}

// received claims as the receiver does.
func (e *env) received(r webhook.Receipt) webhook.Record {
	e.Helper()
	c, err := e.l.ClaimReceived(e.ctx, r, e.nonce(), r.ReceivedAt.Add(grace))
	e.must(err)
	e.ids = append(e.ids, c.ID)
	return e.get(c.ID)
}

// look looks at what was received from the beginning on.
func (e *env) look(until time.Time) webhook.Looked {
	e.Helper()
	done, err := e.l.ListDue(e.ctx, "", until)
	e.must(err)
	return done
}

func lookLists(e *env) {
	rec := e.received(receipt("A", sec(0)))
	equal(e, "due at", rec.DueAt, sec(0).Add(grace))
	equal(e, "state", rec.State, webhook.Pending)
	e.wantDue(sec(100_000))
	done := e.look(sec(1))
	equal(e, "looked at", fmt.Sprint(done.Events, done.Listed, done.Cut), "1 1 false")
	e.same(rec, e.get(rec.ID))
	e.wantDue(sec(0).Add(grace))
	e.wantDue(sec(0).Add(grace+time.Millisecond), rec.ID)
}

func lookPasses(e *env) {
	delivered := e.received(receipt("A", sec(0)))
	e.settled(e.leased(delivered.ID, sec(0)), webhook.Delivered, sec(1))
	e.settled(e.leased(e.received(receipt("B", sec(0))).ID, sec(0)), webhook.Pending, sec(1))
	e.claimed(receipt("C", sec(0)))
	held := receipt("D", sec(0))
	held.Held = true
	e.received(held)
	first := e.received(receipt("E", sec(0)))
	done := e.look(sec(1))
	equal(e, "listed", fmt.Sprint(done.Events, done.Listed), "5 1")
	equal(e, "again", fmt.Sprint(e.look(sec(1)).Listed), "0")
	e.wantDue(sec(0).Add(grace+time.Millisecond), first.ID, "v1:EMAIL_REPLY:C")
}

func lookGoesOn(e *env) {
	a, b := e.received(receipt("A", sec(10))), e.received(receipt("B", sec(20)))
	done := e.look(sec(20)) // B came at that very moment
	equal(e, "first", fmt.Sprint(done.Events, done.Listed), "1 1")
	early, err := e.l.ListDue(e.ctx, done.Next, sec(15))
	e.must(err)
	equal(e, "a look that would go back", early, webhook.Looked{Next: done.Next})
	e.wantDue(sec(10_000), a.ID)
	done, err = e.l.ListDue(e.ctx, done.Next, sec(21))
	e.must(err)
	equal(e, "then", fmt.Sprint(done.Events, done.Listed), "1 1")
	e.wantDue(sec(10_000), a.ID, b.ID)
	done, err = e.l.ListDue(e.ctx, done.Next, sec(5000))
	e.must(err)
	equal(e, "in the end", fmt.Sprint(done.Events, done.Listed), "0 0")
}

func lookManyDays(e *env) {
	const n = 450
	var want []webhook.EventID
	for i := range n {
		// Many at one moment, and some on each of three days.
		want = append(want, e.received(receipt(fmt.Sprintf("A%d", i), sec(i%3*86_400+i/200))).ID)
	}
	done, err := e.l.ListDue(e.ctx, sec(-1).Format("2006-01-02T15:04:05.000Z")+"#", sec(4*86_400))
	e.must(err)
	equal(e, "looked", fmt.Sprint(done.Events, done.Listed), fmt.Sprint(n, n))
	e.wantDue(sec(5*86_400), want...)
}

func lookThenSwept(e *env) {
	rec := e.received(receipt("A", sec(0)))
	e.look(sec(1))
	e.must(e.l.Swept(e.ctx, rec, sec(500)))
	e.wantDue(sec(500))
	e.wantDue(sec(501), rec.ID)
	e.unchanged(rec.ID, webhook.ErrChanged, func() error { return e.l.Swept(e.ctx, rec, sec(900)) })
}

func movesList(e *env) {
	leased := e.received(receipt("A", sec(0)))
	req := e.request(leased.ID, sec(0))
	req.KeepDue = sec(1) // the due time stays
	equal(e, "due under the lease", e.lease(req).Record.DueAt, leased.DueAt)
	abandoned := e.received(receipt("B", sec(0)))
	req = e.request(abandoned.ID, sec(0))
	req.KeepDue, req.FirstAbandoned = sec(1), true
	e.lease(req)
	swept := e.received(receipt("C", sec(0)))
	e.must(e.l.Swept(e.ctx, swept, sec(50)))
	first := e.first(e.received(receipt("D", sec(0))).ID)
	failed := e.settled(first, webhook.Pending, sec(20))
	e.wantDue(failed.DueAt.Add(time.Second), leased.ID, abandoned.ID, swept.ID, failed.ID)
}

func takeOverIsListed(e *env) {
	held := receipt("A", sec(0))
	held.Held, held.Flags = true, []string{webhook.FlagUntrustedSender}
	e.received(held)
	rec := e.received(receipt("A", sec(5)))
	equal(e, "state", rec.State, webhook.Pending)
	e.wantDue(rec.DueAt.Add(time.Second), rec.ID)
}

func raceLookAndLease(e *env) {
	rec := e.received(receipt("A", sec(0)))
	e.race(func(i int) (bool, error) {
		if i%2 == 0 {
			_, err := e.l.ListDue(e.ctx, "", sec(1))
			return false, err
		}
		_, err := e.l.Lease(e.ctx, webhook.LeaseRequest{
			ID: rec.ID, Nonce: fmt.Sprint("racer-", i), Now: sec(0), Until: sec(30), DueAt: sec(90), KeepDue: sec(1), Destinations: []string{"crm"},
		})
		return err == nil, nil // one has it, the others are refused
	})
	e.wantDue(rec.DueAt.Add(time.Second), rec.ID)
}

func receivedUnderWay(e *env) {
	listed, rec := e.claimed(receipt("A", sec(0))).ID, e.received(receipt("B", sec(0))).ID
	e.settled(e.first(e.received(receipt("C", sec(0))).ID), webhook.Delivered, sec(20))
	var ids []webhook.EventID
	for id, err := range e.l.UnderWay(e.ctx, sec(0), sec(100)) {
		e.must(err)
		ids = append(ids, id)
	}
	equal(e, "under way", fmt.Sprint(ids), fmt.Sprint([]webhook.EventID{rec, listed}))
}

func looksAreFenced(e *env) {
	looks, err := e.l.LoadLooks(e.ctx, 2)
	e.must(err)
	equal(e, "before the first", fmt.Sprint(looks), "{[ ] 0}")
	looks.Keys = []string{"a", "b"}
	e.must(e.l.SaveLooks(e.ctx, looks, sec(0)))
	e.want(e.l.SaveLooks(e.ctx, looks, sec(1)), webhook.ErrChanged)
	for n, want := range map[int][]string{1: {"a"}, 2: {"a", "b"}, 3: {"a", "b", ""}} {
		got, err := e.l.LoadLooks(e.ctx, n)
		e.must(err)
		equal(e, "loaded", fmt.Sprint(got), fmt.Sprint(webhook.Looks{Keys: want, Version: 1}))
	}
	looks, err = e.l.LoadLooks(e.ctx, 2)
	e.must(err)
	e.must(e.l.SaveDocument(e.ctx, "sweeper", "looks", []byte("no looks"), looks.Version, sec(2), time.Time{}))
	looks, err = e.l.LoadLooks(e.ctx, 2)
	e.must(err)
	equal(e, "where it cannot be read", fmt.Sprint(looks), "{[ ] 2}")
}

func receiving(l Ledger) Ledger {
	if c, ok := l.(Counter); ok {
		return struct {
			receivingLedger
			Counter
		}{receivingLedger{l}, c}
	}
	return receivingLedger{l}
}

type receivingLedger struct{ Ledger }

func (l receivingLedger) Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	return l.ClaimReceived(ctx, r, nonce, dueAt)
}

func (l receivingLedger) Due(ctx context.Context, shard int, now time.Time, after string, limit int) ([]webhook.EventID, string, error) {
	if shard == 0 && after == "" {
		if err := l.lookAtAll(ctx); err != nil {
			return nil, "", err
		}
	}
	return l.Ledger.Due(ctx, shard, now, after, limit)
}

func (l receivingLedger) UnderWay(ctx context.Context, since, now time.Time) iter.Seq2[webhook.EventID, error] {
	if err := l.lookAtAll(ctx); err != nil {
		return func(yield func(webhook.EventID, error) bool) { yield("", err) }
	}
	return l.Ledger.UnderWay(ctx, since, now)
}

// lookAtAll looks at the days in which the tests receive.
func (l receivingLedger) lookAtAll(ctx context.Context) error {
	_, err := l.ListDue(ctx, epoch.AddDate(0, 0, -2).Format("2006-01-02T15:04:05.000Z")+"#", epoch.AddDate(0, 0, 3))
	return err
}

func lookAhead(e *env) {
	rec := e.received(receipt("A", sec(0)))
	for i, ahead := range []string{sec(3600).Format("2006-01-02T15:04:05.000Z") + "#", "~", "no key", "0"} {
		done, err := e.l.ListDue(e.ctx, ahead, sec(1))
		e.must(err)
		if want := fmt.Sprint(1, max(0, 1-i)); fmt.Sprint(done.Events, done.Listed) != want || done.Next >= sec(2).Format(time.RFC3339) {
			e.Errorf("behind %q: %+v, want %s", ahead, done, want)
		}
	}
	e.wantDue(rec.DueAt.Add(time.Second), rec.ID)
}
