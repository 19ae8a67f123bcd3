package fakeapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// Post is one event that Smartlead posts, in the shape that arrives.
type Post struct {
	At      time.Time // when it happened
	Type    string
	StatsID string
	Lead    string
	Body    []byte
}

// Posts are the events of a campaign up to now, in the order in which they happened.
func (c *Campaign) Posts(now time.Time) []Post {
	var all []Post
	add := func(m *Mail, at time.Time, typ string, more map[string]any) {
		if past(at, now) {
			all = append(all, c.post(m, at, typ, more))
		}
	}
	for _, m := range c.Mails {
		if m.Step == 1 {
			add(m, m.SentAt, "FIRST_EMAIL_SENT", map[string]any{"time_sent": wire(m.SentAt), "message_id": m.MessageID})
		}
		add(m, m.SentAt, "EMAIL_SENT", map[string]any{"time_sent": wire(m.SentAt), "message_id": m.MessageID})
		for _, at := range m.Opens {
			add(m, at, "EMAIL_OPEN", map[string]any{"time_opened": wire(at)})
		}
		for _, click := range m.Clicks {
			add(m, click.At, "EMAIL_LINK_CLICK", map[string]any{"time_clicked": wire(click.At), "link_details": []string{click.Link}})
		}
		for _, r := range m.Replies {
			add(m, r.At, "EMAIL_REPLY", map[string]any{
				"time_replied": wire(r.At), "message_id": r.MessageID, "sl_lead_email": m.Lead,
				"reply_message":      map[string]any{"message_id": r.MessageID, "text": r.Text, "html": "<div>" + r.Text + "</div>", "time": wire(r.At)},
				"leadCorrespondence": map[string]any{"targetLeadEmail": m.Lead, "replyReceivedFrom": m.Lead, "repliedCompanyDomain": "SameCompany"},
			})
		}
		if m.Bounced != nil {
			add(m, m.Bounced.At, "EMAIL_BOUNCE", map[string]any{
				"is_bounced": true, "is_sender_originated_bounce": false,
				"bounce_message": map[string]any{"message_id": m.Bounced.MessageID, "text": "550 no such user", "time": wire(m.Bounced.At)},
			})
		}
		add(m, m.Left, "LEAD_UNSUBSCRIBED", map[string]any{"lead_email": m.Lead})
	}
	for _, move := range c.Moves {
		if m := c.mailTo(move.Lead); m != nil {
			add(m, move.At, "LEAD_CATEGORY_UPDATED", map[string]any{
				"lead_email": m.Lead, "lead_id": fmt.Sprint(m.LeadID), "lead_category": map[string]any{"old_name": orNull(move.Old), "new_name": orNull(move.New)},
			})
		}
	}
	slices.SortStableFunc(all, func(a, b Post) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.StatsID, b.StatsID)) })
	return all
}

func wire(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000+00:00") }

func (c *Campaign) post(m *Mail, at time.Time, typ string, more map[string]any) Post {
	body := map[string]any{
		"webhook_id": 90017, "webhook_name": "All events", "campaign_status": c.Status, "client_id": nil,
		"stats_id": m.StatsID, "campaign_id": c.ID, "campaign_name": c.Name, "sequence_number": m.Step,
		"from_email": "mira@outbound.example", "to_email": m.Lead, "to_name": "Lead Example", "subject": "A short call",
		"sent_message": map[string]any{"message_id": m.MessageID, "text": "Hello", "html": "<div>Hello</div>", "time": wire(m.SentAt)},
		"event_type":   typ, "event_timestamp": wire(at), "sl_email_lead_id": fmt.Sprint(m.LeadID), "sl_email_lead_map_id": m.LeadID + 7,
	}
	for name, value := range more {
		body[name] = value
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // it holds texts, numbers and maps of them
	}
	return Post{At: at, Type: typ, StatsID: m.StatsID, Lead: m.Lead, Body: text}
}

// mailTo is the first mail to a lead.
func (c *Campaign) mailTo(lead string) *Mail {
	for _, m := range c.Mails {
		if m.Lead == lead {
			return m
		}
	}
	return nil
}

// category is the category of a mail's lead by now.
func (c *Campaign) category(m *Mail, now time.Time) string {
	name := m.Category
	for _, move := range c.Moves {
		if move.Lead == m.Lead && past(move.At, now) {
			name = move.New
		}
	}
	return name
}

// InboxPosts are the events of replies that belong to no campaign, the first one first.
func (a *Account) InboxPosts(now time.Time) (all []Post) {
	for _, u := range slices.Backward(a.Untracked) {
		if !past(u.At, now) {
			continue
		}
		text, err := json.Marshal(map[string]any{
			"webhook_id": 90017, "event_type": "UNTRACKED_REPLIES", "event_timestamp": wire(u.At), "subject": u.Subject,
			"reply_message": map[string]any{"message_id": u.MessageID, "text": u.Text, "html": "<div>" + u.Text + "</div>", "time": wire(u.At)},
			"sender_detail": "Somebody <" + u.From + ">", "recipient_detail": u.To, "visible_text": u.Text, "has_attachment": false,
		})
		if err != nil {
			panic(err) // it holds texts and maps of them
		}
		all = append(all, Post{At: u.At, Type: "UNTRACKED_REPLIES", Lead: u.From, Body: text})
	}
	return all
}

// Send posts an event to a webhook URL. Its error does not name the URL.
func (p Post) Send(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(p.Body))
	if err != nil {
		return fmt.Errorf("%s: the webhook URL cannot be used", p.Type)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s was not sent: the receiver does not answer", p.Type) // the cause quotes the URL
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s was answered with HTTP %d", p.Type, resp.StatusCode)
	}
	return nil
}
