package smartlead

import (
	"slices"
	"strings"
	"testing"

	"smartlead-receiver/pkg/webhook"
)

// identityOf returns the fields of a body's identity, before they are hashed.
func identityOf(t *testing.T, account, body string) (webhook.Type, basis) {
	t.Helper()
	tree, err := scanTree([]byte(body), bodyLimits)
	if err != nil {
		t.Fatal(err)
	}
	b := read(tree)
	return b.typ, b.identity(account)
}

func without(s basis, name string) basis {
	return slices.DeleteFunc(slices.Clone(s), func(f Field) bool { return f.Name == name })
}

// rows has, for each type and field of the identity, two events that only this
// field tells apart.
var rows = []struct{ field, a, b string }{
	{basisCampaign, `{"event_type":"EMAIL_OPEN","stats_id":"s","timestamp":"2026-03-04T17:00:00Z","campaign_id":1}`, `"campaign_id":2`},
	{basisStats, `{"event_type":"EMAIL_OPEN","campaign_id":1,"timestamp":"2026-03-04T17:00:00Z","stats_id":"s"}`, `"stats_id":"t"`},
	{basisLead, `{"event_type":"EMAIL_OPEN","campaign_id":1,"timestamp":"2026-03-04T17:00:00Z","to_email":"a@x.example"}`, `"to_email":"b@x.example"`},
	{basisLeadID, `{"event_type":"EMAIL_OPEN","campaign_id":1,"timestamp":"2026-03-04T17:00:00Z","lead_id":1}`, `"lead_id":2`},
	{basisMessage, `{"event_type":"EMAIL_REPLY","stats_id":"s","event_timestamp":"2026-03-04T17:00:00Z","message_id":"<a>"}`, `"message_id":"<b>"`},
	{basisTime, `{"event_type":"EMAIL_REPLY","stats_id":"s","reply_body":"x","time_replied":"2026-03-04T17:00:00Z"}`, `"time_replied":"2026-03-04T17:00:01Z"`},
	{basisReplyText, `{"event_type":"EMAIL_REPLY","stats_id":"s","time_replied":"2026-03-04T17:00:00Z","reply_body":"x"}`, `"reply_body":"y"`},
	{basisMessage, `{"event_type":"UNTRACKED_REPLIES","sender_detail":"a@x.example","reply_message":{"message_id":"<a>"}}`, `"reply_message":{"message_id":"<b>"}}`},
	{basisTime, `{"event_type":"UNTRACKED_REPLIES","sender_detail":"a@x.example","visible_text":"x","event_timestamp":"2026-03-04T17:00:00Z"}`, `"event_timestamp":"2026-03-04T17:00:01Z"`},
	{basisReplyText, `{"event_type":"UNTRACKED_REPLIES","sender_detail":"a@x.example","event_timestamp":"2026-03-04T17:00:00Z","visible_text":"x"}`, `"visible_text":"y"`},
	{basisTime, `{"event_type":"EMAIL_OPEN","stats_id":"s","time_opened":"2026-03-04T17:00:00Z"}`, `"time_opened":"2026-03-04T17:00:01Z"`},
	{basisTime, `{"event_type":"EMAIL_LINK_CLICK","stats_id":"s","link_clicked":"u","time_clicked":"2026-03-04T17:00:00Z"}`, `"time_clicked":"2026-03-04T17:00:01Z"`},
	{basisLink, `{"event_type":"EMAIL_LINK_CLICK","stats_id":"s","time_clicked":"2026-03-04T17:00:00Z","link_clicked":["u","v"]}`, `"link_clicked":["v","u"]`},
	{basisMessage, `{"event_type":"EMAIL_SENT","to_email":"a@x.example","message_id":"<a>"}`, `"message_id":"<b>"`},
	{basisStep, `{"event_type":"EMAIL_SENT","to_email":"a@x.example","time_sent":"2026-03-04T17:00:00Z","sequence_number":1}`, `"sequence_number":2`},
	{basisTime, `{"event_type":"FIRST_EMAIL_SENT","to_email":"a@x.example","sequence_number":1,"time_sent":"2026-03-04T17:00:00Z"}`, `"time_sent":"2026-03-04T17:00:01Z"`},
	{basisMessage, `{"event_type":"EMAIL_BOUNCE","stats_id":"s","bounce_reply_message_id":"<a>"}`, `"bounce_reply_message_id":"<b>"`},
	{basisMessage, `{"event_type":"EMAIL_BOUNCE","to_email":"a@x.example","bounce_message":{"message_id":"<a>"}}`, `"bounce_message":{"message_id":"<b>"}}`},
	{basisStep, `{"event_type":"EMAIL_BOUNCE","to_email":"a@x.example","timestamp":"2026-03-04T17:00:00Z","sequence_number":1}`, `"sequence_number":2`},
	{basisTime, `{"event_type":"EMAIL_BOUNCE","to_email":"a@x.example","sequence_number":1,"timestamp":"2026-03-04T17:00:00Z"}`, `"timestamp":"2026-03-04T17:00:01Z"`},
	{basisTime, `{"event_type":"LEAD_CATEGORY_UPDATED","to":"a@x.example","lead_category_id":1,"event_timestamp":"2026-03-04T17:00:00Z"}`, `"event_timestamp":"2026-03-04T17:00:01Z"`},
	{basisOldCategory, `{"event_type":"LEAD_CATEGORY_UPDATED","to":"a@x.example","lead_category":{"new_id":1,"old_id":2}}`, `"lead_category":{"new_id":1,"old_id":3}}`},
	{basisNewCategory, `{"event_type":"LEAD_CATEGORY_UPDATED","to":"a@x.example","lead_category":{"new_id":1,"old_id":2}}`, `"lead_category":{"new_id":4,"old_id":2}}`},
	{basisOldName, `{"event_type":"LEAD_CATEGORY_UPDATED","to":"a@x.example","lead_category":{"new_id":1,"old_name":"A"}}`, `"lead_category":{"new_id":1,"old_name":"B"}}`},
	{basisNewName, `{"event_type":"LEAD_CATEGORY_UPDATED","to":"a@x.example","category":"A"}`, `"category":"B"`},
	{basisTime, `{"event_type":"LEAD_UNSUBSCRIBED","lead_email":"a@x.example","event_timestamp":"2026-03-04T17:00:00Z"}`, `"event_timestamp":"2026-03-04T17:00:01Z"`},
	{basisStep, `{"event_type":"MANUAL_STEP_REACHED","lead_email":"a@x.example","current_sequence_number":1}`, `"current_sequence_number":2`},
	{basisTime, `{"event_type":"MANUAL_STEP_REACHED","lead_email":"a@x.example","sequence_number":1,"timestamp":"2026-03-04T17:00:00Z"}`, `"timestamp":"2026-03-04T17:00:01Z"`},
	{basisOldStatus, `{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":1,"current_status":"PAUSED","previous_status":"ACTIVE"}`, `"previous_status":"DRAFTED"`},
	{basisNewStatus, `{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":1,"previous_status":"ACTIVE","current_status":"PAUSED"}`, `"current_status":"STOPPED"`},
	{basisNewStatus, `{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":1,"campaign_status":"PAUSED"}`, `"campaign_status":"STOPPED"`},
	{basisTime, `{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":1,"status":"PAUSED","timestamp":"2026-03-04T17:00:00Z"}`, `"timestamp":"2026-03-04T17:00:01Z"`},
	{basisBody, `{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":1,"note":"a"}`, `"note":"b"`},
	{basisAlertOf, `{"eventType":"EMAIL_ACCOUNT_DISCONNECTED","error":"e","accountId":1}`, `"accountId":2`},
	{basisMailbox, `{"eventType":"EMAIL_ACCOUNT_DISCONNECTED","error":"e","email":"a@x.example"}`, `"email":"b@x.example"`},
	{basisReason, `{"eventType":"EMAIL_ACCOUNT_DISCONNECTED","accountId":1,"error":"e"}`, `"error":"f"`},
	{basisTime, `{"eventType":"EMAIL_ACCOUNT_DISCONNECTED","accountId":1,"timestamp":"2026-03-04T17:00:00Z"}`, `"timestamp":"2026-03-04T17:00:01Z"`},
	{basisEnvelopeID, `{"type":"email.account.disconnected","data":{},"id":1}`, `"id":2`},
	{basisEventID, `{"event_type":"NOT_SEEN_YET","event_id":1}`, `"event_id":2`},
	{basisBody, `{"event_type":"NOT_SEEN_YET","a":1}`, `"a":2`},
}

