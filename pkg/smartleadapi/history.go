package smartleadapi

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Message is one mail of a thread, or of the master inbox.
type Message struct {
	Inbound   bool
	At        time.Time // when it was sent or received
	MessageID string    // without <>; empty in the documented shapes, which have none
	StatsID   string    // of the sent mail to which it belongs; may be empty
	From, To  string    // addresses, trimmed, lower case; may be empty
	Step      string
	Subject   string // as somebody typed it, cut to maxSubject
	Body      string // as it came, HTML as a rule; bounded by the answer alone
}

// History returns the mails between a campaign and a lead since a time (zero: all), in the
// order in which Smartlead has them. It may lag behind the webhook by seconds. Errors are
// *Error: ErrNotFound for a lead that is not in the campaign, ErrAnswer where a mail says
// neither whose it is nor when.
//
// Smartlead documents a call for several leads at once, whose path ends with a literal
// that no page explains. It is not made: nobody knows whether it works for other accounts.
func (c *Client) History(ctx context.Context, campaign, lead string, since time.Time) (all []Message, err error) {
	query := url.Values{}
	if !since.IsZero() {
		query.Set("event_time_gt", since.UTC().Format(time.RFC3339))
	}
	asked := get("message history of lead "+oneLine(lead), campaignPath(campaign, "/leads/"+url.PathEscape(lead)+"/message-history"), query)
	err = c.do(ctx, asked, func(body []byte) error {
		rows, err := list[message](body, "history", "messages")
		if err != nil {
			return err
		}
		all, err = messages(rows)
		return err
	})
	return all, err
}

// message is a mail in the live shape (type, time), the documented one (direction, sent_at,
// received_at) or that of the master inbox.
type message struct {
	Type       text    `json:"type"`
	Direction  text    `json:"direction"`
	Time       instant `json:"time"`
	SentAt     instant `json:"sent_at"`
	ReceivedAt instant `json:"received_at"`
	ReplyTime  instant `json:"reply_time"`
	MessageID  mailID  `json:"message_id"`
	StatsID    text    `json:"stats_id"`
	From       address `json:"from"`
	FromEmail  address `json:"from_email"`
	To         address `json:"to"`
	ToEmail    address `json:"to_email"`
	Step       text    `json:"email_seq_number"`
	Subject    label   `json:"subject"`
	EmailBody  text    `json:"email_body"`
	Body       text    `json:"body"`
}

func (m message) at() time.Time {
	for _, t := range []instant{m.Time, m.SentAt, m.ReceivedAt, m.ReplyTime} {
		if !t.IsZero() {
			return t.Time
		}
	}
	return time.Time{}
}

func (m message) mail(inbound bool) Message {
	return Message{
		Inbound: inbound, At: m.at(), MessageID: string(m.MessageID), StatsID: string(m.StatsID), From: string(first(m.From, m.FromEmail)),
		To: string(first(m.To, m.ToEmail)), Step: string(m.Step), Subject: string(m.Subject), Body: string(first(m.EmailBody, m.Body)),
	}
}

// messages takes what each row says; one that does not say whose mail it is, or when it
// was, may be the reply that is looked for, so it is an error.
func messages(rows []message) (all []Message, err error) {
	for _, r := range rows {
		inbound := false
		switch kind := strings.ToUpper(string(first(r.Type, r.Direction))); kind {
		case "REPLY", "INBOUND":
			inbound = true
		case "SENT", "OUTBOUND", "FORWARD":
		default:
			return nil, fmt.Errorf("%w: a mail of the type %q", errShape, oneLine(kind))
		}
		if r.at().IsZero() {
			return nil, fmt.Errorf("%w: a mail without a time", errShape)
		}
		all = append(all, r.mail(inbound))
	}
	return all, nil
}

func first[T ~string](options ...T) T {
	for _, o := range options {
		if o != "" {
			return o
		}
	}
	return ""
}
