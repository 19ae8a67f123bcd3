package ledgertest

import (
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

func variantFinds(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.claimed(other("B", 5))
	same := receipt("A", sec(6)) // the same ids and lead, another body and request
	same.Fingerprint, same.ProviderRequestID = "C", "req-C"
	e.claimed(same)
	for _, x := range []struct {
		what string
		q    ledger.Query
		by   string // the variant; "": the event itself
	}{
		{"message", ledger.Query{ID: "message-B"}, "B"},
		{"stats", ledger.Query{ID: "stats-B"}, "B"},
		{"request", ledger.Query{ID: "req-B"}, "B"},
		{"lead", ledger.Query{Lead: "B@example.com"}, "B"},
		{"request of the other", ledger.Query{ID: "req-C"}, "C"},
		{"the event's message", ledger.Query{ID: "A@mail.example.com"}, ""},
		{"the event's lead", ledger.Query{Lead: "ann@example.com"}, ""},
	} {
		x.q.Limit, x.q.Now, x.q.Variants = 10, sec(100), true
		page, err := e.l.List(e.ctx, x.q)
		e.must(err)
		if len(page.Records) != 1 || page.Records[0].ID != id || page.ByVariant[id] != x.by {
			e.Errorf("%s: found %d events, by %v, want it by %q", x.what, len(page.Records), page.ByVariant, x.by)
		}
		x.q.State = webhook.Dead
		e.wantList(x.what+" of a dead event", x.q)
		if x.q.State, x.q.Variants = "", false; x.by != "" {
			e.wantList(x.what+" of an event alone", x.q)
		}
	}
	apart, err := e.l.Split(e.ctx, e.variants(id)[0], sec(50), sec(60))
	e.must(err)
	e.wantList("what was split off", ledger.Query{ID: "message-B", Variants: true}, apart)
}

func variantListedUntilSplit(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.claimed(other("B", 5))
	e.claimed(other("C", 6))
	e.claimed(other("B", 7)) // known
	unsplit := func(since int) string {
		text := ""
		for v, err := range e.l.UnsplitVariants(e.ctx, sec(since)) {
			e.must(err)
			equal(e, "event", v.ID, id)
			text += v.Fingerprint + v.At.UTC().Format(" 05 ")
		}
		return text
	}
	equal(e, "variants", unsplit(0), "C 06 B 05 ")
	equal(e, "variants received since", unsplit(6), "C 06 ")
	_, err := e.l.Split(e.ctx, e.variants(id)[1], sec(50), sec(60))
	e.must(err)
	equal(e, "variants that were not split", unsplit(0), "B 05 ")
}
