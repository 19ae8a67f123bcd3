package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var listRules = []rule{
	{"an event is found by message, stats id, request, lead and campaign", listLookUps},
	{"a look-up combines with every filter", listFilters},
	{"dead events are listed by the time of their death", listDead},
	{"held events are listed by receipt, parked ones by death, of all time", listAwaitingOperator},
	{"a walk over the dead goes on behind any event of a page", walkDead},
	{"the index of the dead shows what a plan counts, the longest dead first", listDeadSummaries},
	{"dead events are found by the destinations that do not have them", listDeadAt},
	{"the latest events are those received since", listRecent},
	{"a listing begins with since and ends before until", listBounds},
	{"a listing without bounds shows a month, and what a fast clock received", listMonth},
	{"a listing shows no payloads", listNoPayload},
	{"a listing shows payloads that are asked for", listPayloads},
	{"a listing shows an event as it stands", listAsItStands},
	{"a question that cannot be answered is an error and no outage", listErrors},
	{"many events are read at once, missing and repeated ones too", getMany},
}

// list asks for pages until the end and returns the ids in order.
func (e *env) list(q ledger.Query, limit int) []webhook.EventID {
	e.Helper()
	q.Limit = limit
	if q.Now.IsZero() {
		q.Now = sec(0)
	}
	var ids []webhook.EventID
	for calls := 0; ; calls++ {
		page, err := e.l.List(e.ctx, q)
		e.must(err)
		if len(page.Records) > limit {
			e.Fatalf("a page of %d has %d events", limit, len(page.Records))
		}
		for _, r := range page.Records {
			ids = append(ids, r.ID)
		}
		if page.Next == "" {
			return ids
		}
		if page.Next == q.After || calls > 10_000 {
			e.Fatalf("the listing does not move on from %q", page.Next)
		}
		q.After = page.Next
	}
}

func (e *env) wantList(what string, q ledger.Query, want ...webhook.EventID) {
	e.Helper()
	if got := e.list(q, 50); !slices.Equal(got, want) {
		e.Errorf("%s: listed %v, want %v", what, got, want)
	}
}

func listLookUps(e *env) {
	a := receipt("A", sec(0))
	b := receipt("B", sec(1))
	b.LeadEmail, b.CampaignID, b.ProviderRequestID = "bob@example.com", "4712", ""
	c := receipt("C", sec(2))
	c.LeadEmail, c.CampaignID, c.StatsID, c.MessageID = "", "", "", ""
	for _, r := range []webhook.Receipt{a, b, c} {
		e.claimed(r)
	}
	idA, idB, idC := webhook.EventID(a.Key), webhook.EventID(b.Key), webhook.EventID(c.Key)
	for _, x := range []struct {
		what string
		q    ledger.Query
		want []webhook.EventID
	}{
		{"message", ledger.Query{ID: a.MessageID}, []webhook.EventID{idA}},
		{"stats id", ledger.Query{ID: b.StatsID}, []webhook.EventID{idB}},
		{"request of the provider", ledger.Query{ID: "req-A"}, []webhook.EventID{idA}},
		{"request of the gateway", ledger.Query{ID: "gw-B"}, []webhook.EventID{idB}},
		{"request of the gateway, where the provider has one", ledger.Query{ID: "gw-A"}, nil},
		{"lead", ledger.Query{Lead: "bob@example.com"}, []webhook.EventID{idB}},
		{"campaign", ledger.Query{Campaign: "4711"}, []webhook.EventID{idA}},
		{"part of a campaign's id", ledger.Query{Campaign: "471"}, nil},
		{"everything", ledger.Query{}, []webhook.EventID{idC, idB, idA}},
		{"everything, oldest first", ledger.Query{Oldest: true}, []webhook.EventID{idA, idB, idC}},
		{"part of an address", ledger.Query{LeadPart: "bob@"}, []webhook.EventID{idB}},
		{"a message and part of an address", ledger.Query{ID: a.MessageID, LeadPart: "ann@"}, []webhook.EventID{idA}},
		{"a message of one and part of another's address", ledger.Query{ID: a.MessageID, LeadPart: "bob@"}, nil},
		{"stats id of one and lead of another", ledger.Query{ID: a.StatsID, Lead: b.LeadEmail}, nil},
		{"lead of one and campaign of another", ledger.Query{Lead: a.LeadEmail, Campaign: b.CampaignID}, nil},
	} {
		e.wantList(x.what, x.q, x.want...)
	}
}

