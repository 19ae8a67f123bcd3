package ledgertest

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var claimRules = []rule{
	{"a claim makes state and payload durable in one write", claimIsDurable},
	{"a payload keeps every byte", payloadKeepsBytes},
	{"a payload in the body store is kept by its reference", payloadByReference},
	{"a receipt with nothing but a key and a time is kept", bareReceipt},
	{"a new event owes a message from the start", newEventOwes},
	{"a second receipt is a duplicate, is counted and changes nothing else", duplicateCounts},
	{"a duplicate tells how the event stands", duplicateTells},
	{"a repeat is counted in one write and tells how the event stands", repeatCounts},
	{"a repeat that is more than a duplicate is left to the claim", repeatLeaves},
	{"a claim whose answer was lost recognises its nonce", claimRecognisesNonce},
	{"the nonce of a lease is not the nonce of a claim", noncesAreSeparate},
	{"a held event owes nothing and is not worked on", heldOwesNothing},
	{"an untrusted repeat leaves a held event held", untrustedRepeat},
	{"a trusted receipt takes the place of a held event", trustedTakesOver},
	{"an untrusted repeat of a trusted event changes nothing", untrustedRepeatOfTrusted},
	{"texts of absurd length are kept apart and found", absurdTexts},
	{"a receipt without a key or a time is an error and no outage", unusableReceipt},
}

func claimIsDurable(e *env) {
	r := receipt("A", sec(0).Add(123456789*time.Nanosecond))
	c, err := e.l.Claim(e.ctx, r, "claim-nonce", sec(60))
	e.must(err)
	e.ids = append(e.ids, c.ID)
	equal(e, "id", c.ID, webhook.EventID(r.Key))
	equal(e, "status", c.Status, webhook.ClaimAccepted)

	want := webhook.Record{
		ID: c.ID, Receipt: r, State: webhook.Pending, Lane: webhook.Live,
		DueAt: sec(60), UpdatedAt: sec(0).Add(123 * time.Millisecond), ClaimNonce: "claim-nonce",
	}
	want.ReceivedAt = want.UpdatedAt // times are kept in milliseconds
	want.OccurredAt = want.UpdatedAt.Add(-time.Minute)
	e.same(want, e.get(c.ID))
	e.same(want, c.Record)
}

func payloadKeepsBytes(e *env) {
	var data []byte
	for i := range 64 << 10 {
		data = append(data, byte(i), byte(i>>8))
	}
	r := receipt("A", sec(0))
	r.Payload = webhook.Payload{Encoding: "zstd", Data: data, Size: 1 << 20}
	got := e.get(e.claimed(r).ID).Payload
	if !bytes.Equal(got.Data, data) || got.Size != 1<<20 || got.Encoding != "zstd" {
		e.Errorf("the payload of %d bytes came back as %d bytes", len(data), len(got.Data))
	}
}

func payloadByReference(e *env) {
	r := receipt("A", sec(0))
	r.Payload = webhook.Payload{Encoding: "zstd", Ref: "acme/0123", Size: 5 << 20}
	e.same(webhook.Record{Receipt: webhook.Receipt{Payload: r.Payload}},
		webhook.Record{Receipt: webhook.Receipt{Payload: e.get(e.claimed(r).ID).Payload}})
}

func bareReceipt(e *env) {
	c := e.claimed(webhook.Receipt{Key: "v1:UNKNOWN:A", ReceivedAt: sec(0)})
	rec := e.get(c.ID)
	equal(e, "state", rec.State, webhook.Pending)
	equal(e, "occurred at", rec.OccurredAt, time.Time{})
	e.settled(e.leased(c.ID, sec(1)), webhook.Delivered, sec(2))
}

func newEventOwes(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	e.wantDue(sec(60))
	e.wantDue(sec(61), id)
}

func duplicateCounts(e *env) {
	first := e.claimed(receipt("A", sec(0)))
	before := e.get(first.ID)
	again := receipt("A", sec(40))
	again.Source, again.Flags, again.RequestID = "acme-other-hook", []string{"test_event"}, "gw-2"
	c := e.claimed(again)
	equal(e, "id", c.ID, first.ID)
	equal(e, "status", c.Status, webhook.ClaimDuplicate)
	before.Duplicates, before.LastSeenAt = 1, sec(40)
	e.same(before, e.get(first.ID))
	e.claimed(again)
	equal(e, "duplicates", e.get(first.ID).Duplicates, 2)
}

