package ledgertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var eraseRules = []rule{
	{"an erased event keeps its id, what is settled its state, and what waits is discarded", eraseStates},
	{"nothing of a person is left when an erasure has ended", eraseLeavesNothing},
	{"an erasure is found until it has ended, and not after", eraseIsFound},
	{"an erasure may be repeated, and changes nothing then", eraseTwice},
	{"a leased event is left to its worker, and erased when the lease has ended", eraseLeased},
	{"a first attempt under way does not bring an erased event back", eraseFirst},
	{"an erased event is never leased, moved or handed over", eraseIsFinal},
	{"a move from what was seen before an erasure changes nothing", eraseThenMove},
	{"a repeat of an erased event is a duplicate and keeps nothing, whoever sends it", eraseThenRepeat},
	{"a timeless event that was erased is repeated by what comes within its window", eraseTimeless},
	{"an erased variant is shown no more, is no event to be, and its repeat keeps nothing", eraseVariant},
	{"an erased variant does not take the place of a held event", eraseVariantOfHeld},
	{"what does not exist is not erased, and nothing ends that has not begun", eraseNone},
	{"a refused request loses what its sender wrote", eraseRejected},
}

func (e *env) erasure(id webhook.EventID, at time.Time) webhook.Erasure {
	return webhook.Erasure{ID: id, At: at, ExpiresAt: at.Add(90 * 24 * time.Hour), Nonce: e.nonce()}
}

// erased erases an event whole.
func (e *env) erased(id webhook.EventID, at time.Time) webhook.Record {
	e.Helper()
	_, err := e.l.Erase(e.ctx, e.erasure(id, at))
	e.must(err)
	e.must(e.l.EndErasure(e.ctx, id))
	return e.get(id)
}

func eraseStates(e *env) {
	for _, state := range webhook.States {
		if state == webhook.Processing {
			continue
		}
		want := e.in(state, string(state))
		got, err := e.l.Erase(e.ctx, e.erasure(want.ID, sec(50)))
		e.must(err)
		want.ErasedAt, want.Error = sec(50), ""
		want.Payload = webhook.Payload{}
		want.Fingerprint, want.ProviderEventID, want.MessageID, want.StatsID = "", "", "", ""
		for i := range want.History {
			want.History[i].Error = ""
		}
		if !state.Settled() && state != webhook.Discarded {
			want.State, want.Held, want.DueAt, want.UpdatedAt = webhook.Discarded, false, time.Time{}, sec(50)
			want.ExpiresAt = sec(50).Add(90 * 24 * time.Hour)
		}
		e.same(want, got)
		e.same(want, e.get(want.ID))
		e.must(e.l.EndErasure(e.ctx, want.ID))
		want.LeadEmail = ""
		e.same(want, e.get(want.ID))
		if want.State == webhook.Discarded {
			equal(e, string(state)+" is listed as discarded", slices.Contains(e.listed(ledger.Query{State: webhook.Discarded}), want.ID), true)
		}
		equal(e, string(state)+" is listed as it was", slices.Contains(e.listed(ledger.Query{Dead: true}), want.ID), false)
	}
}

func (e *env) listed(q ledger.Query) []webhook.EventID {
	e.Helper()
	q.Limit, q.Now, q.Since = 100, sec(100), sec(-100)
	page, err := e.l.List(e.ctx, q)
	e.must(err)
	var ids []webhook.EventID
	for _, r := range page.Records {
		ids = append(ids, r.ID)
	}
	return ids
}

// eraseLeavesNothing looks for every text that the sender or a destination chose.
func eraseLeavesNothing(e *env) {
	r := receipt("A", sec(0))
	r.RawType = "a type of ann@example.com"
	id := e.claimed(r).ID
	e.settled(e.leased(id, sec(10)), webhook.Pending, sec(20))
	all := fmt.Sprintf("%+v", e.erased(id, sec(50)))
	for _, text := range []string{"ann@example", "stats-A", "A@mail", "ev-A", "payload of", "body-of", "the CRM is down", "a type of"} {
		if strings.Contains(all, text) {
			e.Errorf("%q is left: %s", text, all)
		}
	}
}

