package smartlead

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestWrappers says what is opened, and what is an event itself.
func TestWrappers(t *testing.T) {
	const event = `{"event_type":"EMAIL_OPEN","stats_id":"s"}`
	text := quoted
	for name, c := range map[string]struct {
		body string
		want []string // payloads; "" for a refused element
	}{
		"object":                     {event, []string{event}},
		"wrapper":                    {`{"headers":{"a":"b"},"query":{},"body":` + event + `}`, []string{event}},
		"wrapper with more":          {`{"other":1,"body":` + event + `}`, []string{event}},
		"wrapper of text":            {`{"body":` + text(event) + `}`, []string{event}},
		"wrapper of text of text":    {`{"body":` + text(text(event)) + `}`, []string{event}},
		"wrapper of a wrapper":       {`{"body":{"body":` + event + `}}`, []string{event}},
		"wrapper of an array":        {`{"body":[` + event + `,1]}`, []string{event, ""}},
		"wrapper of no type":         {`{"headers":{},"body":{"a":1}}`, []string{`{"a":1}`}},
		"text":                       {text(event), []string{event}},
		"text of text":               {text(text(event)), []string{event}},
		"text of an array":           {text(`[` + event + `]`), []string{event}},
		"unknown type around known":  {`{"type":"webhook","body":` + event + `}`, []string{event}},
		"known type stays":           {`{"event_type":"EMAIL_REPLY","body":` + event + `}`, []string{`{"event_type":"EMAIL_REPLY","body":` + event + `}`}},
		"unknown type, unknown body": {`{"type":"a","body":{"type":"b"}}`, []string{`{"type":"a","body":{"type":"b"}}`}},
		"more, but no type":          {`{"other":1,"body":{"a":1}}`, []string{`{"other":1,"body":{"a":1}}`}},
		"plain text":                 {`{"body":"hello"}`, []string{`{"body":"hello"}`}},
		"text of a number":           {`{"body":"1"}`, []string{`{"body":"1"}`}},
		"text of text of nothing":    {`{"body":"\"x\""}`, []string{`{"body":"\"x\""}`}},
		"broken JSON text":           {`{"body":"{"}`, []string{`{"body":"{"}`}},
		"array of no objects":        {`{"body":[1,2]}`, []string{`{"body":[1,2]}`}},
		"empty array in it":          {`{"body":[]}`, []string{`{"body":[]}`}},
		"null":                       {`{"body":null}`, []string{`{"body":null}`}},
		"array":                      {`[{"body":` + event + `},` + text(event) + `,{"body":[` + event + `,{}]},"[]",[` + event + `]]`, []string{event, event, event, `{}`, "", ""}},
		"as deep as is opened":       {`{"body":` + text(text(text(event))) + `}`, []string{event}},
	} {
		t.Run(name, func(t *testing.T) {
			batch, err := Parse([]byte(c.body), Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range batch.Elements {
				if (e.Err != nil) != (len(e.Payload) == 0) || e.Err != nil && !errors.Is(e.Err, ErrNotObject) {
					t.Errorf("got the error %v and the payload %s, want one of them, and ErrNotObject alone", e.Err, e.Payload)
				}
				got = append(got, string(e.Payload))
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestWrappersAreBounded(t *testing.T) {
	body := `{"event_type":"EMAIL_OPEN"}`
	for range maxWrappers {
		body = quoted(body)
	}
	if _, err := Parse([]byte(body), Options{}); !errors.Is(err, ErrScalar) {
		t.Errorf("beyond the bound: got %v, want %v", err, ErrScalar)
	}
}

func TestUntrackedPeople(t *testing.T) {
	for name, c := range map[string]struct{ members, lead, mailbox, name string }{
		"help":               {`"sender_detail":"Ida X <Ida@x.example>","recipient_detail":"mira@outbound.example","to_email":"a@b.example"`, "ida@x.example", "mira@outbound.example", "Ida X"},
		"flat":               {`"from_email":"ida@x.example","to_email":"mira@outbound.example"`, "ida@x.example", "mira@outbound.example", ""},
		"ourselves":          {`"from_email":"mira@outbound.example","to_email":"mira@outbound.example"`, "", "mira@outbound.example", ""},
		"daemon":             {`"sender_detail":"Mailer <mailer-daemon@x.example>","recipient_detail":"mira@outbound.example"`, "", "mira@outbound.example", ""},
		"placeholder":        {`"from_email":"untracked","to_email":"mira@outbound.example"`, "", "mira@outbound.example", ""},
		"nothing but fields": {`"subject":"x"`, "", "", ""},
	} {
		e := one(t, `{"event_type":"UNTRACKED_REPLIES",`+c.members+`}`, corpusOptions).Event
		lead, leadName := "", ""
		if e.Lead != nil {
			lead, leadName = e.Lead.Email, e.Lead.Name
		}
		if lead != c.lead || e.Mailbox != c.mailbox || leadName != c.name {
			t.Errorf("%s: got lead %q %q, mailbox %q, want %q %q, %q", name, lead, leadName, e.Mailbox, c.lead, c.name, c.mailbox)
		}
	}
}

// A wrapper's secret_key vouches for the events in it that have none, and for
// nothing else.
func TestSecretKeyBesideTheEvent(t *testing.T) {
	const open = `"event_type":"EMAIL_OPEN","lead_email":"ann@acme.example"`
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"beside the event":         {`{"secret_key":"outer","payload":{` + open + `}}`, []string{"outer"}},
		"in the event":             {`{"secret_key":"outer","data":{"secret_key":"inner",` + open + `}}`, []string{"inner"}},
		"beside the type":          {`{"secret_key":"outer",` + open + `,"data":{"secret_key":"inner"}}`, []string{"outer"}},
		"beside many":              {`{"secret_key":"outer","body":[{` + open + `},{"secret_key":"inner",` + open + `}]}`, []string{"outer", "inner"}},
		"of one element":           {`[{"secret_key":"outer","event":{` + open + `}},{` + open + `}]`, []string{"outer", ""}},
		"of the dashboard":         {`{"secret_key":"secretkey","payload":{` + open + `}}`, []string{""}},
		"in another spelling":      {`{"SecretKey":"other",` + open + `}`, []string{"other"}},
		"in two spellings":         {`{"secret_key":"known","SECRETKEY":"other",` + open + `}`, []string{"known"}},
		"in two, the other before": {`{"SECRETKEY":"other","secret_key":"known",` + open + `}`, []string{"known"}},
	} {
		batch, err := Parse([]byte(c.body), corpusOptions)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, e := range batch.Elements {
			got = append(got, e.SecretKey)
			for _, secret := range []string{"outer", "inner", "known", "other"} {
				if strings.Contains(string(e.Payload), `"`+secret+`"`) {
					t.Errorf("%s: the stored payload holds %q: %s", name, secret, e.Payload)
				}
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got the keys %q, want %q", name, got, c.want)
		}
	}
}

// A spelling that is known counts before any other, wherever it stands.
func TestKnownSpellingCountsFirst(t *testing.T) {
	for _, body := range []string{
		`{"event_type":"EMAIL_OPEN","lead_email":"ann@acme.example","LeadEmail":"bob@other.example","lead":{"id":"7","ID":"8"}}`,
		`{"LeadEmail":"bob@other.example","lead":{"ID":"8","id":"7"},"lead_email":"ann@acme.example","event_type":"EMAIL_OPEN"}`,
	} {
		lead := one(t, body, corpusOptions).Event.Lead
		if lead == nil || lead.Email != "ann@acme.example" || lead.ID != "7" {
			t.Errorf("got the lead %+v, want ann@acme.example and 7\n%s", lead, body)
		}
	}
}

// The time of an envelope is that of the envelope: what lies in it may have been
// created long ago.
func TestTimeInsideAnEnvelopeIsNotTheEvents(t *testing.T) {
	e := one(t, `{"type":"EMAIL_OPEN","data":{"lead_email":"ann@acme.example","created_at":"2020-01-01T00:00:00Z"}}`, corpusOptions).Event
	if !e.OccurredAt.IsZero() {
		t.Errorf("got %s, want no time", e.OccurredAt)
	}
}
