// Package fakeapi is an account of Smartlead with campaigns, and the REST API over it, in
// the shapes that were seen live and in those that its pages show. It also makes the
// webhooks of the account, so that a receiver and its provider can be run side by side.
// Tests and the local stack use it; nothing deployed does.
package fakeapi

import (
	"fmt"
	"time"
)

// Account is what an API key of Smartlead leads to.
type Account struct {
	Key        string
	Campaigns  []*Campaign
	Categories []string    // names; the id of each is its place, from 1
	Untracked  []Untracked // replies that belong to no campaign, the newest first
}

// Campaign is one of an account.
type Campaign struct {
	ID     int
	Name   string
	Status string
	Mails  []*Mail
	Hooks  []Hook
	Moves  []Move // of leads from one category to another, in their order
	Failed int    // deliveries that Smartlead counts as failed
	Lost   []Post // deliveries that failed, and are posted again when that is asked
}

// Hook is a webhook that is configured for a campaign.
type Hook struct {
	ID     int
	Name   string
	URL    string
	Events []string
	Off    bool
}

// Mail is one that a campaign sent, and all that happened to it. A time in the future has
// not happened yet.
type Mail struct {
	StatsID   string
	Lead      string
	LeadID    int64
	Step      int
	MessageID string
	SentAt    time.Time
	Opens     []time.Time
	Clicks    []Click
	Replies   []Reply // the first, and those that follow in the thread
	Bounced   *Bounce
	Left      time.Time // when the lead unsubscribed by it
	Category  string    // of the lead: it stands on mails that nobody answered, too
	Ignored   bool      // its reply does not count
}

// Move is a change of a lead's category.
type Move struct {
	At       time.Time
	Lead     string
	Old, New string // "": none
}

// Untracked is a reply that Smartlead found in a mailbox and could give to no campaign.
type Untracked struct {
	At        time.Time
	MessageID string
	From, To  string
	Subject   string
	Text      string
}

// Click is one on a link of a mail.
type Click struct {
	At   time.Time
	Link string
}

// Reply is a mail that came back.
type Reply struct {
	At        time.Time
	MessageID string
	Text      string
}

// Bounce is a mail that could not be delivered. The statistics do not tell when.
type Bounce struct {
	At        time.Time
	MessageID string
}

// Simulate makes an account of one campaign that wrote to so many leads in the days before
// now: nobody, some and many answered, opened, clicked, bounced and left, and every fourth
// was given a category, always the same of them. Two replies belong to no campaign.
func Simulate(key string, now time.Time, leads int) *Account {
	c := &Campaign{ID: 4100001, Name: "Spring outreach", Status: "ACTIVE"}
	begin := now.Add(-72 * time.Hour).Truncate(time.Second)
	for i := range leads {
		at := begin.Add(time.Duration(i) * 37 * time.Second)
		c.Mails = append(c.Mails, mailsTo(c.ID, i, at)...)
		if i%4 == 0 {
			c.Moves = append(c.Moves, Move{At: at.Add(2 * time.Hour), Lead: newMail(c.ID, i, 1, at).Lead, New: "Interested"})
		}
	}
	a := &Account{Key: key, Campaigns: []*Campaign{c}, Categories: []string{"Interested", "Not Interested", "Meeting Request"}}
	for i := range 2 {
		a.Untracked = append(a.Untracked, Untracked{
			At: begin.Add(time.Duration(40-i) * time.Hour), MessageID: fmt.Sprintf("<untracked-%d@globex.example.net>", i),
			From: fmt.Sprintf("person%d@globex.example.net", i), To: "mira@outbound.example", Subject: "Who are you?", Text: "We met last week.",
		})
	}
	return a
}

// mailsTo are the mails to one lead: a second one a day later, unless the first ended it.
func mailsTo(campaign, i int, at time.Time) []*Mail {
	first := newMail(campaign, i, 1, at)
	if i%11 == 3 {
		first.Bounced = &Bounce{At: at.Add(8 * time.Second), MessageID: fmt.Sprintf("<bounce-%d@mx.acme.example.com>", i)}
		return []*Mail{first}
	}
	for n := range i % 4 {
		first.Opens = append(first.Opens, at.Add(time.Duration(n+1)*23*time.Minute))
	}
	if i%5 == 0 {
		first.Clicks = []Click{{at.Add(24 * time.Minute), "https://www.outbound.example/pricing"}}
	}
	if i%17 == 5 {
		first.Left = at.Add(3 * time.Hour)
		return []*Mail{first}
	}
	second := newMail(campaign, i, 2, at.Add(24*time.Hour))
	if i%6 == 1 {
		second.Replies = []Reply{newReply(i, 1, second.SentAt.Add(95*time.Minute))}
	}
	if i%12 == 1 {
		second.Replies = append(second.Replies, newReply(i, 2, second.SentAt.Add(190*time.Minute)))
	}
	return []*Mail{first, second}
}

func newMail(campaign, i, step int, at time.Time) *Mail {
	return &Mail{
		StatsID: fmt.Sprintf("5b1f7a52-0c3e-4d9a-9a41-%04d%04d%04d", campaign%10_000, i%10_000, step),
		Lead:    fmt.Sprintf("lead%d@acme.example.com", i), LeadID: 3_120_000_000 + int64(i), Step: step,
		MessageID: fmt.Sprintf("<sent-%d-%d@outbound.example>", i, step), SentAt: at,
	}
}

func newReply(i, n int, at time.Time) Reply {
	return Reply{At: at, MessageID: fmt.Sprintf("<reply-%d-%d@acme.example.com>", i, n), Text: "Yes, Tuesday."}
}

// campaign finds one by the text of its id.
func (a *Account) campaign(id string) *Campaign {
	for _, c := range a.Campaigns {
		if fmt.Sprint(c.ID) == id {
			return c
		}
	}
	return nil
}

// past tells whether a time has come.
func past(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// replyTo is the reply that the statistics tell of a mail: the first, and of a mail before
// in the same thread that of the answered one.
func (c *Campaign) replyTo(m *Mail, now time.Time) time.Time {
	for _, other := range c.Mails {
		if other.Lead == m.Lead && other.Step >= m.Step && len(other.Replies) > 0 && past(other.Replies[0].At, now) {
			return other.Replies[0].At
		}
	}
	return time.Time{}
}
