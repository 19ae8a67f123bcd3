package repair

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// maxText bounds the text of a reply in an event that is made, in bytes. The identity of a
// reply does not rest on it.
const maxText = 1 << 20

// note says in the body itself what it is, for whoever reads it without its event.
const note = "Smartlead's API says that this happened, and no webhook brought it: this body was made of what the API says. Fields that the API does not tell are left out."

// made is what an event is made of.
type made struct {
	campaign string
	typ      webhook.Type
	finding  reconcile.Finding
	reply    *smartleadapi.Message
}

// Mark says in a body that was made who made it.
type Mark struct {
	Run  string `json:"run,omitempty"`
	By   string `json:"by,omitempty"`
	At   string `json:"at,omitempty"`
	From string `json:"from"`
	Note string `json:"note"`
}

// MadeBy reads in a body who made it. Whoever posts a body can write that, too: whether an
// event was made is its flag.
func MadeBy(body []byte) (m Mark, is bool) {
	var b struct {
		Origin    webhook.Origin `json:"origin"`
		Reconcile Mark           `json:"reconcile"`
	}
	is = json.Unmarshal(body, &b) == nil && b.Origin == webhook.OriginReconcile
	return b.Reconcile, is
}

// body writes the event in the dialect that arrives (help.smartlead.ai, per-event pages),
// with what the API tells and nothing else.
func (m made) body(by Mark) ([]byte, error) {
	f := m.finding
	b := map[string]any{
		"event_type": string(m.typ), "origin": string(webhook.OriginReconcile),
		"campaign_id": number(m.campaign), "stats_id": f.StatsID, "sequence_number": number(f.Step),
		"to_email": f.Lead, "sl_lead_email": f.Lead, "sl_email_lead_id": f.LeadID, "sl_email_lead_map_id": number(f.MapID),
		"subject": f.Subject, "event_timestamp": wire(f.At),
	}
	if sent := wire(f.SentAt); sent != "" {
		b["sent_message"] = map[string]any{"time": sent}
	}
	by.From, by.Note = "campaign statistics", note
	switch m.typ { //nolint:exhaustive // of the others the API tells no more
	case webhook.EmailBounce:
		b["is_bounced"] = true
	case webhook.EmailReply:
		by.From = "message history"
		m.answer(b)
	case webhook.UntrackedReplies:
		by.From = "untracked replies"
		m.untracked(b)
	}
	for name, v := range b {
		if v == "" || v == nil {
			delete(b, name)
		}
	}
	b["reconcile"] = by
	return json.Marshal(b)
}

// answer adds the mail that came. Its stats_id is that of the mail which it answers.
func (m made) answer(b map[string]any) {
	r := m.reply
	if r == nil {
		return
	}
	if r.StatsID != "" {
		b["stats_id"] = r.StatsID
	}
	at := r.At
	if at.IsZero() {
		at = m.finding.At
	}
	b["event_timestamp"] = wire(at)
	b["message_id"] = bracketed(r.MessageID)
	b["reply_message"] = mailOf(r)
	if r.Subject != "" {
		b["subject"] = r.Subject
	}
	if r.From != "" {
		b["leadCorrespondence"] = map[string]any{"targetLeadEmail": m.finding.Lead, "replyReceivedFrom": r.From}
	}
	if r.To != "" && r.To != m.finding.Lead {
		b["from_email"] = r.To // our mailbox, also on a reply
	}
}

// untracked is a reply without a campaign.
func (m made) untracked(b map[string]any) {
	for _, name := range []string{"campaign_id", "stats_id", "sequence_number", "to_email", "sl_lead_email", "sl_email_lead_id", "sl_email_lead_map_id", "sent_message"} {
		delete(b, name)
	}
	r := m.reply
	if r == nil {
		return
	}
	b["event_timestamp"], b["reply_message"] = wire(r.At), mailOf(r)
	b["sender_detail"], b["recipient_detail"], b["subject"] = r.From, r.To, r.Subject
}

func mailOf(r *smartleadapi.Message) map[string]any {
	text := r.Body
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	mail := map[string]any{"time": wire(r.At)}
	if r.MessageID != "" {
		mail["message_id"] = bracketed(r.MessageID)
	}
	if text != "" {
		mail["html"] = text
	}
	return mail
}

func bracketed(id string) string {
	if id == "" {
		return ""
	}
	return "<" + id + ">"
}

// wire is a time as Smartlead writes it; "" for none.
func wire(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000+00:00")
}

// number is an id as Smartlead posts it: a number where it is one.
func number(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 && strconv.FormatInt(n, 10) == text {
		return n
	}
	return text
}

// errShape: a defect of this package.
var errShape = errors.New("the body that was made is not one event")

// read reads a body as the receiver does.
func read(body []byte, account string) (smartlead.Element, error) {
	batch, err := smartlead.Parse(body, smartlead.Options{Account: account})
	if err != nil {
		return smartlead.Element{}, err
	}
	if len(batch.Elements) != 1 || batch.Array {
		return smartlead.Element{}, errShape
	}
	return batch.Elements[0], batch.Elements[0].Err
}

// identity is the id that the event would have, and whether it could not repeat for real.
// An identity without a time or an id is none that a late webhook would surely meet.
func (m made) identity(account string) (id webhook.EventID, whole bool, err error) {
	body, err := m.body(Mark{})
	if err != nil {
		return "", false, err
	}
	el, err := read(body, account)
	if err != nil {
		return "", false, err
	}
	if el.Event.Type != m.typ {
		return "", false, errShape
	}
	return webhook.NewEventID(el.Key, 1), !el.Timeless, nil
}
