package smartlead

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// member is one member of a generated body, in JSON.
type member struct{ name, value string }

// object is a generated body; its members keep their order.
type object []member

func (o object) String() string {
	var text strings.Builder
	for i, m := range o {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(quoted(m.name) + ":" + m.value)
	}
	return "{" + text.String() + "}"
}

// with returns a copy with the members set, replaced where they are there.
func (o object) with(members ...member) object {
	o = slices.Clone(o)
	for _, m := range members {
		if i := o.find(m.name); i >= 0 {
			o[i] = m
		} else {
			o = append(o, m)
		}
	}
	return o
}

func (o object) find(name string) int {
	return slices.IndexFunc(o, func(m member) bool { return m.name == name })
}

func quoted(s string) string {
	q, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		panic(err)
	}
	return string(q)
}

// generated is a body of one type and dialect, with the edits that must make
// another event of it.
type generated struct {
	body    object
	changes map[string]func(object) object
}

func set(name, value string) func(object) object {
	return func(o object) object { return o.with(member{name, value}) }
}

// generateEvent draws a body of any type in any dialect that has it.
func generateEvent(t *rapid.T) generated {
	kinds := []func(*rapid.T) generated{
		generateHelp, generateFlat, generateNested, generateShort, generateStatus, generateAlert, generateUnknown,
	}
	return rapid.SampledFrom(kinds).Draw(t, "kind")(t)
}

func drawID(t *rapid.T, label string) string {
	return fmt.Sprint(rapid.Uint64Range(1, 1<<63).Draw(t, label))
}

func drawTime(t *rapid.T) time.Time {
	return time.UnixMilli(rapid.Int64Range(1_600_000_000_000, 1_900_000_000_000).Draw(t, "time")).UTC()
}

func drawText(t *rapid.T, label string) string {
	return rapid.StringN(1, 40, 120).Draw(t, label) + "."
}

func ms(at time.Time) string { return quoted(at.Format(timeLayout)) }

func generateHelp(t *rapid.T) generated {
	at := drawTime(t)
	typ := rapid.SampledFrom([]string{"EMAIL_SENT", "FIRST_EMAIL_SENT", "EMAIL_OPEN", "EMAIL_LINK_CLICK", "EMAIL_REPLY", "EMAIL_BOUNCE", "LEAD_UNSUBSCRIBED", "LEAD_CATEGORY_UPDATED", "MANUAL_STEP_REACHED", "UNTRACKED_REPLIES"}).Draw(t, "type")
	g := generated{body: object{
		{"webhook_id", drawID(t, "hook")}, {"webhook_url", quoted("https://hooks.example.com/webhooks/demo/abc")},
		{"campaign_status", `"ACTIVE"`}, {"client_id", "null"}, {"stats_id", quoted(drawID(t, "stats"))},
		{"event_type", quoted(typ)}, {"campaign_id", drawID(t, "campaign")}, {"campaign_name", quoted(drawText(t, "name"))},
		{"sequence_number", drawID(t, "step")}, {"from_email", `"mira@outbound.example"`}, {"to_email", `"tom@acme.example.com"`},
		{"sl_email_lead_id", quoted(drawID(t, "lead"))}, {"event_timestamp", ms(at)},
		{"secret_key", quoted(drawText(t, "secret"))}, {"metadata", `{"webhook_created_at":"2026-01-09T07:15:42.551Z"}`},
	}, changes: map[string]func(object) object{
		"stats_id": set("stats_id", `"other"`), "campaign_id": set("campaign_id", `"other"`),
	}}
	change := func(name, value string) { g.changes[name] = set(name, value) }
	later := ms(at.Add(time.Millisecond))
	switch typ {
	case "EMAIL_OPEN", "LEAD_UNSUBSCRIBED":
		change("event_timestamp", later)
	case "EMAIL_LINK_CLICK":
		g.body = append(g.body, member{"link_details", `["https://a.example/1"]`})
		change("event_timestamp", later)
		change("link_details", `["https://a.example/2"]`)
	case "EMAIL_REPLY", "UNTRACKED_REPLIES":
		g.body = append(g.body, member{"reply_message", `{"message_id":"<r1@acme.example.com>","text":` + quoted(drawText(t, "reply")) + `}`})
		change("reply_message", `{"message_id":"<r2@acme.example.com>"}`)
	case "EMAIL_BOUNCE":
		g.body = append(g.body, member{"bounce_message", `{"message_id":"<b1@acme.example.com>"}`})
		change("bounce_message", `{"message_id":"<b2@acme.example.com>"}`)
	case "LEAD_CATEGORY_UPDATED":
		g.body = append(g.body, member{"lead_category", `{"old_id":1,"new_id":2}`}, member{"history", `[{"type":"SENT"}]`})
		change("event_timestamp", later)
		g.changes["old"] = set("lead_category", `{"old_id":3,"new_id":2}`)
		g.changes["new"] = set("lead_category", `{"old_id":1,"new_id":3}`)
	case "MANUAL_STEP_REACHED":
		g.body = append(g.body, member{"current_sequence_number", "2"})
		change("current_sequence_number", "3")
	}
	return g
}

