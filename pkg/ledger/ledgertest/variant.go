package ledgertest

import (
	"slices"
	"strings"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var variantRules = []rule{
	{"another body under the same identity is durable beside the event", variantIsDurable},
	{"a known variant is counted and not stored again", variantKnown},
	{"two bodies make one event and one variant in either order", variantOrders},
	{"several variants are all kept", variantsAllKept},
	{"a variant is in no listing and owes nothing", variantNotListed},
	{"an event is found by what a variant alone has, where that is asked for", variantFinds},
	{"a variant is listed until it is split", variantListedUntilSplit},
	{"a split makes a variant an event of its own", splitMakesEvent},
	{"what an operator splits off carries the flag of a variant", splitFlagged},
	{"a trusted body that stands alone carries no flag of a variant", aloneUnflagged},
	{"a split that is repeated changes nothing", splitRepeated},
	{"a receipt of a variant that was split makes no third event", splitThenReceipt},
	{"a split of a variant that is not trusted is held", splitUntrusted},
	{"a trusted body is not held up by another one that is held", trustedBeforeHeld},
	{"a body that was not trusted before stands alone once it is", trustedAfterUntrusted},
	{"a trusted body is an event although the same one was discarded as forged", trustedAfterDiscard},
	{"a trusted body releases what was split off untrusted", trustedAfterSplit},
	{"a trusted body is an event although the same one was split off and discarded as forged", trustedAfterSplitDiscard},
	{"a split delivers a body that a trusted sender sent after another", splitTrustedSince},
	{"a body that is trusted stays so", variantStaysTrusted},
	{"a split of what is no variant creates nothing", splitOfNothing},
}

func (e *env) variants(id webhook.EventID) []webhook.Variant {
	e.Helper()
	v, err := e.l.Variants(e.ctx, id)
	e.must(err)
	return v
}

// other is a receipt of A with another body, and facts of its own.
func other(body string, at int) webhook.Receipt {
	r := receipt("A", sec(at))
	r.Fingerprint, r.Payload.Data = body, []byte("payload of "+body)
	r.StatsID, r.MessageID, r.LeadEmail, r.CampaignID = "stats-"+body, "message-"+body, body+"@example.com", "campaign-"+body
	r.ProviderRequestID, r.RequestID = "req-"+body, "gw-"+body
	return r
}

func variantIsDurable(e *env) {
	first := e.claimed(receipt("A", sec(0)))
	before := e.get(first.ID)
	c := e.claimed(other("B", 5))
	equal(e, "id", c.ID, first.ID)
	equal(e, "status", c.Status, webhook.ClaimVariant)
	equal(e, "state told", c.Record.State, webhook.Pending)

	before.Variants, before.LastSeenAt = 1, sec(5)
	e.same(before, e.get(first.ID))
	vs := e.variants(first.ID)
	if len(vs) != 1 {
		e.Fatalf("%d variants, want one", len(vs))
	}
	equal(e, "fingerprint", vs[0].Fingerprint, "B")
	equal(e, "event", vs[0].ID, first.ID)
	e.same(webhook.Record{Receipt: other("B", 5)}, webhook.Record{Receipt: vs[0].Receipt})
}

func variantKnown(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	for at := range 3 {
		equal(e, "status", e.claimed(other("B", at+1)).Status, webhook.ClaimVariant)
	}
	rec := e.get(id)
	equal(e, "variants", rec.Variants, 1)
	equal(e, "duplicates", rec.Duplicates, 2)
	equal(e, "stored variants", len(e.variants(id)), 1)
	equal(e, "first receipt of the variant", e.variants(id)[0].Receipt.ReceivedAt, sec(1))
}

func variantOrders(e *env) {
	for _, order := range [][2]string{{"B", "C"}, {"C", "B"}} {
		first, second := other(order[0], 0), other(order[1], 1)
		first.Key += order[0]
		second.Key += order[0]
		id := e.claimed(first).ID
		equal(e, "status", e.claimed(second).Status, webhook.ClaimVariant)
		equal(e, "status", e.claimed(first).Status, webhook.ClaimDuplicate)
		equal(e, "body of the event", string(e.get(id).Payload.Data), "payload of "+order[0])
		vs := e.variants(id)
		if len(vs) != 1 || string(vs[0].Receipt.Payload.Data) != "payload of "+order[1] {
			e.Errorf("the variants are %v", vs)
		}
	}
}

func variantsAllKept(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	for _, body := range []string{"B", "C", "D", "E"} {
		e.claimed(other(body, 1))
	}
	vs := e.variants(id)
	equal(e, "variants", len(vs), 4)
	for i, v := range vs {
		equal(e, "fingerprint", v.Fingerprint, string(rune('B'+i)))
	}
	equal(e, "count", e.get(id).Variants, 4)
}

func variantNotListed(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.claimed(other("B", 5))
	e.wantList("everything", ledger.Query{}, id)
	for _, q := range []ledger.Query{
		{ID: "stats-B"}, {ID: "message-B"}, {ID: "req-B"}, {Lead: "B@example.com"}, {Campaign: "campaign-B"},
	} {
		e.wantList("what only the variant says", q)
	}
	e.wantDue(sec(1000), id)
}

func (e *env) split(v webhook.Variant) webhook.EventID {
	e.Helper()
	id, err := e.l.Split(e.ctx, v, sec(100), sec(160))
	e.must(err)
	e.ids = append(e.ids, id)
	return id
}

func splitMakesEvent(e *env) {
	id := e.in(webhook.Delivered, "A").ID
	before := e.get(id)
	e.claimed(other("B", 50))
	made := e.split(e.variants(id)[0])
	if _, err := webhook.ParseEventID(string(made)); err != nil || made == id {
		e.Errorf("the event is called %q: %v", made, err)
	}
	want := webhook.Record{
		ID: made, Receipt: other("B", 50), State: webhook.Pending, Lane: webhook.Live, DueAt: sec(160), UpdatedAt: sec(100),
	}
	want.Key, want.Flags = made.Key(), append(want.Flags, webhook.FlagVariant)
	e.same(want, e.get(made))
	before.Variants, before.LastSeenAt = 1, sec(50)
	e.same(before, e.get(id))
	equal(e, "what the variant became", e.variants(id)[0].SplitAs, made)

	for _, q := range []ledger.Query{
		{ID: "stats-B"}, {ID: "message-B"}, {ID: "req-B"}, {Lead: "B@example.com"}, {Campaign: "campaign-B"},
	} {
		e.wantList("what the variant says", q, made)
	}
	e.wantDue(sec(1000), made)
	equal(e, "lease number", e.leased(made, sec(101)).Number, 1)
}

func splitFlagged(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	var all []webhook.EventID
	for _, r := range []webhook.Receipt{other("B", 1), untrusted(other("C", 2))} {
		e.claimed(r)
		v := e.variants(id)
		made := e.split(v[len(v)-1])
		all = append(all, made)
		equal(e, "flags of "+r.Fingerprint, strings.Join(e.get(made).Flags, " "), strings.Join(append(r.Flags, webhook.FlagVariant), " "))
	}
	for _, v := range e.variants(id) {
		equal(e, "flag of the variant itself", slices.Contains(v.Receipt.Flags, webhook.FlagVariant), false)
	}
	e.wantList("by the flag", ledger.Query{Flag: webhook.FlagVariant, Oldest: true}, all...)
}

// What a stranger sent first must not keep the event from a destination that
// takes no variants.
func aloneUnflagged(e *env) {
	e.claimed(untrusted(receipt("A", sec(0))))
	alone := e.claimed(other("B", 5))
	equal(e, "flag", slices.Contains(e.get(alone.ID).Flags, webhook.FlagVariant), false)
}

func splitRepeated(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.claimed(other("B", 5))
	v := e.variants(id)[0]
	made := e.split(v)
	rec := e.settled(e.leased(made, sec(101)), webhook.Delivered, sec(102))
	equal(e, "second split", e.split(v), made)
	equal(e, "third split, of the variant as it stands", e.split(e.variants(id)[0]), made)
	e.same(rec, e.get(made))
	e.wantList("everything", ledger.Query{Oldest: true}, id, made)
}

func splitThenReceipt(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.claimed(other("B", 5))
	made := e.split(e.variants(id)[0])
	c := e.claimed(other("B", 200))
	equal(e, "id", c.ID, id)
	equal(e, "status", c.Status, webhook.ClaimVariant)
	e.wantList("everything", ledger.Query{Oldest: true}, id, made)
	equal(e, "what the variant became", e.variants(id)[0].SplitAs, made)
}

func splitOfNothing(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	items := e.items()
	_, err := e.l.Split(e.ctx, webhook.Variant{ID: id, Fingerprint: "B", Receipt: other("B", 1)}, sec(10), sec(70))
	e.want(err, webhook.ErrNotFound)
	equal(e, "items", e.items(), items)
	e.wantList("everything", ledger.Query{}, id)
}

// items counts what the ledger holds, where it can tell.
func (e *env) items() int {
	e.Helper()
	if c, ok := e.l.(Counter); ok {
		return c.CountItems(e.T)
	}
	return 0
}

func splitUntrusted(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	forged := other("B", 1)
	forged.Flags, forged.Held = []string{webhook.FlagUntrustedSender}, true
	e.claimed(forged)
	rec := e.get(e.split(e.variants(id)[0]))
	equal(e, "state", rec.State, webhook.Held)
	equal(e, "held", rec.Held, true)
	equal(e, "due time", rec.DueAt.IsZero(), true)
	_, err := e.l.Release(e.ctx, rec.ID, sec(200), sec(260))
	e.must(err)
	equal(e, "state once released", e.get(rec.ID).State, webhook.Pending)
}

func trustedBeforeHeld(e *env) {
	forged := untrusted(receipt("A", sec(0)))
	forged.Payload.Data = []byte("forged")
	id := e.claimed(forged).ID
	c := e.claimed(other("B", 5))
	equal(e, "status", c.Status, webhook.ClaimAccepted)
	equal(e, "id", c.ID, id)
	rec := e.get(id)
	want := other("B", 5)
	want.Key = id.Key()
	e.same(webhook.Record{Receipt: want}, webhook.Record{Receipt: rec.Receipt})
	equal(e, "state", rec.State, webhook.Pending)
	equal(e, "due", rec.DueAt, sec(5).Add(grace))
	equal(e, "variants", rec.Variants, 1)
	v := e.variants(id)
	if len(v) != 1 || v[0].SplitAs != "" {
		e.Fatalf("what was held is kept as %+v", v)
	}
	forged.Held = false // a variant has no state
	e.same(webhook.Record{Receipt: forged}, webhook.Record{Receipt: v[0].Receipt})
	equal(e, "status of a repeat", e.claimed(other("B", 9)).Status, webhook.ClaimDuplicate)
	equal(e, "status of what was held, once a trusted sender sends it", e.claimed(receipt("A", sec(10))).Status, webhook.ClaimVariant)
	equal(e, "time of its receipt", e.variants(id)[0].Receipt.ReceivedAt, sec(10))
	rec = e.get(e.split(e.variants(id)[0]))
	equal(e, "state of it, split off", rec.State, webhook.Pending)
	equal(e, "body of it", string(rec.Payload.Data), string(receipt("A", sec(10)).Payload.Data))
}

// untrusted is a receipt from a sender who is not trusted.
func untrusted(r webhook.Receipt) webhook.Receipt {
	r.Flags, r.Held = append([]string{webhook.FlagUntrustedSender}, r.Flags...), true
	return r
}

func trustedAfterUntrusted(e *env) {
	id := e.claimed(untrusted(receipt("A", sec(0)))).ID
	equal(e, "status of the untrusted", e.claimed(untrusted(other("B", 3))).Status, webhook.ClaimVariant)
	c := e.claimed(other("B", 5))
	equal(e, "status", c.Status, webhook.ClaimAccepted)
	equal(e, "id", c.ID, id)
	rec := e.get(id)
	equal(e, "state", rec.State, webhook.Pending)
	equal(e, "flags", len(rec.Flags), len(other("B", 5).Flags))
	equal(e, "due", rec.DueAt, sec(5).Add(grace))
	for _, v := range e.variants(id) {
		want := webhook.EventID("")
		if v.Fingerprint == rec.Fingerprint {
			want = id // it is the event now
		}
		equal(e, "what became of "+v.Fingerprint, v.SplitAs, want)
	}
	equal(e, "variants", len(e.variants(id)), 2)
}

func trustedAfterDiscard(e *env) {
	forged := receipt("A", sec(0))
	forged.Flags, forged.Held = []string{webhook.FlagUntrustedSender}, true
	id := e.claimed(forged).ID
	e.must(e.l.Discard(e.ctx, e.get(id), sec(1), sec(1000)))
	for at, want := range []webhook.ClaimStatus{webhook.ClaimAccepted, webhook.ClaimDuplicate} {
		c := e.claimed(receipt("A", sec(5+at)))
		equal(e, "status", c.Status, want)
		if c.ID == id {
			e.Fatalf("the trusted body is taken for the discarded event")
		}
		equal(e, "state", e.get(c.ID).State, webhook.Pending)
	}
	equal(e, "state of the other", e.get(id).State, webhook.Discarded)
}

func trustedAfterSplit(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	forged := other("B", 1)
	forged.Flags, forged.Held = []string{webhook.FlagUntrustedSender}, true
	e.claimed(forged)
	apart := e.split(e.variants(id)[0])
	equal(e, "state", e.get(apart).State, webhook.Held)
	c := e.claimed(other("B", 200))
	equal(e, "id", c.ID, apart)
	equal(e, "status", c.Status, webhook.ClaimAccepted)
	rec := e.get(apart)
	equal(e, "state once a trusted sender sent it", rec.State, webhook.Pending)
	equal(e, "time of receipt", rec.ReceivedAt, sec(200))
	equal(e, "flags", strings.Join(rec.Flags, " "), strings.Join(append(other("B", 200).Flags, webhook.FlagVariant), " "))
	equal(e, "status of a repeat", e.claimed(other("B", 201)).Status, webhook.ClaimVariant)
}

// What a trusted sender says stands, also where the same body was split off
// untrusted and given up: beside a held event and beside a trusted one.
func trustedAfterSplitDiscard(e *env) {
	for key, first := range map[string]webhook.Receipt{"A": receipt("A", sec(0)), "H": untrusted(receipt("H", sec(0)))} {
		id := e.claimed(first).ID
		body := func(at int) webhook.Receipt {
			r := other("B", at)
			r.Key = first.Key
			return r
		}
		e.claimed(untrusted(body(1)))
		apart := e.split(e.variants(id)[0])
		e.must(e.l.Discard(e.ctx, e.get(apart), sec(2), sec(1000)))
		var real webhook.EventID
		for at, want := range []webhook.ClaimStatus{webhook.ClaimAccepted, webhook.ClaimDuplicate} {
			c := e.claimed(body(5 + at))
			equal(e, "status beside "+key, c.Status, want)
			if c.ID == id || c.ID == apart || at > 0 && c.ID != real {
				e.Fatalf("the trusted body is %s", c.ID)
			}
			real = c.ID
			equal(e, "state beside "+key, e.get(real).State, webhook.Pending)
		}
		equal(e, "state of what was given up", e.get(apart).State, webhook.Discarded)
		equal(e, "another untrusted receipt", e.claimed(untrusted(body(9))).Status, webhook.ClaimVariant)
	}
}

func splitTrustedSince(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.claimed(untrusted(other("B", 1)))
	e.claimed(untrusted(other("B", 2)))
	equal(e, "marked", slices.Contains(e.variants(id)[0].Receipt.Flags, webhook.FlagUntrustedSender), true)
	c := e.claimed(other("B", 3))
	equal(e, "id", c.ID, id)
	equal(e, "status", c.Status, webhook.ClaimVariant)
	v := e.variants(id)[0]
	e.same(webhook.Record{Receipt: other("B", 3)}, webhook.Record{Receipt: v.Receipt})
	rec := e.get(e.split(v))
	equal(e, "state", rec.State, webhook.Pending)
	equal(e, "due", rec.DueAt, sec(160))
	e.same(webhook.Record{Receipt: webhook.Receipt{Flags: append(other("B", 1).Flags, webhook.FlagVariant)}}, webhook.Record{Receipt: webhook.Receipt{Flags: rec.Flags}})
	equal(e, "variants", e.get(id).Variants, 1)
	equal(e, "duplicates", e.get(id).Duplicates, 2)
}

func variantStaysTrusted(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.claimed(other("B", 1))
	e.claimed(untrusted(other("B", 2)))
	rec := e.get(e.split(e.variants(id)[0]))
	equal(e, "state", rec.State, webhook.Pending)
	e.claimed(untrusted(other("B", 200)))
	equal(e, "state after another repeat", e.get(rec.ID).State, webhook.Pending)
}
