package ledgertest

import (
	"fmt"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var unroutedRules = []rule{
	{"an unrouted event owes nothing, will expire and was not delivered", settleUnrouted},
	{"an unrouted event says whether its destination was removed", settleRemoved},
	{"unrouted events are listed by their receipt, apart or with those whose destination was removed", listUnrouted},
	{"an unrouted event is listed no more when it is replayed", unroutedReplayed},
	{"a duplicate of an unrouted event is a duplicate", unroutedDuplicate},
	{"what nobody was told supersedes nothing", unroutedSupersedes},
	{"the entries of a listing are its events, in its order", entriesAreTheListing},
}

// removed is the settlement of an event whose destinations were removed.
func removed(lease webhook.Lease, at time.Time) webhook.Settlement {
	s := settlement(lease, webhook.Unrouted, at)
	s.ErrorClass, s.Error = webhook.ClassDestinationRemoved, "removed before it was delivered there: crm"
	s.Destinations[0].Result = webhook.ResultRemoved
	return s
}

func settleUnrouted(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	rec := e.settled(e.leased(id, sec(10)), webhook.Pending, sec(20)) // leaves an error behind
	lease := e.leased(id, rec.NotBefore)
	s := settlement(lease, webhook.Unrouted, sec(500))
	e.must(e.l.Settle(e.ctx, lease, s))
	want := lease.Record
	want.State, want.LeaseUntil, want.DueAt = webhook.Unrouted, time.Time{}, time.Time{}
	want.UpdatedAt, want.ExpiresAt = sec(500), s.ExpiresAt
	want.ErrorClass, want.Error = "", ""
	want.Destinations = s.Destinations
	want.History = append(want.History, s.Attempts...)
	e.same(want, e.get(id))
	e.wantDue(sec(1_000_000))
}

func settleRemoved(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	lease := e.leased(id, sec(10))
	s := removed(lease, sec(20))
	e.must(e.l.Settle(e.ctx, lease, s))
	e.must(e.l.Settle(e.ctx, lease, s)) // the answer was lost
	rec := e.get(id)
	equal(e, "state", rec.State, webhook.Unrouted)
	equal(e, "class", rec.ErrorClass, webhook.ClassDestinationRemoved)
	equal(e, "error", rec.Error, s.Error)

	e.replayed(rec, false)
	rec = e.settled(e.leased(id, sec(101)), webhook.Unrouted, sec(102))
	equal(e, "class of an event that no filter wants", rec.ErrorClass, "")
}

// unroutedEvents are one event that no filter wants, and one whose destination was
// removed, among others.
func (e *env) unroutedEvents() (unwanted, gone webhook.EventID) {
	e.Helper()
	unwanted = e.settled(e.leased(e.claimed(receipt("UNWANTED", sec(0))).ID, sec(30)), webhook.Unrouted, sec(31)).ID
	gone = e.claimed(receipt("GONE", sec(1))).ID
	lease := e.leased(gone, sec(10))
	e.must(e.l.Settle(e.ctx, lease, removed(lease, sec(11))))
	for i, state := range []webhook.State{webhook.Pending, webhook.Delivered, webhook.Dead, webhook.Held, webhook.Parked} {
		e.in(state, fmt.Sprintf("OTHER%d", i))
	}
	return unwanted, gone
}

func listUnrouted(e *env) {
	unwanted, gone := e.unroutedEvents()
	unrouted := func(class string) ledger.Query { return ledger.Query{State: webhook.Unrouted, ErrorClass: class} }
	e.wantList("the unrouted", unrouted(""), gone, unwanted)
	e.wantList("those whose destination was removed", unrouted(webhook.ClassDestinationRemoved), gone)
	e.wantList("those of another class", unrouted("http_503"))
	q := unrouted("")
	q.Since = sec(1)
	e.wantList("those received since", q, gone)
	q = unrouted("")
	q.Campaign, q.Type = "4711", webhook.EmailReply
	e.wantList("those of a campaign", q, gone, unwanted)
	q.Source = "another"
	e.wantList("those of another source", q)
	e.wantList("the dead", ledger.Query{Dead: true}, "v1:EMAIL_REPLY:OTHER2")
}

func unroutedReplayed(e *env) {
	unwanted, gone := e.unroutedEvents()
	for _, id := range []webhook.EventID{unwanted, gone} {
		e.replayed(e.get(id), false)
	}
	e.wantList("the unrouted", ledger.Query{State: webhook.Unrouted})
	e.settled(e.leased(gone, sec(200)), webhook.Delivered, sec(201))
	e.wantList("the unrouted", ledger.Query{State: webhook.Unrouted})
	e.settled(e.leased(unwanted, sec(200)), webhook.Unrouted, sec(201))
	e.wantList("the unrouted", ledger.Query{State: webhook.Unrouted}, unwanted)
}

func unroutedDuplicate(e *env) {
	want := e.in(webhook.Unrouted, "A")
	c := e.claimed(receipt("A", sec(50)))
	equal(e, "status", c.Status, webhook.ClaimDuplicate)
	equal(e, "finished", c.Record.Finished(), true)
	want.Duplicates, want.LastSeenAt = 1, sec(50)
	e.same(want, e.get(want.ID))
	e.refused(e.request(want.ID, sec(60)), webhook.LeaseRefusedFinished)
}

func unroutedSupersedes(e *env) {
	category := func(name string, n int) webhook.EventID {
		r := receipt(name, sec(n))
		r.Key, r.Type, r.OccurredAt = "v1:LEAD_CATEGORY_UPDATED:"+name, webhook.LeadCategoryUpdated, sec(n)
		return e.claimed(r).ID
	}
	older, newer := category("A", 0), category("B", 5)
	e.settled(e.leased(newer, sec(10)), webhook.Unrouted, sec(11))
	late, err := e.l.Superseded(e.ctx, e.get(older))
	e.must(err)
	equal(e, "superseded", late, false)
}

func entriesAreTheListing(e *env) {
	_, gone := e.unroutedEvents()
	for _, c := range []struct {
		name string
		q    ledger.Query
	}{
		{"everything", ledger.Query{}},
		{"the oldest first", ledger.Query{Oldest: true}},
		{"what came later", ledger.Query{Since: sec(1)}},
		{"the unrouted", ledger.Query{State: webhook.Unrouted}},
		{"of a class", ledger.Query{State: webhook.Unrouted, ErrorClass: webhook.ClassDestinationRemoved}},
		{"none", ledger.Query{Since: sec(100)}},
	} {
		c.q.Now, c.q.Limit = sec(1000), 100
		page, err := e.l.List(e.ctx, c.q)
		e.must(err)
		var want, got []string
		for _, r := range page.Records {
			want = append(want, fmt.Sprint(r.ID, " ", c.q.Time(r).UTC()))
		}
		for entry, err := range e.l.Entries(e.ctx, c.q) {
			e.must(err)
			got = append(got, fmt.Sprint(entry.ID, " ", entry.At.UTC()))
			if c.q.State == webhook.Unrouted && (entry.ErrorClass == webhook.ClassDestinationRemoved) != (entry.ID == gone) {
				e.Errorf("%s has the class %q", entry.ID, entry.ErrorClass)
			}
		}
		equal(e, c.name, fmt.Sprint(got), fmt.Sprint(want))
	}
	for entry, err := range e.l.Entries(e.ctx, ledger.Query{Now: sec(1000)}) {
		e.must(err)
		equal(e, "the newest", entry.ID, gone)
		break
	}
}