func listFilters(e *env) {
	dead := e.in(webhook.Dead, "DEAD").ID
	r := receipt("OTHER", sec(1))
	r.Key = "v1:EMAIL_OPEN:OTHER"
	r.Type, r.Source, r.Account, r.Flags = webhook.EmailOpen, "beta-main", "beta", []string{webhook.FlagTestEvent, webhook.FlagForwarded}
	other := e.claimed(r).ID
	for _, look := range []ledger.Query{{}, {Lead: "ann@example.com"}, {Campaign: "4711"}} {
		for _, f := range []struct {
			what string
			set  func(*ledger.Query)
			want webhook.EventID
		}{
			{"state", func(q *ledger.Query) { q.State = webhook.Dead }, dead},
			{"state pending", func(q *ledger.Query) { q.State = webhook.Pending }, other},
			{"dead", func(q *ledger.Query) { q.Dead = true }, dead},
			{"type", func(q *ledger.Query) { q.Type = webhook.EmailOpen }, other},
			{"source", func(q *ledger.Query) { q.Source = "beta-main" }, other},
			{"account", func(q *ledger.Query) { q.Account = "acme" }, dead},
			{"flag", func(q *ledger.Query) { q.Flag = webhook.FlagForwarded }, other},
			{"destination", func(q *ledger.Query) { q.Destination = "crm" }, dead},
			{"error class", func(q *ledger.Query) { q.ErrorClass = "http_503" }, dead},
			{"skip", func(q *ledger.Query) { q.Skip = func(id webhook.EventID) bool { return id == dead } }, other},
			{"dead and source", func(q *ledger.Query) { q.Dead, q.Source = true, "acme-main" }, dead},
			{"dead and type", func(q *ledger.Query) { q.Dead, q.Type = true, webhook.EmailReply }, dead},
			{"dead and campaign", func(q *ledger.Query) { q.Dead, q.Campaign = true, "4711" }, dead},
			{"dead and error class", func(q *ledger.Query) { q.Dead, q.ErrorClass = true, "http_503" }, dead},
		} {
			q := look
			f.set(&q)
			e.wantList(fmt.Sprintf("%s of %+v", f.what, look), q, f.want)
			q.Account += "?"
			e.wantList(fmt.Sprintf("%s of %+v, in no account", f.what, look), q)
		}
	}
}

func listDead(e *env) {
	var ids []webhook.EventID
	for i := range 12 {
		rec := e.in(webhook.Pending, fmt.Sprintf("A%d", i))
		// They die in the order opposite to that of their names.
		ids = append(ids, e.settled(e.leased(rec.ID, sec(10)), webhook.Dead, sec(1000-i)).ID)
	}
	e.in(webhook.Delivered, "B")
	e.wantList("the dead", ledger.Query{Dead: true}, ids...)
	e.wantList("the dead between two times", ledger.Query{Dead: true, Since: sec(995), Until: sec(998)}, ids[3:6]...)
	slices.Reverse(ids)
	e.wantList("the dead, first death first", ledger.Query{Dead: true, Oldest: true}, ids...)
	if got := e.list(ledger.Query{Dead: true, Oldest: true}, 5); !slices.Equal(got, ids) {
		e.Errorf("in pages of 5: %v, want %v", got, ids)
	}

	// One that dies again is listed once, at its new time.
	req := e.request(ids[0], sec(2000))
	req.Death = 1
	e.settled(e.lease(req), webhook.Dead, sec(2010))
	e.wantList("the dead after another death", ledger.Query{Dead: true, Oldest: true}, append(ids[1:], ids[0])...)
}

func listAwaitingOperator(e *env) {
	var held, parked []webhook.EventID
	for i := range 9 {
		r := receipt(fmt.Sprintf("H%d", i), epoch.AddDate(0, 0, -i*20))
		r.Held, r.Source = true, []string{"acme-main", "beta-main"}[i%2]
		held = append(held, e.claimed(r).ID)
		dead := e.settled(e.leased(e.in(webhook.Pending, fmt.Sprintf("P%d", i)).ID, sec(10)), webhook.Dead, sec(1000-i))
		e.must(e.l.Park(e.ctx, dead.ID, dead.Death, sec(2000+i)))
		parked = append(parked, dead.ID)
	}
	e.in(webhook.Dead, "D")
	e.in(webhook.Delivered, "E")
	isHeld, isParked := ledger.Query{State: webhook.Held}, ledger.Query{State: webhook.Parked}
	e.wantList("the held", isHeld, held...)
	e.wantList("the parked", isParked, parked...)
	e.wantList("the held and dead", ledger.Query{State: webhook.Held, Dead: true})
	for _, limit := range []int{1, 4} {
		if got := e.list(isHeld, limit); !slices.Equal(got, held) {
			e.Errorf("the held in pages of %d: %v, want %v", limit, got, held)
		}
	}
	isHeld.Source, isHeld.Oldest = "beta-main", true
	e.wantList("the held of a source, oldest first", isHeld, held[7], held[5], held[3], held[1])
	e.wantList("the parked who died before", ledger.Query{State: webhook.Parked, Until: sec(994)}, parked[7:]...)

	_, err := e.l.Release(e.ctx, held[0], sec(3000), sec(3060))
	e.must(err)
	e.must(e.l.Discard(e.ctx, e.get(held[1]), sec(3000), sec(9000)))
	_, err = e.l.Unpark(e.ctx, e.revival(e.get(parked[0]), sec(3000)))
	e.must(err)
	e.must(e.l.Discard(e.ctx, e.get(parked[1]), sec(3000), sec(9000)))
	e.wantList("the held once some are not", ledger.Query{State: webhook.Held}, held[2:]...)
	e.wantList("the parked once some are not", isParked, parked[2:]...)
}

