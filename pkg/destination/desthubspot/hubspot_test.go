package desthubspot_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthubspot"
	"smartlead-receiver/pkg/webhook"
)

var day = time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)

// reply is a delivery of a reply, the n-th one.
func reply(n int, email string) webhook.Delivery {
	id := webhook.EventID(fmt.Sprintf("v1:EMAIL_REPLY:%032d", n))
	return webhook.Delivery{IdempotencyKey: string(id), Event: webhook.Event{
		ID: id, Type: webhook.EmailReply, Attempt: 1, OccurredAt: day.Add(time.Duration(n) * time.Minute),
		Lead: &webhook.Lead{Email: email, Name: "Tom"}, Reply: &webhook.Reply{Text: fmt.Sprintf("reply %d", n)},
	}}
}

var programs = map[string]string{"last_reply": ".reply.text", "jobtitle": `.lead.title // ""`, "opted_out": `.type == "LEAD_UNSUBSCRIBED"`}

func TestALeadBecomesAContactWithANote(t *testing.T) {
	a := newAccount(t)
	d := reply(1, "Tom@Acme.example")
	d.Event.Reply.Text = "Yes <b>please</b> & \"soon\"\r\nTom"
	d.Event.CampaignName = "<img src=x>"
	out := a.deliver(desthubspot.Config{Properties: programs}, d)
	if out.Result != webhook.ResultDelivered || out.Status != http.StatusCreated {
		t.Fatalf("outcome %+v", out)
	}
	want := map[string]string{"last_reply": "Yes <b>please</b> & \"soon\"\nTom", "opted_out": "false"}
	if got := a.contacts["tom@acme.example"]; !maps.Equal(got, want) {
		t.Errorf("the contact %v, want %v: what is empty is not sent", got, want)
	}
	if len(a.notes) != 1 || a.notes[0].contact != a.ids["tom@acme.example"] || a.notes[0].at != fmt.Sprint(d.Event.OccurredAt.UnixMilli()) {
		t.Fatalf("notes %+v", a.notes)
	}
	for _, part := range []string{"<p>Yes &lt;b&gt;please&lt;/b&gt; &amp; &#34;soon&#34;<br>Tom</p>", "Campaign: &lt;img src=x&gt;", "smartlead event: " + d.IdempotencyKey + "</p>"} {
		if !strings.Contains(a.notes[0].body, part) {
			t.Errorf("the note has no %s:\n%s", part, a.notes[0].body)
		}
	}
}

func TestWhichTypesHaveANote(t *testing.T) {
	for _, c := range []struct {
		cfg   desthubspot.Config
		typ   webhook.Type
		notes int
	}{
		{desthubspot.Config{}, webhook.EmailReply, 1},
		{desthubspot.Config{}, webhook.EmailOpen, 0},
		{desthubspot.Config{Notes: []webhook.Type{webhook.EmailOpen}}, webhook.EmailOpen, 1},
		{desthubspot.Config{Notes: []webhook.Type{webhook.EmailOpen}}, webhook.EmailReply, 0},
		{desthubspot.Config{NoNotes: true}, webhook.EmailReply, 0},
	} {
		a := newAccount(t)
		d := reply(1, "tom@acme.example")
		d.Event.Type = c.typ
		if out := a.deliver(c.cfg, d); out.Result != webhook.ResultDelivered || len(a.notes) != c.notes || a.contacts["tom@acme.example"]["email"] == "" {
			t.Errorf("%+v, %s: %+v, %d notes, contacts %v; want %d notes", c.cfg.Notes, c.typ, out, len(a.notes), a.contacts, c.notes)
		}
	}
}

// What has no lead is nobody's, and what is older than what was delivered meanwhile does
// not turn a contact back.
func TestWhatSetsNothing(t *testing.T) {
	a := newAccount(t)
	d := reply(1, "tom@acme.example")
	d.Event.Lead = nil
	if out := a.deliver(desthubspot.Config{}, d); out.Result != webhook.ResultUnrouted || len(a.calls) > 0 {
		t.Errorf("without a lead: %+v after %v", out, a.calls)
	}
	d = reply(2, "tom@acme.example")
	d.Event.Flags = []string{webhook.FlagSuperseded}
	if out := a.deliver(desthubspot.Config{Properties: programs}, d); out.Result != webhook.ResultDelivered || a.contacts["tom@acme.example"]["last_reply"] != "" || len(a.notes) != 1 {
		t.Errorf("superseded: %+v, contact %v, %d notes", out, a.contacts, len(a.notes))
	}
}