func generateFlat(t *rapid.T) generated {
	at := drawTime(t)
	kind := rapid.SampledFrom([][2]string{
		{"EMAIL_SENT", "time_sent"}, {"EMAIL_OPEN", "time_opened"}, {"EMAIL_LINK_CLICK", "time_clicked"}, {"EMAIL_REPLY", "time_replied"},
	}).Draw(t, "type")
	g := generated{body: object{
		{"event_type", quoted(kind[0])}, {"from_email", `"mira@outbound.example"`}, {"to_email", quoted("tom" + drawID(t, "lead") + "@acme.example.com")},
		{kind[1], ms(at)}, {"campaign_id", drawID(t, "campaign")}, {"sequence_number", "1"},
		{"reply_body", quoted(drawText(t, "reply"))}, {"link_clicked", `["https://a.example/1"]`},
	}, changes: map[string]func(object) object{
		"campaign_id": set("campaign_id", `"other"`), "to_email": set("to_email", `"ann@acme.example.com"`),
		"time": set(kind[1], ms(at.Add(time.Millisecond))),
	}}
	switch kind[0] {
	case "EMAIL_SENT":
		g.changes["step"] = set("sequence_number", "2")
	case "EMAIL_REPLY":
		g.changes["reply_body"] = set("reply_body", `"another"`)
	case "EMAIL_LINK_CLICK":
		g.changes["links"] = set("link_clicked", `["https://a.example/1","https://a.example/2"]`)
	}
	return g
}

func generateNested(t *rapid.T) generated {
	at := drawTime(t)
	key := rapid.SampledFrom([]string{"event", "event_type"}).Draw(t, "key")
	typ := rapid.SampledFrom([]string{"EMAIL_OPENED", "EMAIL_REPLIED", "EMAIL_BOUNCED", "LEAD_UNSUBSCRIBED"}).Draw(t, "type")
	return generated{body: object{
		{key, quoted(typ)}, {"timestamp", ms(at)}, {"campaign_id", quoted(drawID(t, "campaign"))},
		{"lead", `{"id":1,"email":"tom@acme.example.com"}`}, {"sequence_number", "1"},
		{"reply_body", quoted(drawText(t, "reply"))}, {"message_id", `"<sent@outbound.example>"`},
	}, changes: map[string]func(object) object{
		"campaign_id": set("campaign_id", `"other"`), "timestamp": set("timestamp", ms(at.Add(time.Second))),
		"lead": set("lead", `{"email":"ann@acme.example.com"}`),
	}}
}

func generateShort(t *rapid.T) generated {
	at := drawTime(t)
	typ := rapid.SampledFrom([]string{"SENT", "OPENED", "CLICKED", "REPLIED", "BOUNCED", "UNSUBSCRIBED", "LEAD_REPLIED", "email_opened"}).Draw(t, "type")
	return generated{body: object{
		{"event_type", quoted(typ)}, {"timestamp", ms(at)}, {"campaign_id", drawID(t, "campaign")},
		{"lead_email", `"tom@acme.example.com"`}, {"email_account", `"mira@outbound.example"`}, {"message", quoted(drawText(t, "message"))},
	}, changes: map[string]func(object) object{
		"campaign_id": set("campaign_id", "0"), "timestamp": set("timestamp", ms(at.Add(time.Second))),
		"lead_email": set("lead_email", `"ann@acme.example.com"`),
	}}
}

func generateStatus(t *rapid.T) generated {
	return generated{body: object{
		{"event_type", `"CAMPAIGN_STATUS_CHANGED"`}, {"campaign_id", drawID(t, "campaign")}, {"campaign_name", quoted(drawText(t, "name"))},
		{"previous_status", `"ACTIVE"`}, {"current_status", `"PAUSED"`}, {"client_id", "1"},
	}, changes: map[string]func(object) object{
		"campaign_id": set("campaign_id", "0"), "previous_status": set("previous_status", `"DRAFTED"`),
		"current_status": set("current_status", `"STOPPED"`), "time": set("event_timestamp", `"2026-03-08T00:00:00Z"`),
	}}
}

func generateAlert(t *rapid.T) generated {
	return generated{body: object{
		{"eventType", `"EMAIL_ACCOUNT_DISCONNECTED"`}, {"accountId", drawID(t, "mailbox")}, {"email", `"mira@outbound.example"`},
		{"error", quoted(drawText(t, "error"))},
	}, changes: map[string]func(object) object{
		"accountId": set("accountId", "0"), "error": set("error", `"another"`),
		"type": func(o object) object { return o.with(member{"eventType", `"CAMPAIGN_BOUNCE_BREACH"`}) },
	}}
}

func generateUnknown(t *rapid.T) generated {
	return generated{body: object{
		{"event_type", `"NOT_SEEN_YET"`}, {"campaign_id", drawID(t, "campaign")}, {"a", quoted(drawText(t, "a"))},
		{"b", `{"c":[1,null,"2026-03-08T00:00:00Z"],"d":true}`},
	}, changes: map[string]func(object) object{
		"type": set("event_type", `"NEITHER_SEEN_YET"`), "deep": set("b", `{"c":[2]}`), "more": set("e", "1"),
		"campaign_id": set("campaign_id", "0"),
	}}
}
