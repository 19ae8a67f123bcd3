package webhook_test

import (
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

func TestIdempotencyKey(t *testing.T) {
	for _, c := range []struct {
		generation, effect int
		want               string
	}{
		{0, 0, "v1:EMAIL_REPLY:A~2"},
		{3, 0, "v1:EMAIL_REPLY:A~2"}, // replayed, the same effect
		{3, 2, "v1:EMAIL_REPLY:A~2#2"},
	} {
		r := webhook.Record{ID: "v1:EMAIL_REPLY:A~2", LeaseNumber: 7, Generation: c.generation, EffectKey: c.effect}
		if got := r.IdempotencyKey(); got != c.want {
			t.Errorf("generation %d, effect of %d: got %s, want %s", c.generation, c.effect, got, c.want)
		}
	}
}

func TestFinishedAndAwaitsOperator(t *testing.T) {
	want := map[webhook.State]struct{ finished, awaits bool }{
		webhook.Pending:    {false, false},
		webhook.Processing: {false, false},
		webhook.Delivered:  {true, false},
		webhook.Unrouted:   {true, false},
		webhook.Dead:       {true, true},
		webhook.Held:       {true, true},
		webhook.Parked:     {true, true},
		webhook.Discarded:  {true, false},
	}
	if len(want) != len(webhook.States) {
		t.Fatalf("%d states are tested, want all %d", len(want), len(webhook.States))
	}
	for _, s := range webhook.States {
		r := webhook.Record{State: s, DueAt: time.Unix(0, 0)} // a dead event may owe its dead letter
		if got := r.Finished(); got != want[s].finished {
			t.Errorf("%s: finished is %v, want %v", s, got, want[s].finished)
		}
		if got := s.AwaitsOperator(); got != want[s].awaits {
			t.Errorf("%s: awaits an operator is %v, want %v", s, got, want[s].awaits)
		}
	}
}

func TestSupersedes(t *testing.T) {
	at := time.Date(2126, 3, 10, 9, 0, 0, 0, time.UTC)
	older := webhook.Record{Receipt: webhook.Receipt{
		Type: webhook.LeadCategoryUpdated, Account: "acme", CampaignID: "7", LeadEmail: "ann@example.com", OccurredAt: at,
	}}
	newer := older
	newer.OccurredAt, newer.DeliveredAt = at.Add(time.Second), at.Add(time.Minute)
	with := func(change func(*webhook.Record)) webhook.Record {
		r := newer
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		r    webhook.Record
		want bool
	}{
		"later and delivered":   {newer, true},
		"at the same time":      {with(func(r *webhook.Record) { r.OccurredAt = at }), false},
		"earlier":               {with(func(r *webhook.Record) { r.OccurredAt = at.Add(-time.Second) }), false},
		"nobody has been told":  {with(func(r *webhook.Record) { r.DeliveredAt = time.Time{} }), false},
		"of another campaign":   {with(func(r *webhook.Record) { r.CampaignID = "8" }), false},
		"of another lead":       {with(func(r *webhook.Record) { r.LeadEmail = "bob@example.com" }), false},
		"of another account":    {with(func(r *webhook.Record) { r.Account = "globex" }), false},
		"of another type":       {with(func(r *webhook.Record) { r.Type = webhook.LeadUnsubscribed }), false},
		"that is a test":        {with(func(r *webhook.Record) { r.Flags = []string{webhook.FlagColleague, webhook.FlagTestEvent} }), false},
		"that names no subject": {with(func(r *webhook.Record) { r.LeadEmail = "" }), false},
		"told to one destination": {with(func(r *webhook.Record) {
			r.DeliveredAt = time.Time{}
			r.Destinations = []webhook.Progress{{Name: "a", Result: webhook.ResultRetry}, {Name: "b", Result: webhook.ResultDelivered}}
		}), true},
		"told to none": {with(func(r *webhook.Record) {
			r.DeliveredAt = time.Time{}
			r.Destinations = []webhook.Progress{{Name: "a", Result: webhook.ResultUnrouted}}
		}), false},
	} {
		if got := c.r.Supersedes(older); got != c.want {
			t.Errorf("an event %s: supersedes is %v, want %v", name, got, c.want)
		}
	}
	reply := older
	reply.Type = webhook.EmailReply // it sets no state
	later := newer
	later.Type = webhook.EmailReply
	if later.Supersedes(reply) {
		t.Error("a reply supersedes another reply, want that only what sets a state is superseded")
	}
}

func TestSubject(t *testing.T) {
	for _, c := range []struct {
		r    webhook.Receipt
		want string
	}{
		{webhook.Receipt{Type: webhook.LeadUnsubscribed, LeadEmail: "ann@example.com", CampaignID: "7"}, "ann@example.com"},
		{webhook.Receipt{Type: webhook.CampaignStatusChanged, CampaignID: "7"}, "campaign#7"},
		{webhook.Receipt{Type: webhook.LeadUnsubscribed, CampaignID: "7"}, ""},
		{webhook.Receipt{Type: webhook.EmailReply, LeadEmail: "ann@example.com"}, ""},
	} {
		if got := c.r.Subject(); got != c.want {
			t.Errorf("%s of lead %q and campaign %q: got %q, want %q", c.r.Type, c.r.LeadEmail, c.r.CampaignID, got, c.want)
		}
	}
}