// TestEveryRowIsNeeded holds that a field of the identity tells two events apart
// that would be one without it.
func TestEveryRowIsNeeded(t *testing.T) {
	tested := map[string]bool{basisAccount: true, basisType: true, basisRawType: true}
	for _, row := range rows {
		// The last member of a is replaced.
		name, _, _ := strings.Cut(row.b, ":")
		last := strings.LastIndex(row.a, name+":")
		other := row.a[:last] + strings.TrimSuffix(row.b, "}") + "}"
		if strings.HasSuffix(row.b, "}") {
			other = row.a[:last] + row.b
			if strings.Count(other, "{") != strings.Count(other, "}") {
				other += "}"
			}
		}
		typ, a := identityOf(t, "x", row.a)
		_, b := identityOf(t, "x", other)
		if naturalKey(typ, a) == naturalKey(typ, b) {
			t.Errorf("%s %s: got one event, want two, of\n%s\n%s", typ, row.field, row.a, other)
		}
		if naturalKey(typ, without(a, row.field)) != naturalKey(typ, without(b, row.field)) {
			t.Errorf("%s %s: got two events without this field, want one, of\n%v\n%v", typ, row.field, a, b)
		}
		tested[row.field] = true
	}
	for _, field := range []string{
		basisAccount, basisType, basisCampaign, basisStats, basisLead, basisLeadID, basisMessage, basisTime, basisReplyText, basisLink, basisStep,
		basisOldCategory, basisNewCategory, basisOldName, basisNewName, basisOldStatus, basisNewStatus, basisAlertOf, basisMailbox, basisReason,
		basisBody, basisRawType, basisEventID, basisEnvelopeID,
	} {
		if !tested[field] {
			t.Errorf("got no pair for %s, want one", field)
		}
	}
	typ, a := identityOf(t, "x", `{"event_type":"EMAIL_SENT","stats_id":"s"}`)
	_, b := identityOf(t, "y", `{"event_type":"EMAIL_SENT","stats_id":"s"}`)
	if naturalKey(typ, a) == naturalKey(typ, b) || naturalKey(typ, without(a, basisAccount)) != naturalKey(typ, without(b, basisAccount)) {
		t.Errorf("got %v and %v, want the account alone to tell them apart", a, b)
	}
	_, a = identityOf(t, "x", `{"event_type":"A","event_id":1}`)
	_, b = identityOf(t, "x", `{"event_type":"B","event_id":1}`)
	if naturalKey(typ, a) == naturalKey(typ, b) || naturalKey(typ, without(a, basisRawType)) != naturalKey(typ, without(b, basisRawType)) {
		t.Errorf("got %v and %v, want the raw type alone to tell them apart", a, b)
	}
}

