package ledgertest

import (
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

var supersededRules = []rule{
	{"an older category, status or unsubscribe is superseded by a newer one that was delivered", supersededByDelivered},
	{"a newer one that no destination was told of supersedes nothing", supersededByNone},
	{"one that a destination was told of supersedes, though another still waits", supersededByPart},
	{"another account, campaign, lead or type supersedes nothing", supersededByOthers},
	{"the later time counts, not the later receipt", supersededByTime},
	{"an event among very many of its lead is found", supersededAmongMany},
	{"the flag is kept with the attempt that found it out, and once only", supersededKept},
}

// stateReceipt says how a lead or campaign stands since that moment.
func stateReceipt(typ webhook.Type, name string, occurred, received time.Time) webhook.Receipt {
	r := receipt(name, received)
	r.Key, r.Type, r.RawType = fmt.Sprintf("v1:%s:%s", typ, name), typ, string(typ)
	r.OccurredAt = occurred
	if typ == webhook.CampaignStatusChanged {
		r.LeadEmail, r.StatsID = "", ""
	}
	return r
}

func (e *env) superseded(id webhook.EventID) bool {
	e.Helper()
	late, err := e.l.Superseded(e.ctx, e.get(id))
	e.must(err)
	return late
}

func supersededByDelivered(e *env) {
	for _, typ := range []webhook.Type{webhook.LeadCategoryUpdated, webhook.LeadUnsubscribed, webhook.CampaignStatusChanged} {
		older := e.claimed(stateReceipt(typ, "OLD", sec(0), sec(1))).ID
		newer := e.claimed(stateReceipt(typ, "NEW", sec(10), sec(11))).ID
		equal(e, "superseded by what waits", e.superseded(older), false)
		e.settled(e.leased(newer, sec(20)), webhook.Delivered, sec(21))
		equal(e, fmt.Sprintf("the older %s is superseded", typ), e.superseded(older), true)
		equal(e, "the newer one is superseded", e.superseded(newer), false)
		seen := e.get(newer)
		_, err := e.l.Replay(e.ctx, e.revival(seen, sec(30)))
		e.must(err)
		equal(e, "superseded by what is replayed", e.superseded(older), true)
	}
	reply := e.claimed(receipt("REPLY", sec(0))).ID
	e.settled(e.leased(e.claimed(receipt("REPLY2", sec(50))).ID, sec(60)), webhook.Delivered, sec(61))
	equal(e, "a reply is superseded", e.superseded(reply), false)
}

func supersededByNone(e *env) {
	older := e.claimed(stateReceipt(webhook.LeadUnsubscribed, "OLD", sec(0), sec(1))).ID
	newer := e.claimed(stateReceipt(webhook.LeadUnsubscribed, "NEW", sec(10), sec(11))).ID
	lease := e.leased(newer, sec(20))
	s := settlement(lease, webhook.Dead, sec(21))
	for i := range s.Destinations {
		s.Destinations[i].Result = webhook.ResultPermanent
	}
	e.must(e.l.Settle(e.ctx, lease, s))
	equal(e, "superseded by a dead event", e.superseded(older), false)
}

func supersededByPart(e *env) {
	older := e.claimed(stateReceipt(webhook.LeadUnsubscribed, "OLD", sec(0), sec(1))).ID
	newer := e.claimed(stateReceipt(webhook.LeadUnsubscribed, "NEW", sec(10), sec(11))).ID
	e.settled(e.leased(newer, sec(20)), webhook.Pending, sec(21))
	equal(e, "superseded by what the first destination was told", e.superseded(older), true)
}

func supersededByOthers(e *env) {
	older := e.claimed(stateReceipt(webhook.LeadCategoryUpdated, "OLD", sec(0), sec(1))).ID
	for i, change := range []func(r *webhook.Receipt){
		func(r *webhook.Receipt) { r.Account = "other" },
		func(r *webhook.Receipt) { r.CampaignID = "1" },
		func(r *webhook.Receipt) { r.LeadEmail = "bob@example.com" },
		func(r *webhook.Receipt) { r.Type, r.Key = webhook.LeadUnsubscribed, "v1:LEAD_UNSUBSCRIBED:X" },
	} {
		r := stateReceipt(webhook.LeadCategoryUpdated, fmt.Sprintf("NEW%d", i), sec(10), sec(11))
		change(&r)
		e.settled(e.leased(e.claimed(r).ID, sec(20)), webhook.Delivered, sec(21))
	}
	equal(e, "superseded by what has nothing to do with it", e.superseded(older), false)
}

func supersededByTime(e *env) {
	first := e.claimed(stateReceipt(webhook.LeadCategoryUpdated, "A", sec(100), sec(101))).ID
	second := e.claimed(stateReceipt(webhook.LeadCategoryUpdated, "B", sec(50), sec(200))).ID
	same := e.claimed(stateReceipt(webhook.LeadCategoryUpdated, "C", sec(100), sec(300))).ID
	e.settled(e.leased(first, sec(400)), webhook.Delivered, sec(401))
	equal(e, "what occurred earlier and came later is superseded", e.superseded(second), true)
	equal(e, "what occurred at the same moment is superseded", e.superseded(same), false)
}

func supersededAmongMany(e *env) {
	older := e.claimed(stateReceipt(webhook.LeadCategoryUpdated, "OLD", sec(0), sec(1))).ID
	newer := e.claimed(stateReceipt(webhook.LeadCategoryUpdated, "NEW", sec(2), sec(3))).ID
	e.settled(e.leased(newer, sec(4)), webhook.Delivered, sec(5))
	for i := range 230 {
		e.claimed(stateReceipt(webhook.LeadCategoryUpdated, fmt.Sprintf("LATER%d", i), sec(10+i), sec(10+i)))
	}
	equal(e, "superseded behind many that wait", e.superseded(older), true)
}

func supersededKept(e *env) {
	id := e.claimed(stateReceipt(webhook.LeadCategoryUpdated, "OLD", sec(0), sec(1))).ID
	lease := e.leased(id, sec(10))
	s := settlement(lease, webhook.Pending, sec(20))
	s.Superseded = true
	e.must(e.l.Settle(e.ctx, lease, s))
	e.must(e.l.Settle(e.ctx, lease, s)) // its answer was lost
	rec := e.settled(e.leased(id, sec(400)), webhook.Delivered, sec(401))
	if want := []string{webhook.FlagColleague, webhook.FlagSuperseded}; !slices.Equal(rec.Flags, want) {
		e.Errorf("the flags are %v, want %v", rec.Flags, want)
	}
}