func eraseIsFound(e *env) {
	r := receipt("A", sec(0))
	r.Payload.Data, r.Payload.Ref = nil, "acme/large"
	id := e.claimed(r).ID
	rec, err := e.l.Erase(e.ctx, e.erasure(id, sec(50)))
	e.must(err)
	equal(e, "the place of the large body", rec.Payload.Ref, "acme/large")
	byLead := ledger.Query{Lead: "ann@example.com"}
	equal(e, "events found", len(e.listed(byLead)), 1)
	e.must(e.l.EndErasure(e.ctx, id))
	equal(e, "events found", len(e.listed(byLead)), 0)
	equal(e, "the place of the large body", e.get(id).Payload.Ref, "")
	equal(e, "events of the time", len(e.listed(ledger.Query{})), 1)
}

func eraseTwice(e *env) {
	id := e.in(webhook.Dead, "A").ID
	want := e.erased(id, sec(50))
	rec, err := e.l.Erase(e.ctx, e.erasure(id, sec(60)))
	e.must(err)
	e.same(want, rec)
	e.must(e.l.EndErasure(e.ctx, id))
	e.same(want, e.get(id))
}

func eraseLeased(e *env) {
	lease := e.leased(e.claimed(receipt("A", sec(0))).ID, sec(10))
	id := lease.Record.ID
	e.unchanged(id, webhook.ErrChanged, func() error {
		rec, err := e.l.Erase(e.ctx, e.erasure(id, sec(10).Add(leaseTime)))
		equal(e, "state", rec.State, webhook.Processing)
		return err
	})
	want := e.erased(id, sec(11).Add(leaseTime))
	equal(e, "state", want.State, webhook.Discarded)
	for _, state := range []webhook.State{webhook.Delivered, webhook.Pending, webhook.Dead} {
		e.unchanged(id, webhook.ErrLeaseLost, func() error { return e.l.Settle(e.ctx, lease, settlement(lease, state, sec(60))) })
	}
}

func eraseFirst(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	lease := e.first(id)
	e.erased(id, sec(12))
	e.unchanged(id, webhook.ErrLeaseLost, func() error {
		return e.l.Settle(e.ctx, lease, settlement(lease, webhook.Pending, sec(20)))
	})
}

func eraseIsFinal(e *env) {
	for _, state := range webhook.States {
		if state == webhook.Processing {
			continue
		}
		rec := e.erased(e.in(state, string(state)).ID, sec(50))
		e.refused(e.request(rec.ID, sec(200)), webhook.LeaseRefusedFinished)
		byLetter := e.request(rec.ID, sec(200))
		byLetter.Death = 1
		e.refused(byLetter, webhook.LeaseRefusedFinished)
		for _, w := range e.writes() {
			if w.name != "Erase" {
				e.unchanged(rec.ID, webhook.ErrChanged, func() error { return w.call(rec) })
			}
		}
	}
}

func eraseThenMove(e *env) {
	for state, move := range e.moves() {
		seen := e.in(state, string(state))
		e.erased(seen.ID, sec(50))
		e.unchanged(seen.ID, webhook.ErrChanged, func() error { _, err := move(e.revival(seen, sec(60))); return err })
	}
}

func eraseThenRepeat(e *env) {
	for i, state := range []webhook.State{webhook.Pending, webhook.Delivered, webhook.Dead, webhook.Held, webhook.Discarded} {
		for j, held := range []bool{false, true} {
			for k, body := range []string{"", "another body"} {
				name := fmt.Sprintf("A%d%d%d", i, j, k)
				id := e.erased(e.in(state, name).ID, sec(50)).ID
				before := e.get(id)
				r := receipt(name, sec(60))
				r.Held = held
				if held {
					r.Flags = []string{webhook.FlagUntrustedSender}
				}
				r.Payload.Data, r.Payload.Ref = nil, "acme/again"
				if body != "" {
					r.Fingerprint = body
				}
				c := e.claimed(r)
				equal(e, "status", c.Status, webhook.ClaimDuplicate)
				equal(e, "bodies to erase", fmt.Sprint(c.ToErase), fmt.Sprint([]webhook.Payload{r.Payload}))
				before.Duplicates, before.LastSeenAt = before.Duplicates+1, sec(60)
				e.same(before, e.get(id))
				variants, err := e.l.Variants(e.ctx, id)
				e.must(err)
				equal(e, "variants", len(variants), 0)
			}
		}
	}
}

func eraseTimeless(e *env) {
	r := receipt("A", sec(0))
	r.Timeless, r.Window = true, time.Minute
	id := e.claimed(r).ID
	e.erased(id, sec(10))
	r.ReceivedAt = sec(30)
	equal(e, "the id within the window", e.claimed(r).ID, id)
	r.ReceivedAt = sec(90)
	c := e.claimed(r)
	equal(e, "the id behind the window", c.ID, webhook.NewEventID(r.Key, 2))
	equal(e, "status", c.Status, webhook.ClaimAccepted)
}