// TestNotPartOfTheIdentity holds that members beside the discriminator do not
// count.
func TestNotPartOfTheIdentity(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{`{"event_type":"EMAIL_SENT","stats_id":"s","message_id":"a","time_sent":"2026-03-04T17:00:00Z"}`, `{"event_type":"SENT","stats_id":"s","sequence_number":2}`},
		{`{"event_type":"EMAIL_OPEN","stats_id":"s","message_id":"a","event_id":"1"}`, `{"event_type":"EMAIL_OPEN","stats_id":"s","message_id":"b","event_id":"2"}`},
		{`{"event_type":"EMAIL_BOUNCE","stats_id":"s","event_timestamp":"2026-03-04T17:00:00Z"}`, `{"event_type":"EMAIL_BOUNCE","stats_id":"s","sequence_number":1}`},
		{`{"event_type":"EMAIL_REPLY","stats_id":"s","message_id":"a","reply_body":"x"}`, `{"event_type":"EMAIL_REPLY","stats_id":"s","reply_message":{"message_id":" <a> "},"reply_body":"y"}`},
		{`{"event_type":"EMAIL_BOUNCE","description":"sent to a@x.example got bounced","bounce_reply_message_id":"m"}`, `{"event_type":"EMAIL_BOUNCE","description":"sent to b@x.example got bounced","bounce_reply_message_id":"m"}`},
		{`{"event":"EMAIL_REPLIED","lead":{"email":"a@x.example"},"timestamp":1772625601,"reply":{"body":"x"},"email":{"message_id":"s"},"message_id":"m"}`,
			`{"event":"EMAIL_REPLIED","lead":{"email":"a@x.example"},"timestamp":1772625601,"reply":{"body":"x"},"email":{"message_id":"s"},"message_id":"n"}`},
		{`{"event_type":"EMAIL_OPEN","stats_id":"s","to_email":"a@x.example"}`, `{"event_type":"EMAIL_OPEN","stats_id":"s","to_email":"b@x.example"}`},
		{`{"event_type":"EMAIL_OPEN","lead_id":1,"timestamp":1772625601}`, `{"event_type":"EMAIL_OPEN","sl_email_lead_id":"1","timestamp":"2026-03-04T12:00:01Z"}`},
	} {
		if a, b := one(t, c.a, corpusOptions), one(t, c.b, corpusOptions); a.Key != b.Key {
			t.Errorf("got two events, want one\n%v %s\n%v %s", a.BasisFields, c.a, b.BasisFields, c.b)
		}
	}
}

