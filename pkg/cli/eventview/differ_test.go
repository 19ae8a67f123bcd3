package eventview

import (
	"fmt"
	"strings"
	"testing"
)

func TestDifferTellsFactsFromAnEnvelope(t *testing.T) {
	const reply = `{"event_type":"EMAIL_REPLY","campaign_id":7,"stats_id":"s","sl_lead_email":"ann@example.com","to_email":"ann@example.com",
"subject":"Re: hello","event_timestamp":"2026-03-04T11:59:58Z","webhook_name":"one","reply_message":{"message_id":"<a@example.com>","text":"Yes","html":"<p>Yes</p>"}}`
	const category = `{"event_type":"LEAD_CATEGORY_UPDATED","campaign_id":7,"lead_email":"ann@example.com","event_timestamp":"2026-03-04T11:59:58Z",
"lead_category":{"old_name":"Interested","new_name":"Meeting Request"}}`
	for _, c := range []struct{ body, old, now, matters, members string }{
		{reply, `"one"`, `"two"`, "[]", "[webhook_name]"},
		{reply, `"campaign_id":7`, `"campaign_id":7,"client_id":3`, "[]", "[client_id]"},
		{reply, `<p>Yes</p>`, `<div>  Yes</div>`, "[]", "[reply_message.html]"},
		{reply, `,"html":"<p>Yes</p>"`, ``, "[]", "[reply_message.html]"},
		{reply, `"text":"Yes",`, ``, "[]", "[reply_message.text]"},
		{reply, `<p>Yes</p>`, `<p>No</p>`, "[reply]", "[reply_message.html]"},
		{reply, `"text":"Yes"`, `"text":"No"`, "[reply]", "[reply_message.text]"},
		{reply, `Re: hello`, `Re: bye`, "[subject]", "[subject]"},
		{reply, `"ann@example.com"`, `"bob@example.com"`, "[lead reply]", "[sl_lead_email to_email]"},
		{reply, `"campaign_id":7`, `"campaign_id":"7"`, "[]", "[campaign_id]"},
		{reply, `"campaign_id":7`, `"campaign_id":7,"tags":[]`, "[]", "[tags]"},
		{category, `Meeting Request`, `Not Interested`, "[category]", "[lead_category.new_name]"},
		{reply, reply, `{"event_type":`, "[a body that cannot be read]", "[a body that cannot be read]"},
	} {
		d := Differ([]byte(c.body), []byte(strings.ReplaceAll(c.body, c.old, c.now)), "acme")
		if got := fmt.Sprint(d.Matters); got != c.matters {
			t.Errorf("%s → %s: matters %s, want %s", c.old, c.now, got, c.matters)
		}
		if got := fmt.Sprint(d.Members); got != c.members {
			t.Errorf("%s → %s: members %s, want %s", c.old, c.now, got, c.members)
		}
	}
}

// A value is written as JSON has it, so that a null is one, and a text that looks like a
// number is told from it.
func TestAValueIsWrittenAsItIs(t *testing.T) {
	all, ok := Compare([]byte(`{"a":null,"b":"7","c":7,"d":"hello","e":true}`), []byte(`{"a":"null","b":7,"c":7,"d":"hello","e":"true"}`))
	if !ok || fmt.Sprint(all) != `[{a null "null" true true} {b "7" 7 true true} {c 7 7 true true} {d hello hello true true} {e true "true" true true}]` {
		t.Error(all)
	}
}
