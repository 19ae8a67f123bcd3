package destination

import (
	"slices"
	"strings"
	"testing"

	"smartlead-receiver/pkg/webhook"
)

func TestFilterMatch(t *testing.T) {
	event := webhook.Event{
		Account: "acme", ClientID: "7", CampaignID: "42", Type: webhook.EmailReply,
		Flags: []string{webhook.FlagTimeless, webhook.FlagColleague}, CampaignName: "Spring/outreach EU",
		Lead: &webhook.Lead{Email: "tom@mail.acme.example"}, Category: &webhook.CategoryChange{New: "Interested", Sentiment: "positive"},
	}
	for name, c := range map[string]struct {
		filter Filter
		want   bool
	}{
		"empty": {Filter{}, true},
		"everything right": {Filter{
			Accounts: []string{"acme"}, ClientIDs: []string{"7"}, CampaignIDs: []string{"41", "42"}, Types: []webhook.Type{webhook.EmailReply},
			Flags: []string{webhook.FlagColleague}, NotFlags: []string{webhook.FlagTestEvent}, CampaignNames: []string{"x", "spring*EU"},
			Categories: []string{"interested"}, Sentiments: []string{"Positive"}, LeadDomains: []string{"*.acme.example"},
			If: `.lead.email | endswith("example")`,
		}, true},
		"a name in part":             {Filter{CampaignNames: []string{"spring"}}, false},
		"a name by its middle":       {Filter{CampaignNames: []string{"*/out*"}}, true},
		"a name, in the wrong order": {Filter{CampaignNames: []string{"*eu*spring*"}}, false},
		"a name, overlapping":        {Filter{CampaignNames: []string{"Spring/outreach EU*EU"}}, false},
		"another category":           {Filter{Categories: []string{"not interested"}}, false},
		"another sentiment":          {Filter{Sentiments: []string{"negative"}}, false},
		"the domain above":           {Filter{LeadDomains: []string{"acme.example"}}, false},
		"the domain":                 {Filter{LeadDomains: []string{"MAIL.acme.example"}}, true},
		"a false condition":          {Filter{If: `.type == "EMAIL_OPEN"`}, false},
		"a true condition":           {Filter{If: `.type == "EMAIL_REPLY" and (.category.new | test("^I"))`}, true},
		"another account":            {Filter{Accounts: []string{"acm"}}, false},
		"another client":             {Filter{ClientIDs: []string{"70"}}, false},
		"another campaign":           {Filter{CampaignIDs: []string{"4"}}, false},
		"another type":               {Filter{Types: []webhook.Type{webhook.EmailOpen}}, false},
		"one right, one wrong":       {Filter{Accounts: []string{"acme"}, Types: []webhook.Type{webhook.EmailOpen}}, false},
		"a flag it has":              {Filter{Flags: []string{webhook.FlagTestEvent, webhook.FlagTimeless}}, true},
		"flags it has not":           {Filter{Flags: []string{webhook.FlagTestEvent}}, false},
		"a flag that it must not":    {Filter{NotFlags: []string{webhook.FlagColleague}}, false},
		"flag wanted and refused":    {Filter{Flags: []string{webhook.FlagTimeless}, NotFlags: []string{webhook.FlagColleague}}, false},
	} {
		if reasons := against(t, c.filter, event); (len(reasons) == 0) != c.want {
			t.Errorf("%s: %q", name, reasons)
		}
	}
	for _, f := range []Filter{
		{ClientIDs: []string{"7"}}, {Flags: []string{webhook.FlagTimeless}}, {CampaignNames: []string{"*"}}, {Categories: []string{"*"}},
		{Sentiments: []string{"positive"}}, {LeadDomains: []string{"*"}}, {If: ".lead.email == 1"},
	} {
		if reasons := against(t, f, webhook.Event{}); len(reasons) != 1 {
			t.Errorf("an event without the fact matches %+v, or for %q", f, reasons)
		}
	}
}

func against(t *testing.T, f Filter, e webhook.Event) []string {
	t.Helper()
	s, err := f.Selection()
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := s.Against(t.Context(), webhook.Delivery{Event: e})
	if err != nil {
		t.Fatal(err)
	}
	return reasons
}

// An operator reads why, of each list.
func TestReasonsSayWhatIsAndWhatIsWanted(t *testing.T) {
	got := against(t, Filter{
		Types: []webhook.Type{webhook.EmailReply, webhook.EmailBounce}, CampaignIDs: []string{"42"}, NotFlags: []string{webhook.FlagTestEvent}, LeadDomains: []string{"acme.example"},
	}, webhook.Event{Type: webhook.EmailOpen, Flags: []string{webhook.FlagTestEvent}, Lead: &webhook.Lead{Email: "a@b.example"}})
	want := []string{
		"its type is EMAIL_OPEN, and EMAIL_REPLY or EMAIL_BOUNCE is wanted", "it has no campaign, and 42 is wanted",
		"its lead's domain is b.example, and acme.example is wanted", "it has the flag test_event",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// A condition that cannot be decided delivers nothing, and hides nothing.
func TestAConditionThatFailsIsSeen(t *testing.T) {
	for _, program := range []string{`.type.x`, `.type`, `empty`, `null`} {
		wants, err := Filter{If: program}.Selection()
		if err != nil {
			t.Fatal(err)
		}
		target := &Target{wants: wants, next: deliverFunc(func() webhook.Outcome { t.Error("delivered"); return delivered() })}
		out := target.Deliver(t.Context(), webhook.Delivery{Event: webhook.Event{Type: webhook.EmailReply}})
		if out.Result != webhook.ResultPermanent || out.ErrorClass != "condition_failed" || !strings.Contains(out.Error, "--if") {
			t.Errorf("%s: %+v", program, out)
		}
	}
	if err := (Filter{If: "env"}).problems(); len(err) != 1 || err[0].Error() != "filter.if: holds the function env, which is not allowed" {
		t.Errorf("problems %v", err)
	}
}