func TestTimeless(t *testing.T) {
	for body, want := range map[string]bool{
		`{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":1,"status":"PAUSED"}`:                                          true,
		`{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":1,"status":"PAUSED","event_timestamp":"2026-03-04T17:00:00Z"}`: false,
		`{"event_type":"MANUAL_STEP_REACHED","lead_id":1,"current_sequence_number":1}`:                                        true,
		`{"event_type":"LEAD_UNSUBSCRIBED","lead_email":"a@x.example"}`:                                                       true,
		`{"event_type":"LEAD_UNSUBSCRIBED","stats_id":"s"}`:                                                                   false,
		`{"event_type":"EMAIL_REPLY","to_email":"a@x.example","reply_body":"x"}`:                                              true,
		`{"event_type":"EMAIL_REPLY","to_email":"a@x.example","message_id":"m"}`:                                              false,
		`{"event_type":"EMAIL_SENT","to_email":"a@x.example","message_id":"m"}`:                                               false,
		`{"eventType":"EMAIL_ACCOUNT_DISCONNECTED","accountId":1}`:                                                            true,
		`{"type":"email.account.disconnected","data":{},"id":1}`:                                                              false,
		`{}`:                              true,
		`{"event_type":"X","a":1}`:        true,
		`{"event_type":"X","event_id":1}`: false,
		`{"event_type":"X","timestamp":1772625601}`: false,
	} {
		e := one(t, body, corpusOptions)
		if e.Timeless != want || slices.Contains(e.Event.Flags, webhook.FlagTimeless) != want {
			t.Errorf("%s: got timeless %v and the flags %v, want %v in both", body, e.Timeless, e.Event.Flags, want)
		}
	}
}

func TestTrustedID(t *testing.T) {
	e := one(t, `{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":1,"status":"PAUSED"}`, corpusOptions)
	a, b := e.WithTrustedID("default", "r1"), e.WithTrustedID("default", "r2")
	if a.Key == b.Key || a.Key == e.Key || a.Timeless || len(a.Event.Flags) != 0 || !slices.Contains(e.Event.Flags, webhook.FlagTimeless) {
		t.Errorf("got %+v and %+v, want two events that are not timeless, and %+v as it was", a, b, e)
	}
	if got := e.WithTrustedID("default", "").Key; got != e.Key {
		t.Errorf("without a request id: got %s, want %s", got, e.Key)
	}
}

// TestKeyIsStable holds the form of keys: they are stored for years, so another
// form needs another version.
func TestKeyIsStable(t *testing.T) {
	e := one(t, `{"event_type":"EMAIL_OPEN","campaign_id":1,"stats_id":"s","event_timestamp":"2026-03-04T17:00:00Z"}`, corpusOptions)
	if want := "v1:EMAIL_OPEN:BCQJY4CL6XFCPI3RMWUJXICDHJTRVNKB"; e.Key != want {
		t.Errorf("got %s, want %s", e.Key, want)
	}
}

// TestTypesWithBackslashes holds that the name of an unknown type is text that is
// decoded already: a backslash in it is a character.
func TestTypesWithBackslashes(t *testing.T) {
	seen := map[string]string{}
	for _, typ := range []string{`A\`, `\`, `\\`, `A\n`, "A\n", `A\u0041`, "AA", `A\u00`, `A\"`, `A"`} {
		e := one(t, `{"event_type":`+quoted(typ)+`,"campaign_id":1}`, corpusOptions)
		checkElement(t, e, corpusOptions)
		if other, ok := seen[e.Fingerprint]; ok {
			t.Errorf("got one fingerprint of %q and %q, want two", typ, other)
		}
		seen[e.Fingerprint] = typ
	}
}