func duplicateTells(e *env) {
	for _, state := range webhook.States {
		rec := e.in(state, strings.ToUpper(string(state)))
		r := receipt(strings.ToUpper(string(state)), sec(50))
		r.Held = true // a trusted one would release the held event
		c := e.claimed(r)
		equal(e, "status", c.Status, webhook.ClaimDuplicate)
		equal(e, "state", c.Record.State, state)
		equal(e, "due", c.Record.DueAt, rec.DueAt)
		equal(e, "lease number", c.Record.LeaseNumber, rec.LeaseNumber)
		equal(e, "bytes of payload", len(c.Record.Payload.Data), 0)
	}
}

func repeatCounts(e *env) {
	for _, state := range webhook.States {
		rec := e.in(state, strings.ToUpper(string(state)))
		r := receipt(strings.ToUpper(string(state)), sec(50))
		r.Held = true // as above
		c, known, err := e.l.Repeat(e.ctx, r)
		e.must(err)
		equal(e, "known", known, true)
		equal(e, "id", c.ID, rec.ID)
		equal(e, "status", c.Status, webhook.ClaimDuplicate)
		equal(e, "state", c.Record.State, state)
		equal(e, "due", c.Record.DueAt, rec.DueAt)
		equal(e, "lease number", c.Record.LeaseNumber, rec.LeaseNumber)
		equal(e, "bytes of payload", len(c.Record.Payload.Data), 0)
		rec.Duplicates, rec.LastSeenAt = rec.Duplicates+1, sec(50)
		e.same(rec, e.get(rec.ID))
	}
}

// repeatLeaves: nothing is answered but a plain duplicate, and the claim then says what the
// receipt is. What is there and not erased has been counted.
func repeatLeaves(e *env) {
	leaves := func(why string, r webhook.Receipt, counted int, want webhook.ClaimStatus) {
		id := webhook.NewEventID(r.Key, 1)
		duplicates := func() int {
			got, err := e.l.Get(e.ctx, id)
			if !errors.Is(err, webhook.ErrNotFound) {
				e.must(err)
			}
			return got.Duplicates
		}
		before := duplicates()
		_, known, err := e.l.Repeat(e.ctx, r)
		e.must(err)
		equal(e, why+": known", known, false)
		equal(e, why+": counted", duplicates()-before, counted)
		equal(e, why+": status", e.claimed(r).Status, want)
	}
	leaves("nothing is there", receipt("A", sec(0)), 0, webhook.ClaimAccepted)
	other := receipt("A", sec(5))
	other.Fingerprint = "another"
	leaves("another body", other, 1, webhook.ClaimVariant)
	e.claimed(untrusted(receipt("H", sec(0))))
	leaves("a trusted sender of what is held", receipt("H", sec(5)), 1, webhook.ClaimAccepted)
	discarded := e.claimed(untrusted(receipt("D", sec(0))))
	e.must(e.l.Discard(e.ctx, discarded.Record, sec(2), sec(1000)))
	leaves("a trusted sender of what was discarded", receipt("D", sec(5)), 1, webhook.ClaimAccepted)
	leaves("and again", receipt("D", sec(6)), 1, webhook.ClaimDuplicate)
	timeless := receipt("T", sec(0))
	timeless.Timeless, timeless.Window = true, time.Hour
	e.claimed(timeless)
	leaves("a timeless event", timeless, 0, webhook.ClaimDuplicate)
	erased := e.claimed(receipt("E", sec(0)))
	_, err := e.l.Erase(e.ctx, e.erasure(erased.ID, sec(5)))
	e.must(err)
	leaves("an erased event", receipt("E", sec(6)), 0, webhook.ClaimDuplicate)
	equal(e, "duplicates of what was erased", e.get(erased.ID).Duplicates, 1)
}

func claimRecognisesNonce(e *env) {
	for _, held := range []bool{false, true} {
		r := receipt(map[bool]string{false: "A", true: "H"}[held], sec(0))
		r.Held = held
		first, err := e.l.Claim(e.ctx, r, "mine", sec(60))
		e.must(err)
		e.ids = append(e.ids, first.ID)
		second, err := e.l.Claim(e.ctx, r, "mine", sec(60))
		e.must(err)
		equal(e, "status", second.Status, first.Status)
		e.same(first.Record, second.Record)
		equal(e, "duplicates", e.get(first.ID).Duplicates, 0)
	}
	// A worker may have been faster than the repeated call.
	e.settled(e.leased("v1:EMAIL_REPLY:A", sec(1)), webhook.Delivered, sec(2))
	third, err := e.l.Claim(e.ctx, receipt("A", sec(0)), "mine", sec(60))
	e.must(err)
	equal(e, "status", third.Status, webhook.ClaimAccepted)
}