// One contact that HubSpot does not take says nothing of the others, however it says so.
func TestABadContactCondemnsNoOther(t *testing.T) {
	for _, c := range []struct {
		name        string
		whole, mute bool
		calls       int
	}{
		{"each by itself", false, false, 1},
		{"the whole call", true, false, 6},
		{"results that do not say whose they are", false, true, 5},
	} {
		for _, bad := range []int{0, 2, 4} {
			a := newAccount(t)
			a.whole, a.mute = c.whole, c.mute
			_, batch := a.open(desthubspot.Config{Properties: map[string]string{"last_reply": ".reply.text"}})
			var all []webhook.Delivery
			for n := range 5 {
				all = append(all, reply(n, fmt.Sprintf("lead%d@acme.example", n)))
			}
			all[bad].Event.Lead.Email = "no address"
			for i, out := range batch.DeliverBatch(t.Context(), all) {
				switch {
				case i != bad && out.Result != webhook.ResultDelivered:
					t.Errorf("%s, %d is bad: event %d has %+v", c.name, bad, i, out)
				case i == bad && (out.Result != webhook.ResultPermanent || out.ErrorClass != "INVALID_EMAIL" || strings.Contains(out.Error, "is invalid")):
					t.Errorf("%s: the bad event has %+v", c.name, out)
				}
			}
			upserts := 0
			for _, call := range a.calls {
				if call == "contacts/batch/upsert" {
					upserts++
				}
			}
			if len(a.notes) != 4 || upserts != c.calls {
				t.Errorf("%s: %d notes and %d calls for contacts, want 4 and %d", c.name, len(a.notes), upserts, c.calls)
			}
			for _, n := range a.notes { // each on the contact of its own lead
				number := strings.TrimLeft(strings.Split(strings.Split(n.body, "smartlead event: v1:EMAIL_REPLY:")[1], "<")[0], "0")
				if number == "" {
					number = "0"
				}
				if n.contact != a.ids["lead"+number+"@acme.example"] {
					t.Errorf("%s: the note of lead %s is on contact %s", c.name, number, n.contact)
				}
			}
		}
	}
}

// What one event sets says nothing of the others of its lead, which share its contact.
func TestABadPropertyCondemnsNoOtherEvent(t *testing.T) {
	for _, whole := range []bool{false, true} {
		a := newAccount(t)
		a.whole = whole
		_, batch := a.open(desthubspot.Config{Properties: map[string]string{
			"last_reply": ".reply.text", "score": `if .reply.text == "reply 2" then "no number" else null end`,
		}})
		out := batch.DeliverBatch(t.Context(), []webhook.Delivery{reply(3, "tom@acme.example"), reply(2, "tom@acme.example"), reply(1, "tom@acme.example"), reply(4, "ann@acme.example")})
		for i, want := range []string{"", "INVALID_FLOAT", "", ""} {
			if delivered := out[i].Result == webhook.ResultDelivered; delivered != (want == "") || out[i].ErrorClass != want {
				t.Errorf("whole %t: event %d: %+v, want the class %q", whole, i, out[i], want)
			}
		}
		if a.contacts["tom@acme.example"]["last_reply"] != "reply 3" || len(a.notes) != 3 {
			t.Errorf("whole %t: contacts %v, %d notes; want what occurred last, and three notes", whole, a.contacts, len(a.notes))
		}
	}
	for _, c := range []struct{ status, calls int }{{401, 1}, {403, 1}, {404, 4}} { // the first, then each event
		a := newAccount(t)
		a.fault = func(_ string, w http.ResponseWriter) bool { refuse(w, c.status, `{}`); return true }
		_, batch := a.open(desthubspot.Config{Properties: map[string]string{"last_reply": ".reply.text"}})
		for i, out := range batch.DeliverBatch(t.Context(), []webhook.Delivery{reply(1, "tom@acme.example"), reply(2, "tom@acme.example"), reply(3, "tom@acme.example")}) {
			if out.Result != webhook.ResultPermanent {
				t.Errorf("%d: event %d: %+v", c.status, i, out)
			}
		}
		if len(a.calls) != c.calls {
			t.Errorf("%d: calls %v, want %d", c.status, a.calls, c.calls)
		}
	}
}

