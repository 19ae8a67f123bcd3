package destslack

import (
	"strings"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

// Limits of a message (docs.slack.dev/reference/block-kit/blocks). All blocks together are
// refused from about 13,200 characters on (slackapi/bolt-js, #2509); what is made here
// stays below 6,000.
const (
	maxHeader  = 150
	maxSection = 2900 // of 3,000
	maxField   = 200
	maxText    = 300 // of the notification
)

type text struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji *bool  `json:"emoji,omitempty"`
}

type block struct {
	Type     string `json:"type"`
	Text     *text  `json:"text,omitempty"`
	Fields   []text `json:"fields,omitempty"`
	Elements []text `json:"elements,omitempty"`
}

type message struct {
	Channel     string    `json:"channel,omitempty"`
	Text        string    `json:"text"` // of the notification, and where blocks are not shown
	Blocks      []block   `json:"blocks"`
	ThreadTS    string    `json:"thread_ts,omitempty"` // of the first message of a thread
	UnfurlLinks bool      `json:"unfurl_links"`
	UnfurlMedia bool      `json:"unfurl_media"`
	Metadata    *metadata `json:"metadata,omitempty"` // with a bot token only
}

type metadata struct {
	EventType    string            `json:"event_type"`
	EventPayload map[string]string `json:"event_payload"`
}

// plain is text from outside: Slack renders no markup and no mention in it.
func plain(s string) text { return text{Type: "plain_text", Text: s, Emoji: new(bool)} }

// escape is for the one text that is markup (docs.slack.dev/messaging/formatting-message-text).
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// compose writes an event for a channel.
func compose(d webhook.Delivery, channel string) message {
	e := d.Event
	title := destination.Clean(destination.Title(e), maxHeader)
	m := message{Channel: channel, Text: escape.Replace(title), Blocks: []block{{Type: "header", Text: new(plain(title))}}}
	body := destination.Text(e)
	if body != "" {
		m.Text += ": " + escape.Replace(destination.Clean(body, maxText))
		m.Blocks = append(m.Blocks, block{Type: "section", Text: new(plain(destination.Lines(body, maxSection)))})
	}
	if fields := fieldsOf(e); len(fields) > 0 {
		m.Blocks = append(m.Blocks, block{Type: "section", Fields: fields})
	}
	m.Blocks = append(m.Blocks, block{Type: "context", Elements: []text{plain(destination.Clean(string(e.ID), maxField))}})
	if channel != "" {
		m.Metadata = &metadata{EventType: "smartlead_event", EventPayload: map[string]string{
			"event_id": string(e.ID), "idempotency_key": d.IdempotencyKey, "type": string(e.Type),
		}}
	}
	return m
}

// maxFields is that of a section; each fact is two.
const maxFields = 10

func fieldsOf(e webhook.Event) []text {
	var fields []text
	for _, f := range []struct{ name, value string }{
		{"Campaign", e.CampaignName}, {"Subject", e.Subject}, {"Mailbox", e.Mailbox}, {"Account", e.Account}, {"Flags", strings.Join(e.Flags, ", ")},
	} {
		if value := destination.Clean(f.value, maxField); value != "" && len(fields)+2 <= maxFields {
			fields = append(fields, plain(f.name), plain(value))
		}
	}
	return fields
}