func noncesAreSeparate(e *env) {
	id := e.claimed(receipt("A", sec(0))).ID
	req := e.request(id, sec(1))
	e.lease(req)
	c, err := e.l.Claim(e.ctx, receipt("A", sec(2)), req.Nonce, sec(62))
	e.must(err)
	equal(e, "status of a claim with the nonce of the lease", c.Status, webhook.ClaimDuplicate)
	req = e.request(id, sec(3))
	req.Nonce = e.get(id).ClaimNonce
	e.refused(req, webhook.LeaseRefusedBusy)
}

func heldOwesNothing(e *env) {
	r := receipt("A", sec(0))
	r.Held = true
	c := e.claimed(r)
	equal(e, "status", c.Status, webhook.ClaimHeld)
	equal(e, "state", e.get(c.ID).State, webhook.Held)
	e.wantDue(sec(1_000_000))
	e.refused(e.request(c.ID, sec(100)), webhook.LeaseRefusedFinished)
}

func untrustedRepeat(e *env) {
	rec := e.in(webhook.Held, "A")
	r := receipt("A", sec(5))
	r.Held = true
	c := e.claimed(r)
	equal(e, "status", c.Status, webhook.ClaimDuplicate)
	rec.Duplicates, rec.LastSeenAt = 1, sec(5)
	e.same(rec, e.get(rec.ID))
}

// Nothing of a held event stays in that of a trusted sender, but what counts it.
func trustedTakesOver(e *env) {
	forged := untrusted(receipt("A", sec(0)))
	forged.Source, forged.CampaignID, forged.ProviderRequestID, forged.RequestID = "beta-main", "666", "x-666", "gw-666"
	forged.LeadEmail, forged.OccurredAt = "mallory@globex.example.net", sec(-100)
	forged.Payload.Data = []byte("forged")
	id := e.claimed(forged).ID
	e.claimed(forged)

	real := receipt("A", sec(5))
	c := e.claimed(real)
	equal(e, "id", c.ID, id)
	equal(e, "status", c.Status, webhook.ClaimAccepted)
	e.same(webhook.Record{Receipt: real}, webhook.Record{Receipt: e.get(id).Receipt})
	want := webhook.Record{
		ID: id, Receipt: real, State: webhook.Pending, Lane: webhook.Live, DueAt: sec(5).Add(grace), UpdatedAt: sec(5),
		ClaimNonce: c.Record.ClaimNonce, Duplicates: 2, LastSeenAt: sec(5),
	}
	e.same(want, e.get(id))
	e.same(want, c.Record)
	e.wantDue(sec(6).Add(grace), id)
	e.wantList("the held", ledger.Query{State: webhook.Held})
	e.wantList("by the forged campaign", ledger.Query{Campaign: "666"})
	e.wantList("by the forged lead", ledger.Query{Lead: forged.LeadEmail})
	equal(e, "status of a repeat", e.claimed(receipt("A", sec(9))).Status, webhook.ClaimDuplicate)
	equal(e, "lease number", e.leased(id, sec(10)).Number, 1)
}

func untrustedRepeatOfTrusted(e *env) {
	rec := e.in(webhook.Pending, "A")
	r := receipt("A", sec(5))
	r.Held = true
	equal(e, "status", e.claimed(r).Status, webhook.ClaimDuplicate)
	rec.Duplicates, rec.LastSeenAt = 1, sec(5)
	e.same(rec, e.get(rec.ID))
}

func absurdTexts(e *env) {
	long := strings.Repeat("ü", 3000)
	for _, name := range []string{"A", "B"} {
		r := receipt(name, sec(0))
		for _, s := range []*string{
			&r.RawType, &r.CampaignID, &r.LeadEmail, &r.StatsID, &r.MessageID, &r.ProviderEventID, &r.ProviderRequestID,
		} {
			*s = long + name
		}
		id := e.claimed(r).ID
		for look, q := range map[string]ledger.Query{
			"message id": {ID: r.MessageID}, "stats id": {ID: r.StatsID}, "request id": {ID: r.ProviderRequestID},
			"lead": {Lead: r.LeadEmail}, "campaign": {Campaign: r.CampaignID},
		} {
			e.wantList(look, q, id)
		}
		e.settled(e.leased(id, sec(1)), webhook.Delivered, sec(2))
	}
}

func unusableReceipt(e *env) {
	for _, r := range []webhook.Receipt{{ReceivedAt: sec(0)}, {Key: "v1:UNKNOWN:A"}} {
		_, err := e.l.Claim(e.ctx, r, e.nonce(), sec(60))
		if err == nil || errors.Is(err, webhook.ErrUnavailable) {
			e.Errorf("the claim of %+v returned %v", r, err)
		}
	}
}