func TestAnAddressIsInACallOnce(t *testing.T) {
	a := newAccount(t)
	_, batch := a.open(desthubspot.Config{Properties: map[string]string{"last_reply": ".reply.text"}})
	for i, out := range batch.DeliverBatch(t.Context(), []webhook.Delivery{reply(9, "TOM@acme.example "), reply(3, "tom@acme.example"), reply(5, "tom@acme.EXAMPLE")}) {
		if out.Result != webhook.ResultDelivered {
			t.Errorf("event %d: %+v", i, out)
		}
	}
	if len(a.contacts) != 1 || a.contacts["tom@acme.example"]["last_reply"] != "reply 9" || len(a.notes) != 3 || len(a.calls) != 4 {
		t.Errorf("contacts %v, %d notes, calls %v; want what occurred last, and three notes", a.contacts, len(a.notes), a.calls)
	}
}

func TestACallHasAtMostAHundredContacts(t *testing.T) {
	a := newAccount(t)
	_, batch := a.open(desthubspot.Config{NoNotes: true})
	var all []webhook.Delivery
	for n := range 230 {
		all = append(all, reply(n, fmt.Sprintf("lead%d@acme.example", n)))
	}
	for i, out := range batch.DeliverBatch(t.Context(), all) {
		if out.Result != webhook.ResultDelivered {
			t.Fatalf("event %d: %+v", i, out)
		}
	}
	if len(a.calls) != 3 || len(a.contacts) != 230 {
		t.Errorf("%d contacts by %d calls", len(a.contacts), len(a.calls))
	}
}

// An answer is lost after the note was written: the next attempt finds it.
func TestARetryWritesNoSecondNote(t *testing.T) {
	a := newAccount(t)
	a.late, a.fault = true, func(call string, w http.ResponseWriter) bool {
		if call == "notes" {
			hangUp(w)
		}
		return call == "notes"
	}
	d := reply(1, "tom@acme.example")
	if out := a.deliver(desthubspot.Config{}, d); out.Result != webhook.ResultRetry || !strings.Contains(out.Error, "the event may have arrived") || len(a.notes) != 1 {
		t.Fatalf("%+v, %d notes", out, len(a.notes))
	}
	a.fault = nil
	d.Repeat = true
	if out := a.deliver(desthubspot.Config{}, d); out.Result != webhook.ResultDelivered || len(a.notes) != 1 {
		t.Errorf("the second attempt: %+v, %d notes, want the one that is there", out, len(a.notes))
	}
	again := d // an operator asked for the effect again
	again.IdempotencyKey += "#1"
	if out := a.deliver(desthubspot.Config{}, again); out.Result != webhook.ResultDelivered || len(a.notes) != 2 {
		t.Errorf("another key: %+v, %d notes, want 2", out, len(a.notes))
	}
	a.notes = a.notes[1:] // of which the first key is the beginning
	if out := a.deliver(desthubspot.Config{}, d); out.Result != webhook.ResultDelivered || len(a.notes) != 2 {
		t.Errorf("a key that begins another: %+v, %d notes, want 2", out, len(a.notes))
	}
}

// A search that is refused loses no note; one that has to wait, waits.
func TestASearchThatFails(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		result webhook.Result
		notes  int
		wait   time.Duration
	}{
		{400, `{"status":"error","message":"There was a problem with the request.","category":"VALIDATION_ERROR"}`, webhook.ResultDelivered, 1, 0},
		{429, `{"status":"error","message":"You have reached your secondly limit.","errorType":"RATE_LIMIT","policyName":"SECONDLY"}`, webhook.ResultRetry, 0, 10 * time.Second},
		{500, `<html>`, webhook.ResultRetry, 0, 0},
		{200, `<html>`, webhook.ResultRetry, 0, 0},
		{200, `{"total":1}`, webhook.ResultRetry, 0, 0},
		{403, `{"category":"MISSING_SCOPES"}`, webhook.ResultDelivered, 1, 0},
		{401, `{"category":"INVALID_AUTHENTICATION"}`, webhook.ResultPermanent, 0, 0},
	} {
		a := newAccount(t)
		a.fault = func(call string, w http.ResponseWriter) bool {
			if call == "notes/search" {
				refuse(w, c.status, c.body)
			}
			return call == "notes/search"
		}
		d := reply(1, "tom@acme.example")
		d.Repeat = true
		out := a.deliver(desthubspot.Config{}, d)
		if out.Result != c.result || len(a.notes) != c.notes || out.RetryAfter != c.wait {
			t.Errorf("%d %s: %+v, %d notes; want %s and %d", c.status, c.body, out, len(a.notes), c.result, c.notes)
		}
		if logged := strings.Contains(a.log.String(), "hubspot.search_refused"); logged != (c.notes == 1) || strings.Contains(a.log.String(), "tom@") {
			t.Errorf("%d: the log: %s", c.status, a.log.String())
		}
	}
}