func eraseVariant(e *env) {
	id := e.in(webhook.Delivered, "A").ID
	another := receipt("A", sec(30))
	another.Fingerprint, another.LeadEmail = "another body", "bob@example.com"
	e.claimed(another)
	list, err := e.l.Variants(e.ctx, id)
	e.must(err)
	equal(e, "variants", len(list), 1)
	before := e.get(id)
	for range 2 {
		e.must(e.l.EraseVariant(e.ctx, id, "another body", sec(50), sec(50).Add(time.Hour)))
	}
	e.same(before, e.get(id))
	after, err := e.l.Variants(e.ctx, id)
	e.must(err)
	equal(e, "variants left", len(after), 0)
	for v, err := range e.l.UnsplitVariants(e.ctx, sec(-100)) {
		e.Errorf("the variant is still listed: %v (%v)", v, err)
	}
	equal(e, "events found by it", len(e.listed(ledger.Query{Lead: "bob@example.com", Variants: true})), 0)
	_, err = e.l.Split(e.ctx, list[0], sec(60), sec(61))
	e.want(err, webhook.ErrNotFound)
	another.ReceivedAt, another.Payload.Ref, another.Payload.Data = sec(70), "acme/again", nil
	c := e.claimed(another)
	equal(e, "status", c.Status, webhook.ClaimDuplicate)
	equal(e, "bodies to erase", len(c.ToErase), 1)
	after, err = e.l.Variants(e.ctx, id)
	e.must(err)
	equal(e, "variants left", len(after), 0)
}

func eraseVariantOfHeld(e *env) {
	id := e.in(webhook.Held, "A").ID
	another := receipt("A", sec(30))
	another.Fingerprint, another.Held, another.Flags = "another body", true, []string{webhook.FlagUntrustedSender}
	e.claimed(another)
	e.must(e.l.EraseVariant(e.ctx, id, "another body", sec(50), sec(50).Add(time.Hour)))
	another.Held, another.Flags, another.ReceivedAt = false, nil, sec(60)
	equal(e, "status", e.claimed(another).Status, webhook.ClaimDuplicate)
	equal(e, "state", e.get(id).State, webhook.Held)
	equal(e, "body", string(e.get(id).Payload.Data), "payload of A")
}

func eraseNone(e *env) {
	const none = "v1:EMAIL_REPLY:NONE"
	_, err := e.l.Erase(e.ctx, e.erasure(none, sec(50)))
	e.want(err, webhook.ErrNotFound)
	e.want(e.l.EndErasure(e.ctx, none), webhook.ErrNotFound)
	e.want(e.l.EraseVariant(e.ctx, none, "body", sec(50), sec(60)), webhook.ErrNotFound)
	e.want(e.l.EraseRejected(e.ctx, webhook.RejectedRequest{At: sec(1), RequestID: "none"}), webhook.ErrNotFound)
	_, err = e.l.Get(e.ctx, none)
	e.want(err, webhook.ErrNotFound)
	id := e.in(webhook.Delivered, "A").ID
	e.unchanged(id, webhook.ErrChanged, func() error { return e.l.EndErasure(e.ctx, id) })
}

func eraseRejected(e *env) {
	for i := range 3 {
		e.must(e.l.RecordRejectedRequest(e.ctx, webhook.RejectedRequest{
			At: sec(i), RequestID: fmt.Sprint("r", i), Kind: "bad_body", Cause: "not_json", Source: "acme-main",
			Detail: "at ann@", Excerpt: "ann@example.com", UserAgent: "ann", SourceIP: "192.0.2.1", Bytes: 7,
		}))
	}
	var all []webhook.RejectedRequest
	for r, err := range e.l.EachRejected(e.ctx, sec(0), sec(3)) {
		e.must(err)
		all = append(all, r)
	}
	equal(e, "requests", len(all), 3)
	for range 2 {
		e.must(e.l.EraseRejected(e.ctx, all[1]))
	}
	left, err := e.l.RejectedRequests(e.ctx, sec(0), sec(3), 10)
	e.must(err)
	all[1].Detail, all[1].Excerpt, all[1].UserAgent = "", "", ""
	equal(e, "requests", fmt.Sprint(left), fmt.Sprint(all))
}