func listRecent(e *env) {
	for i := range 4 {
		e.claimed(receipt(fmt.Sprintf("A%d", i), sec(i)))
	}
	for limit, want := range map[int]int{10: 2, 1: 1} {
		records, err := e.l.Recent(e.ctx, sec(2), sec(10), limit)
		e.must(err)
		equal(e, "events", len(records), want)
		equal(e, "the latest", records[0].ID, "v1:EMAIL_REPLY:A3")
	}
}

func listBounds(e *env) {
	var ids []webhook.EventID
	for i := range 6 {
		ids = append(ids, e.claimed(receipt(fmt.Sprintf("A%d", i), sec(i*10))).ID)
	}
	for _, look := range []ledger.Query{{Oldest: true}, {Oldest: true, Lead: "ann@example.com"}, {Oldest: true, Campaign: "4711"}} {
		q := look
		q.Since, q.Until = sec(10), sec(30)
		e.wantList("between", q, ids[1:3]...)
		q.Until = time.Time{}
		e.wantList("since", q, ids[1:]...)
		q.Since, q.Until = time.Time{}, sec(30)
		e.wantList("until", q, ids[:3]...)
		q.Since, q.Until = sec(30), sec(10)
		e.wantList("backwards", q)
		q.Since, q.Until = sec(30), sec(30)
		e.wantList("no time at all", q)
	}
}

func listMonth(e *env) {
	early := e.claimed(receipt("EARLY", epoch.AddDate(0, 0, -29))).ID
	older := e.claimed(receipt("OLDER", epoch.AddDate(0, 0, -40))).ID
	ahead := e.claimed(receipt("AHEAD", epoch.Add(time.Hour))).ID
	e.wantList("everything", ledger.Query{}, ahead, early)
	e.wantList("everything since", ledger.Query{Since: epoch.AddDate(0, 0, -41)}, ahead, early, older)
	e.wantList("of a lead", ledger.Query{Lead: "ann@example.com"}, ahead, early, older)
}

func listNoPayload(e *env) {
	e.claimed(receipt("A", sec(0)))
	page, err := e.l.List(e.ctx, ledger.Query{Limit: 10, Now: sec(0)})
	e.must(err)
	equal(e, "events", len(page.Records), 1)
	equal(e, "bytes of payload", len(page.Records[0].Payload.Data), 0)
	equal(e, "bytes before compression", page.Records[0].Payload.Size, 100)
}

func listPayloads(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	page, err := e.l.List(e.ctx, ledger.Query{Limit: 10, Now: sec(0), Payloads: true})
	e.must(err)
	equal(e, "events", len(page.Records), 1)
	e.same(webhook.Record{Receipt: webhook.Receipt{Payload: page.Records[0].Payload}},
		webhook.Record{Receipt: webhook.Receipt{Payload: e.get(id).Payload}})
	equal(e, "it has data", len(page.Records[0].Payload.Data) > 0, true)
}

func listAsItStands(e *env) {
	want := e.in(webhook.Dead, "A")
	want.Payload.Data = nil
	for _, q := range []ledger.Query{{}, {Dead: true}, {ID: "stats-A"}} {
		q.Limit, q.Now = 10, sec(0)
		page, err := e.l.List(e.ctx, q)
		e.must(err)
		equal(e, "events", len(page.Records), 1)
		e.same(want, page.Records[0])
	}
}

func listErrors(e *env) {
	for _, q := range []ledger.Query{
		{Limit: 0}, {Limit: -1}, {Limit: 1001}, {Limit: 10, After: "x"}, {Limit: 10, After: "#"},
		{Limit: 10, After: "2026-11-03#v1:A:B"}, {Limit: 10, After: "yesterday"},
	} {
		q.Now = sec(0)
		_, err := e.l.List(e.ctx, q)
		if err == nil || errors.Is(err, webhook.ErrUnavailable) {
			e.Errorf("the listing of %+v returned %v", q, err)
		}
	}
}

func getMany(e *env) {
	ids := []webhook.EventID{"v1:EMAIL_REPLY:NONE"}
	const n = 130
	for i := range n {
		id := e.claimed(receipt(strings.ToUpper(fmt.Sprintf("A%d", i)), sec(i))).ID
		ids = append(ids, id)
		if i%10 == 0 {
			ids = append(ids, id)
		}
	}
	got, err := e.l.GetMany(e.ctx, ids)
	e.must(err)
	equal(e, "events", len(got), n)
	for _, id := range ids[1:] {
		equal(e, "id", got[id].ID, id)
		equal(e, "bytes of payload", len(got[id].Payload.Data), 0)
	}
	got, err = e.l.GetMany(e.ctx, nil)
	e.must(err)
	equal(e, "events of no ids", len(got), 0)
}