func TestWhatHubSpotAnswers(t *testing.T) {
	const secret = "the value of a stranger"
	for _, c := range []struct {
		status int
		body   string
		result webhook.Result
		class  string
		words  string
		wait   time.Duration
	}{
		{401, `{"status":"error","message":"Authentication credentials not found.","category":"INVALID_AUTHENTICATION"}`, webhook.ResultPermanent, "http_401", "set a new one with destinations set NAME --token", 0},
		{403, `{"status":"error","message":"This app hasn't been granted all required scopes to make this call.","category":"MISSING_SCOPES","errors":[{"message":"One or more of the following scopes are required.","context":{"requiredGranularScopes":["crm.objects.contacts.write"]}}]}`, webhook.ResultPermanent, "http_403", "the scopes crm.objects.contacts.read and crm.objects.contacts.write", 0},
		{429, `{"status":"error","message":"You have reached your daily limit.","errorType":"RATE_LIMIT","correlationId":"c033cdaa","policyName":"DAILY","requestId":"4d54"}`, webhook.ResultRetry, "http_429", "tried again each hour, until its midnight", time.Hour},
		{429, `{"status":"error","message":"You have reached your ten_secondly_rolling limit.","errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING"}`, webhook.ResultRetry, "http_429", "429", 10 * time.Second},
		{429, `{"status":"error","errorType":"RATE_LIMIT","policyName":"SECONDLY"}`, webhook.ResultRetry, "http_429", "429", 10 * time.Second},
		{429, `<html>`, webhook.ResultRetry, "http_429", "429", 10 * time.Second},
		{409, `{"status":"error","message":"Contact already exists. Existing ID: 512","category":"CONFLICT"}`, webhook.ResultRetry, "http_409", "409", 0},
		{423, `{"status":"error","message":"locked"}`, webhook.ResultRetry, "http_423", "423", 2 * time.Second},
		{477, ``, webhook.ResultRetry, "http_477", "477", 2 * time.Second},
		{503, `<html>`, webhook.ResultRetry, "http_503", "503", 0},
		{404, `<html>`, webhook.ResultPermanent, "http_404", "404", 0},
		{400, `{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"last_reply\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"last_reply\"}]","category":"VALIDATION_ERROR","errors":[{"message":"Property \"last_reply\" does not exist","code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["last_reply"]}}]}`, webhook.ResultPermanent, "PROPERTY_DOESNT_EXIST", "contacts have no property last_reply: create it in HubSpot, or drop it with --property last_reply=", 0},
		{400, `{"message":"Property values were not valid: [{\"error\":\"INVALID_OPTION\",\"name\":\"last_reply\",\"message\":\"` + secret + `\"}]","category":"VALIDATION_ERROR"}`, webhook.ResultPermanent, "INVALID_OPTION", "last_reply has no such option", 0},
		{400, `{"message":"Property values were not valid: [{\"error\":\"READ_ONLY_VALUE\",\"name\":\"somebody_elses\",\"message\":\"` + secret + `\"}]","category":"VALIDATION_ERROR"}`, webhook.ResultPermanent, "READ_ONLY_VALUE", "a property is read only", 0},
		{400, `{"message":"Invalid input JSON on line 1","category":"VALIDATION_ERROR"}`, webhook.ResultPermanent, "VALIDATION_ERROR", "Invalid input JSON on line 1", 0},
		{400, `{"message":"it is ` + token + `","category":"VALIDATION_ERROR"}`, webhook.ResultPermanent, "VALIDATION_ERROR", "refused the contact", 0},
		{200, `{"status":"COMPLETE","results":[]}`, webhook.ResultRetry, destination.ClassBadAnswer, "cannot be read", 0},
		{200, `{"status":"COMPLETE","results":[{"id":"<script>"}]}`, webhook.ResultRetry, destination.ClassBadAnswer, "cannot be read", 0},
		{200, `{"results":[{"id":"512"}],"numErrors":1,"errors":[{"category":"RATE_LIMITS","message":"later"}]}`, webhook.ResultRetry, "RATE_LIMITS", "later", 0},
		{207, `{"results":[],"numErrors":1,"errors":[{"category":"VALIDATION_ERROR","message":"no","context":"{a=[b]}"}]}`, webhook.ResultPermanent, "VALIDATION_ERROR", "refused the contact: no", 0},
	} {
		a := newAccount(t)
		a.fault = func(_ string, w http.ResponseWriter) bool { refuse(w, c.status, c.body); return true }
		out := a.deliver(desthubspot.Config{Properties: map[string]string{"last_reply": ".reply.text"}}, reply(1, "tom@acme.example"))
		if out.Result != c.result || out.ErrorClass != c.class || !strings.Contains(out.Error, c.words) || out.RetryAfter != c.wait ||
			strings.Contains(out.Error, secret) || strings.Contains(out.Error, token) || strings.Contains(out.Error, "somebody_elses") {
			t.Errorf("%d %s:\n%+v, want %s, %s, %q after %s", c.status, c.body, out, c.result, c.class, c.words, c.wait)
		}
	}
}

