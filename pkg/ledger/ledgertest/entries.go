package ledgertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var entryRules = []rule{
	{"what owes a message is under way", listUnderWay},
	{"the index of all shows duplicates and filters by it alone", listEntries},
	{"discarded events are listed where they stood before", listDiscarded},
}

func listUnderWay(e *env) {
	pending, dead := e.in(webhook.Pending, "A"), e.in(webhook.Dead, "B")
	processing := e.in(webhook.Processing, "C")
	for _, state := range []webhook.State{webhook.Delivered, webhook.Unrouted, webhook.Held, webhook.Parked, webhook.Discarded} {
		e.in(state, "D"+string(state))
	}
	under := func(since time.Time) (ids []webhook.EventID) {
		for id, err := range e.l.UnderWay(e.ctx, since, sec(1000)) {
			e.must(err)
			ids = append(ids, id)
		}
		return ids
	}
	want := []webhook.Record{pending, dead, processing}
	slices.SortFunc(want, func(a, b webhook.Record) int { return a.DueAt.Compare(b.DueAt) })
	var ids []webhook.EventID
	for _, r := range want {
		ids = append(ids, r.ID)
	}
	equal(e, "under way", fmt.Sprint(under(sec(0))), fmt.Sprint(ids))
	equal(e, "due since", fmt.Sprint(under(want[1].DueAt)), fmt.Sprint(ids[1:]))
	e.must(e.l.ConfirmDeadLetter(e.ctx, dead.ID, dead.Death, dead.DueAt))
	equal(e, "under way without the dead", len(under(sec(0))), 2)
}

func listEntries(e *env) {
	a, b := receipt("A", sec(0)), receipt("B", sec(1))
	b.Source, b.CampaignID, b.Account = "other", "7", "else"
	idA, idB := e.claimed(a).ID, e.claimed(b).ID
	a.RequestID = "again"
	e.claimed(a)
	for _, c := range []struct {
		name string
		q    ledger.Query
		want string
	}{
		{"all", ledger.Query{}, fmt.Sprint(idB, 0, idA, 1)},
		{"a source", ledger.Query{Source: "other"}, fmt.Sprint(idB, 0)},
		{"an account", ledger.Query{Account: "acme"}, fmt.Sprint(idA, 1)},
		{"a type that nobody has", ledger.Query{Type: webhook.EmailOpen}, ""},
	} {
		c.q.Now = sec(100)
		got := ""
		for entry, err := range e.l.Entries(e.ctx, c.q) {
			e.must(err)
			got += fmt.Sprint(entry.ID, entry.Duplicates)
		}
		equal(e, c.name, strings.ReplaceAll(got, " ", ""), strings.ReplaceAll(c.want, " ", ""))
	}
}

func listDiscarded(e *env) {
	dead := e.in(webhook.Discarded, "A") // had died
	held := e.in(webhook.Held, "B")
	e.must(e.l.Discard(e.ctx, held, sec(40), sec(40).Add(90*24*time.Hour)))
	e.in(webhook.Dead, "C")
	e.wantList("the discarded", ledger.Query{State: webhook.Discarded}, dead.ID, held.ID)
	e.wantList("the dead", ledger.Query{Dead: true}, "v1:EMAIL_REPLY:C")
}
