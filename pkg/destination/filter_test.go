package destination

import (
	"testing"

	"smartlead-receiver/pkg/webhook"
)

func TestFilterMatch(t *testing.T) {
	event := webhook.Event{
		Account: "acme", ClientID: "7", CampaignID: "42", Type: webhook.EmailReply,
		Flags: []string{webhook.FlagTimeless, webhook.FlagColleague},
	}
	for name, c := range map[string]struct {
		filter Filter
		want   bool
	}{
		"empty":                   {Filter{}, true},
		"everything right":        {Filter{[]string{"acme"}, []string{"7"}, []string{"41", "42"}, []webhook.Type{webhook.EmailReply}, []string{webhook.FlagColleague}, []string{webhook.FlagTestEvent}}, true},
		"another account":         {Filter{Accounts: []string{"acm"}}, false},
		"another client":          {Filter{ClientIDs: []string{"70"}}, false},
		"another campaign":        {Filter{CampaignIDs: []string{"4"}}, false},
		"another type":            {Filter{Types: []webhook.Type{webhook.EmailOpen}}, false},
		"one right, one wrong":    {Filter{Accounts: []string{"acme"}, Types: []webhook.Type{webhook.EmailOpen}}, false},
		"a flag it has":           {Filter{Flags: []string{webhook.FlagTestEvent, webhook.FlagTimeless}}, true},
		"flags it has not":        {Filter{Flags: []string{webhook.FlagTestEvent}}, false},
		"a flag that it must not": {Filter{NotFlags: []string{webhook.FlagColleague}}, false},
		"flag wanted and refused": {Filter{Flags: []string{webhook.FlagTimeless}, NotFlags: []string{webhook.FlagColleague}}, false},
	} {
		if got := c.filter.Match(event); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if (Filter{ClientIDs: []string{"7"}}).Match(webhook.Event{}) || (Filter{Flags: []string{webhook.FlagTimeless}}).Match(webhook.Event{}) {
		t.Error("an event without the fact matches a list")
	}
}