func TestAProgramThatMakesNoValue(t *testing.T) {
	a := newAccount(t)
	out := a.deliver(desthubspot.Config{Properties: map[string]string{"last_reply": ".reply"}}, reply(1, "tom@acme.example"))
	if out.Result != webhook.ResultPermanent || out.ErrorClass != "program_failed" || !strings.Contains(out.Error, "the property last_reply: the result is a list or an object") || len(a.calls) > 0 {
		t.Errorf("%+v after %v", out, a.calls)
	}
	out = a.deliver(desthubspot.Config{Properties: map[string]string{"score": `.reply.text | length`}}, reply(1, "tom@acme.example"))
	if out.Result != webhook.ResultDelivered || a.contacts["tom@acme.example"]["score"] != "7" {
		t.Errorf("a number: %+v, %v", out, a.contacts)
	}
}

// Whatever an event says, its note is one that HubSpot takes.
func TestANoteIsWithinItsLimits(t *testing.T) {
	for _, unit := range []string{"x", "&", "ä<\n", "\x00\u202e😀", "'\""} {
		a := newAccount(t)
		d := reply(1, "tom@acme.example")
		d.Event.Reply.Text = strings.Repeat(unit, 100_000)
		d.Event.CampaignName, d.Event.Subject = d.Event.Reply.Text, d.Event.Reply.Text
		if out := a.deliver(desthubspot.Config{}, d); out.Result != webhook.ResultDelivered {
			t.Fatalf("%+v", out)
		}
		body := a.notes[0].body
		if n := utf8.RuneCountInString(body); n > 65_536 || n < 5_000 || strings.ContainsAny(body, "\x00\u202e") || !strings.HasSuffix(body, d.IdempotencyKey+"</p>") {
			t.Errorf("%q: %d characters, ending in %q", unit, n, body[max(0, len(body)-60):])
		}
	}
}

func TestAConfigurationThatCannotWriteIsRefusedInOneLine(t *testing.T) {
	for config, want := range map[string]string{
		`{}`:                        "config.token: is needed",
		`{"token":"topsecret\r\n"}`: "config.token: is a service key of HubSpot",
		`{"token":"topsecret","properties":{"Job Title":".x"}}`:                       "config.properties: a name is the internal one",
		`{"token":"topsecret","properties":{"email":".lead.email"}}`:                  "config.properties.email: is what the contact is found by",
		`{"token":"topsecret","properties":{"jobtitle":"env"}}`:                       "config.properties.jobtitle: ",
		`{"token":"topsecret","notes":["REPLY"]}`:                                     "config.notes[0]: is not a known event type",
		`{"token":"topsecret","notes":["EMAIL_REPLY"],"no_notes":true}`:               "config.no_notes: is given beside notes",
		`{"token":"topsecret","properties":{"` + strings.Repeat("a", 101) + `":"."}}`: "config.properties: a name",
	} {
		_, err := destination.Types{desthubspot.Type}.Parse([]byte(`{"type":"hubspot","config":` + config + `}`))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", config, err, want)
		}
	}
	if got := (desthubspot.Config{}).Summary()["notes"].([]webhook.Type); !slices.Contains(got, webhook.EmailReply) {
		t.Errorf("notes of %v by default", got)
	}
}
