package ledgertest

import (
	"fmt"
	"time"

	"smartlead-receiver/pkg/webhook"
)

var timelessRules = []rule{
	{"a receipt within the window repeats the occurrence", timelessWithin},
	{"a receipt at the end of the window is the next occurrence, with its number in the id", timelessNext},
	{"the window counts from the first receipt, not from a repeat", timelessFromFirst},
	{"an identity with a time has one occurrence for ever", timedHasOne},
	{"a timeless claim whose answer was lost recognises its nonce", timelessNonce},
	{"a late receipt repeats the older occurrence that it is near to", timelessLateRepeat},
	{"a late receipt near none is an occurrence that hides no other", timelessLateOccurrence},
	{"the right one of many occurrences is found", timelessMany},
	{"another body within the window is a variant of that occurrence", timelessVariant},
	{"a trusted receipt takes the place of a held occurrence", timelessHeld},
}

const window = 30 * time.Minute

func timeless(at time.Time) webhook.Receipt {
	r := receipt("A", at)
	r.Type, r.Timeless, r.Window = webhook.CampaignStatusChanged, true, window
	return r
}

func minute(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }

// occurs claims a timeless receipt and checks which occurrence it is.
func (e *env) occurs(at time.Time, occurrence int, status webhook.ClaimStatus) webhook.Claimed {
	e.Helper()
	c := e.claimed(timeless(at))
	want := webhook.NewEventID("v1:EMAIL_REPLY:A", occurrence)
	if c.ID != want || c.Status != status {
		e.Errorf("the receipt at %s is %s of %s, want %s of %s", at.Format(time.DateTime), c.Status, c.ID, status, want)
	}
	return c
}

func timelessWithin(e *env) {
	e.occurs(minute(0), 1, webhook.ClaimAccepted)
	e.occurs(minute(0), 1, webhook.ClaimDuplicate)
	e.occurs(minute(30).Add(-time.Millisecond), 1, webhook.ClaimDuplicate)
	e.occurs(minute(-29), 1, webhook.ClaimDuplicate)
	equal(e, "duplicates", e.get("v1:EMAIL_REPLY:A").Duplicates, 3)
	equal(e, "timeless", e.get("v1:EMAIL_REPLY:A").Timeless, true)
}

func timelessNext(e *env) {
	e.occurs(minute(0), 1, webhook.ClaimAccepted)
	second := e.occurs(minute(30), 2, webhook.ClaimAccepted)
	equal(e, "id", second.ID, "v1:EMAIL_REPLY:A~2")
	e.occurs(minute(31), 2, webhook.ClaimDuplicate)
	third := e.occurs(minute(90), 3, webhook.ClaimAccepted)
	equal(e, "id", third.ID, "v1:EMAIL_REPLY:A~3")

	// Each is an event of its own, worked on alone.
	equal(e, "lease number", e.leased(second.ID, minute(91)).Number, 1)
	equal(e, "state of the first", e.get("v1:EMAIL_REPLY:A").State, webhook.Pending)
	equal(e, "state of the third", e.get(third.ID).State, webhook.Pending)
	equal(e, "key of the third", e.get(third.ID).Key, "v1:EMAIL_REPLY:A")
}

func timelessFromFirst(e *env) {
	e.occurs(minute(0), 1, webhook.ClaimAccepted)
	e.occurs(minute(20), 1, webhook.ClaimDuplicate)
	e.occurs(minute(40), 2, webhook.ClaimAccepted)
}

func timedHasOne(e *env) {
	e.claimed(receipt("A", minute(0)))
	c := e.claimed(receipt("A", minute(100_000)))
	equal(e, "id", c.ID, "v1:EMAIL_REPLY:A")
	equal(e, "status", c.Status, webhook.ClaimDuplicate)
}

func timelessNonce(e *env) {
	for i := range 2 {
		for range 2 {
			c, err := e.l.Claim(e.ctx, timeless(minute(i*60)), fmt.Sprint("mine-", i), minute(i*60+1))
			e.must(err)
			equal(e, "status", c.Status, webhook.ClaimAccepted)
			equal(e, "id", c.ID, webhook.NewEventID("v1:EMAIL_REPLY:A", i+1))
		}
	}
	equal(e, "duplicates", e.get("v1:EMAIL_REPLY:A").Duplicates, 0)
}

func timelessLateRepeat(e *env) {
	e.occurs(minute(0), 1, webhook.ClaimAccepted)
	e.occurs(minute(60), 2, webhook.ClaimAccepted)
	e.occurs(minute(120), 3, webhook.ClaimAccepted)
	e.occurs(minute(5), 1, webhook.ClaimDuplicate)
	e.occurs(minute(65), 2, webhook.ClaimDuplicate)
	e.occurs(minute(125), 3, webhook.ClaimDuplicate)
}

func timelessLateOccurrence(e *env) {
	e.occurs(minute(1000), 1, webhook.ClaimAccepted)
	e.occurs(minute(500), 2, webhook.ClaimAccepted) // it came out of the unclaimed lane
	e.occurs(minute(1005), 1, webhook.ClaimDuplicate)
	e.occurs(minute(505), 2, webhook.ClaimDuplicate)
	e.occurs(minute(2000), 3, webhook.ClaimAccepted)
	e.occurs(minute(100), 4, webhook.ClaimAccepted)
	e.occurs(minute(1500), 5, webhook.ClaimAccepted)
	e.occurs(minute(3000), 6, webhook.ClaimAccepted)
	for n, at := range []int{1000, 500, 2000, 100, 1500, 3000} {
		e.occurs(minute(at+1), n+1, webhook.ClaimDuplicate)
		e.occurs(minute(at-1), n+1, webhook.ClaimDuplicate)
	}
}

func timelessMany(e *env) {
	const many = 45
	for n := range many {
		e.occurs(minute(n*60), n+1, webhook.ClaimAccepted)
	}
	for n := range many {
		e.occurs(minute(n*60+10), n+1, webhook.ClaimDuplicate)
	}
}

func timelessVariant(e *env) {
	e.occurs(minute(0), 1, webhook.ClaimAccepted)
	e.occurs(minute(60), 2, webhook.ClaimAccepted)
	r := timeless(minute(61))
	r.Fingerprint = "another body"
	c := e.claimed(r)
	equal(e, "id", c.ID, "v1:EMAIL_REPLY:A~2")
	equal(e, "status", c.Status, webhook.ClaimVariant)
	equal(e, "variants of the second", len(e.variants(c.ID)), 1)
	equal(e, "variants of the first", len(e.variants("v1:EMAIL_REPLY:A")), 0)
	equal(e, "count on the second", e.get(c.ID).Variants, 1)
}

func timelessHeld(e *env) {
	e.occurs(minute(0), 1, webhook.ClaimAccepted)
	r := timeless(minute(60))
	r.Held = true
	held := e.claimed(r)
	equal(e, "status", held.Status, webhook.ClaimHeld)
	c := e.occurs(minute(61), 2, webhook.ClaimAccepted)
	equal(e, "state told", c.Record.State, webhook.Pending)
	equal(e, "state", e.get(held.ID).State, webhook.Pending)
	equal(e, "time of receipt", e.get(held.ID).ReceivedAt, minute(61))
}
