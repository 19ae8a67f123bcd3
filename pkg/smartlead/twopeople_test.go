package smartlead

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"smartlead-receiver/pkg/webhook"
)

// TestTwoPeopleAreTwoEvents holds that two events which differ in the person
// alone never share an identity, in shapes that nobody foresaw: other spellings,
// other names, other places. The same body again is the same event.
func TestTwoPeopleAreTwoEvents(t *testing.T) {
	var about []string
	for _, typ := range webhook.Types {
		if rules[typ].about == aboutLead {
			about = append(about, string(typ))
		}
	}
	if len(about) < 9 {
		t.Fatalf("%d types are about a lead, want at least 9", len(about))
	}
	rapid.Check(t, func(t *rapid.T) {
		shape := drawShape(t, rapid.SampledFrom(about).Draw(t, "type"))
		ann, bob := one(t, shape("ann@acme.example"), corpusOptions), one(t, shape("bob@other.example"), corpusOptions)
		if ann.Key == bob.Key {
			t.Fatalf("two people are one event, by %v\n%s\n%s", ann.BasisFields, shape("ann@acme.example"), shape("bob@other.example"))
		}
		if again := one(t, shape("ann@acme.example"), corpusOptions); again.Key != ann.Key {
			t.Fatalf("got %s, want %s once more\n%s", again.Key, ann.Key, shape("ann@acme.example"))
		}
	})
}

// drawShape draws how a body is built around the address of a person.
func drawShape(t *rapid.T, typ string) func(address string) string {
	person := rapid.SampledFrom([]string{
		"email", "lead_email", "leadEmail", "LeadEmail", "LEAD_EMAIL", "sl_lead_email", "slLeadEmail", "to_email", "toEmail",
		"prospect", "prospect_mail", "contactEmail", "person", "who", "address", "e-mail", "subscriber",
	}).Draw(t, "member")
	inside := rapid.SampledFrom([]string{"", "contact", "prospect", "lead", "leadData", "lead_data", "person", "recipients"}).Draw(t, "object")
	wrapper := rapid.SampledFrom([]string{"", "data", "payload", "event", "body", "record", "items"}).Draw(t, "wrapper")
	spelling := rapid.SampledFrom([]string{"%", "Ann Lee <%>", "(%)", "mail: %", "%."}).Draw(t, "spelling")
	around := object{}
	for _, m := range []member{
		{"campaign_id", "9001"}, {"campaignId", "9001"}, {"event_timestamp", `"2026-10-04T10:00:00Z"`}, {"sequence_number", "1"},
		{"from_email", `"mira@outbound.example"`}, {"subject", `"Hello"`}, {"reply_text", `"yes"`}, {"something", `{"else":[1,2]}`},
	} {
		if typ == string(webhook.UntrackedReplies) && m.name == "from_email" {
			continue // there it is the person
		}
		if rapid.Bool().Draw(t, m.name) {
			around = append(around, m)
		}
	}
	typeInside := wrapper != "" && rapid.Bool().Draw(t, "type inside")
	return func(address string) string {
		value := quoted(strings.ReplaceAll(spelling, "%", address))
		if inside != "" {
			value = object{{person, value}}.String()
		}
		name := person
		if inside != "" {
			name = inside
		}
		content := append(append(object{}, around...), member{name, value})
		named := member{"event_type", quoted(typ)}
		switch {
		case wrapper == "":
			return append(object{named}, content...).String()
		case typeInside:
			return object{{wrapper, append(object{named}, content...).String()}}.String()
		}
		return object{named, {wrapper, content.String()}}.String()
	}
}
