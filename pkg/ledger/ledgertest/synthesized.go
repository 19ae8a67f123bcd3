package ledgertest

import (
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var synthesizedRules = []rule{
	{"a synthesized event is an event like any other", synthesizedIsEvent},
	{"the body that comes after all is kept beside the event, and is no variant", originalIsKept},
	{"a further body under the identity of a synthesized event is a variant", originalIsOne},
	{"an untrusted body is no original", originalIsTrusted},
	{"what is synthesized changes nothing of what is there, in any state", synthesizedChangesNothing},
	{"an original can be split", originalSplit},
	{"an original is erased with its event", originalErased},
	{"an original of another lead is found by that lead", originalFindsLead},
}

// synthesized is a receipt of A as reconciliation makes it, with facts of its own.
func synthesized(at int) webhook.Receipt {
	r := receipt("A", sec(at))
	r.Fingerprint, r.Payload.Data = "made", []byte("payload that was made")
	r.ProviderRequestID, r.RequestID = "", "run-1"
	r.Flags = []string{webhook.FlagSynthesized}
	return r
}

func (e *env) unsplit() (n int) {
	e.Helper()
	for _, err := range e.l.UnsplitVariants(e.ctx, sec(-3600)) {
		e.must(err)
		n++
	}
	return n
}

func synthesizedIsEvent(e *env) {
	c := e.claimed(synthesized(0))
	equal(e, "status", c.Status, webhook.ClaimAccepted)
	rec := e.get(c.ID)
	equal(e, "state", rec.State, webhook.Pending)
	equal(e, "origin", rec.Origin(), webhook.OriginReconcile)
	e.wantList("by the flag", ledger.Query{Flag: webhook.FlagSynthesized, Oldest: true}, c.ID)
	equal(e, "origin of another", receipt("B", sec(0)).Origin(), "")
}

func originalIsKept(e *env) {
	id := e.claimed(synthesized(0)).ID
	before := e.get(id)
	for n := range 2 { // the sender repeats it
		c := e.claimed(receipt("A", sec(100+n)))
		equal(e, "id", c.ID, id)
		equal(e, "status", c.Status, webhook.ClaimDuplicate)
	}
	before.Duplicates, before.LastSeenAt, before.Original = 2, sec(101), "body-of-A"
	e.same(before, e.get(id))
	vs := e.variants(id)
	if len(vs) != 1 {
		e.Fatalf("%d bodies beside the event, want one", len(vs))
	}
	equal(e, "body", string(vs[0].Receipt.Payload.Data), "payload of A")
	equal(e, "received", vs[0].Receipt.ReceivedAt, sec(100))
	equal(e, "variants in the list", e.unsplit(), 0)
	if counter, ok := e.l.(Counter); ok {
		equal(e, "items", counter.CountItems(e), 2)
	}
}

func originalIsOne(e *env) {
	id := e.claimed(synthesized(0)).ID
	e.claimed(receipt("A", sec(100)))
	equal(e, "status", e.claimed(other("B", 200)).Status, webhook.ClaimVariant)
	equal(e, "status of the original", e.claimed(receipt("A", sec(300))).Status, webhook.ClaimDuplicate)
	rec := e.get(id)
	equal(e, "variants", rec.Variants, 1)
	equal(e, "duplicates", rec.Duplicates, 2)
	equal(e, "original", rec.Original, "body-of-A")
	equal(e, "variants in the list", e.unsplit(), 1)
	equal(e, "bodies", len(e.variants(id)), 2)
}

func originalIsTrusted(e *env) {
	id := e.claimed(synthesized(0)).ID
	equal(e, "status of an untrusted body", e.claimed(untrusted(other("B", 100))).Status, webhook.ClaimVariant)
	equal(e, "original", e.get(id).Original, "")
	equal(e, "status of the original", e.claimed(receipt("A", sec(200))).Status, webhook.ClaimDuplicate)
	rec := e.get(id)
	equal(e, "original", rec.Original, "body-of-A")
	equal(e, "variants", rec.Variants, 1)
}

func synthesizedChangesNothing(e *env) {
	unchanged := func(name string, r webhook.Receipt, do func(webhook.Record)) {
		r.Key += name
		id := e.claimed(r).ID
		do(e.get(id))
		before := e.get(id)
		made := synthesized(500)
		made.Key = r.Key
		made.Payload = webhook.Payload{Encoding: "zstd", Ref: "acme/made-of-" + name, Size: 9_000_000}
		c := e.claimed(made)
		equal(e, name+": to erase", len(c.ToErase), 1)
		equal(e, name, c.Status, webhook.ClaimDuplicate)
		equal(e, name+": id", c.ID, id)
		e.same(before, e.get(id))
		equal(e, name+": bodies beside it", len(e.variants(id)), 0)
	}
	nothing := func(webhook.Record) {}
	unchanged("PENDING", receipt("A", sec(0)), nothing)
	unchanged("HELD", untrusted(receipt("A", sec(0))), nothing)
	unchanged("DISCARDED", untrusted(receipt("A", sec(0))), func(r webhook.Record) {
		e.must(e.l.Discard(e.ctx, r, sec(10), sec(10).Add(100*24*time.Hour)))
	})
	unchanged("SYNTHESIZED", synthesized(0), nothing)
	unchanged("ERASED", receipt("A", sec(0)), func(r webhook.Record) {
		_, err := e.l.Erase(e.ctx, e.erasure(r.ID, sec(10)))
		e.must(err)
		e.must(e.l.EndErasure(e.ctx, r.ID))
	})
	own := synthesized(0)
	own.Key += "OWN"
	own.Payload = webhook.Payload{Encoding: "zstd", Ref: "acme/own", Size: 9_000_000}
	e.claimed(own)
	equal(e, "its own body to erase", len(e.claimed(own).ToErase), 0)
}

func originalSplit(e *env) {
	id := e.claimed(synthesized(0)).ID
	e.claimed(receipt("A", sec(100)))
	made, err := e.l.Split(e.ctx, e.variants(id)[0], sec(200), sec(300))
	e.must(err)
	rec := e.get(made)
	equal(e, "body", string(rec.Payload.Data), "payload of A")
	equal(e, "origin", rec.Origin(), "")
	equal(e, "status of a repeat", e.claimed(receipt("A", sec(400))).Status, webhook.ClaimDuplicate)
}

func originalErased(e *env) {
	id := e.claimed(synthesized(0)).ID
	e.claimed(receipt("A", sec(100)))
	rec, err := e.l.Erase(e.ctx, webhook.Erasure{ID: id, At: sec(200), ExpiresAt: sec(200).Add(100 * 24 * time.Hour), Nonce: "n"})
	e.must(err)
	equal(e, "digest of the original", rec.Original, "")
	late := receipt("A", sec(300))
	late.Payload = webhook.Payload{Encoding: "zstd", Ref: "acme/large", Size: 9_000_000}
	c := e.claimed(late)
	equal(e, "status", c.Status, webhook.ClaimDuplicate)
	equal(e, "to erase", len(c.ToErase), 1)
}

func originalFindsLead(e *env) {
	id := e.claimed(synthesized(0)).ID
	r := receipt("A", sec(100))
	r.LeadEmail = "bob@example.com"
	e.claimed(r)
	page, err := e.l.List(e.ctx, ledger.Query{Lead: "bob@example.com", Variants: true, Limit: 10, Now: sec(1000)})
	e.must(err)
	if len(page.Records) != 1 || page.Records[0].ID != id {
		e.Errorf("found %d events", len(page.Records))
	}
}
