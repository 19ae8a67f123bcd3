// Package reconcile compares the events that arrived with what Smartlead says happened.
//
// A receiver alone cannot tell that nothing is missing: what never came leaves no trace.
// Smartlead's statistics have a row for every mail that a campaign sent, and what became
// of it, so they tell for each mail which events should be there. This package reads both
// sides and gives a verdict on each such fact. What could not be read is a cause beside
// the verdicts, and never one of them.
//
// docs/COMPLETENESS.md says what can be proven this way, and what cannot.
package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// Provider tells what Smartlead says of the mails of a campaign; smartleadapi.Client does.
type Provider interface {
	Mails(ctx context.Context, campaign string, w smartleadapi.Window, each func(smartleadapi.Mail) error) (smartleadapi.Mails, error)
}

// Ledger lists what was received, the oldest first; ledger.Ledger does.
type Ledger interface {
	Received(ctx context.Context, campaign string, since, now time.Time, skip func(webhook.EventID) bool, after string) (webhook.Received, error)
}

// Verdict is what is known of one fact.
type Verdict string

const (
	// Complete: Smartlead says that it happened, and the event arrived.
	Complete Verdict = "complete"
	// Late: it happened too short a time ago to be missed.
	Late Verdict = "late"
	// Missing: it happened, and no event arrived.
	Missing Verdict = "missing"
	// Extra: the event arrived, and Smartlead's statistics do not have it.
	Extra Verdict = "extra"
	// Unknowable: neither side can tell any more; Finding.Reason says why.
	Unknowable Verdict = "unknowable"
)

// Verdicts lists every verdict.
var Verdicts = []Verdict{Complete, Late, Missing, Extra, Unknowable}

// Reason is why a fact has its verdict, where that needs a word.
type Reason string

const (
	// Untimed: Smartlead does not say when it happened, so that it may be of a moment ago.
	Untimed Reason = "untimed"
	// Expired: it is older than events are kept.
	Expired Reason = "expired"
	// BeforeReceiver: it is older than the receiver's first source.
	BeforeReceiver Reason = "before_receiver"
	// Erased: an event of that time and type was erased, and no longer says whose it was.
	Erased Reason = "erased"
	// Unreadable: an event of the type is in the ledger and cannot be read, so it may be this.
	Unreadable Reason = "unreadable"
	// IgnoredReply: Smartlead says that it does not count the reply.
	IgnoredReply Reason = "ignored_reply"
	// NoSuchMail: no mail of the window has the event's stats_id.
	NoSuchMail Reason = "no_such_mail"
	// NotCounted: the statistics have the mail, and not this of it.
	NotCounted Reason = "not_counted"
	// Differs: the lead's category at Smartlead is not that of the newest event.
	Differs Reason = "differs"
)

// Reasons lists every reason.
var Reasons = []Reason{Untimed, Expired, BeforeReceiver, Erased, Unreadable, IgnoredReply, NoSuchMail, NotCounted, Differs}

// FurtherTypes are what is compared when it is asked for: of a category the state alone can
// be compared, and an untracked reply is of no campaign.
var FurtherTypes = []webhook.Type{webhook.LeadCategoryUpdated, webhook.UntrackedReplies}

// Types are what is compared: all of which Smartlead has statistics.
var Types = []webhook.Type{
	webhook.EmailSent, webhook.EmailOpen, webhook.EmailLinkClick, webhook.EmailReply, webhook.EmailBounce, webhook.LeadUnsubscribed,
}

const (
	// DefaultLag is how long after a fact its event may come: Smartlead repeats a delivery
	// for up to seven and a half hours, and replies of some providers are two hours late.
	DefaultLag = 10 * time.Hour
	// untimedLag is how long after a mail its bounce may come without being missed: mail
	// servers try for days, and most give up within one.
	untimedLag = 24 * time.Hour
	// skew is how far the clocks may be apart by which mails were sent and events received.
	skew = time.Hour
	// maxEvents bounds the entries of the ledger's index that one run looks at.
	maxEvents = 400_000
	// maxKept bounds the mails, and the events, that one run holds at once.
	maxKept = 400_000
	// maxFindings bounds the facts that a campaign's result names; the rest is counted.
	maxFindings = 1000
	// maxSamples bounds the samples of each kind, of each type of a campaign.
	maxSamples = 20
)

// Request says what is compared.
type Request struct {
	Campaigns []string
	Window    smartleadapi.Window // when the mails were sent; Since is required
	Types     []webhook.Type      // nil: Types; may name FurtherTypes
	Threads   int                 // leads whose message history is read at most, in all campaigns, by two calls each
	Counts    bool                // compare Smartlead's counts of its deliveries, by a call for each campaign
	Lag       time.Duration       // 0: DefaultLag
	Retention time.Duration       // how long events are kept; 0: for ever
	Began     time.Time           // when the receiver could first receive; zero: long ago
	MaxEvents int                 // entries of the ledger's index that are looked at; 0: 400,000
}

// Service compares. It is safe for concurrent use.
type Service struct {
	Provider Provider
	Ledger   Ledger
	Now      func() time.Time
	// What a request asks for of these is compared where they are not nil.
	People   People
	Inbox    Inbox
	Payloads Payloads
	Bodies   Bodies
	Summary  Summary
	Refusals Refusals
	// Heard, where it is not nil, is told of each campaign before its mails are read.
	Heard func(campaign string)
	// Asked, where it is not nil, is told before the message history of each lead is read.
	Asked func()
}

// Report is the outcome of a run, with a result for each campaign of the request.
type Report struct {
	At        time.Time // when the mails began to be read: later facts are not judged
	Window    smartleadapi.Window
	Lag       time.Duration
	Looked    int // entries of the ledger's index
	Campaigns []Campaign
	// Inbox is what was compared for the whole account, UNTRACKED_REPLIES; nil: nothing. It
	// has no id.
	Inbox *Campaign
}

// Campaign is the result of one campaign. Where Cause is not nil, something could not be
// read: without Judged there is no verdict at all, and with it the verdicts hold for what
// was read.
type Campaign struct {
	ID       string
	Sources  []string // by which its events came, that of the most first
	Account  string   // of the latest event; empty where none arrived
	Mails    int
	Judged   bool
	Cause    error
	Types    []TypeCount
	Findings []Finding // what is not complete, without what happened before the receiver
	Unnamed  int       // findings beyond the bound, counted in Types alone
	// Threads and Deliveries are nil where they were not asked for.
	Threads    *Threads
	Deliveries *Deliveries
}

// TypeCount counts the verdicts on facts of one type.
type TypeCount struct {
	Type   webhook.Type    `json:"type"`
	Counts map[Verdict]int `json:"counts"`
	// Arrived are the events of the type that were received, whatever they are about.
	Arrived int `json:"arrived,omitempty"`
	// Undelivered are complete facts whose event has not reached a destination.
	Undelivered int `json:"undelivered,omitempty"`
	// Repeats are further opens or clicks that Smartlead counts of a mail, and of which no
	// event is in the ledger. Smartlead does not tell when they were, nor whether it posted
	// them, so they are unknowable one by one.
	Repeats int `json:"repeats,omitempty"`
	// Synthesized are complete facts of which reconciliation made the only event.
	Synthesized int `json:"synthesized,omitempty"`
	// Samples are complete facts and their events, the latest few: by them it can be tried
	// whether an event that is made of a fact has the identity of the one that was posted.
	// Repeated are those that happened more often than once.
	Samples  []Sample `json:"-"`
	Repeated []Sample `json:"-"`
}

// Sample is a fact and the events that the provider posted of it.
type Sample struct {
	Finding

	Events []webhook.EventID
}

// Finding is a fact that is not complete, or an event without one.
type Finding struct {
	Type    webhook.Type    `json:"type"`
	Verdict Verdict         `json:"verdict"`
	Reason  Reason          `json:"reason,omitempty"`
	Lead    string          `json:"lead,omitempty"`    // address, trimmed, lower case
	LeadID  string          `json:"lead_id,omitempty"` // Smartlead's; empty where it was not asked for
	MapID   string          `json:"map_id,omitempty"`  // of the lead in the campaign, likewise
	StatsID string          `json:"stats_id,omitempty"`
	Step    string          `json:"step,omitempty"`
	Subject string          `json:"subject,omitempty"`  // of the mail that was sent, as somebody typed it
	At      time.Time       `json:"at,omitzero"`        // when it happened; zero: Smartlead does not tell
	SentAt  time.Time       `json:"sent_at,omitzero"`   // of the mail; zero: not known
	Due     time.Time       `json:"due,omitzero"`       // where it is late or missing: until when its event could be late
	Times   int             `json:"times,omitempty"`    // how often Smartlead counts it, at least 1; it tells the time of one
	EventID webhook.EventID `json:"event_id,omitempty"` // of an extra event
	// Reply is the mail that came, where Smartlead shows it: of a reply that was read from
	// a lead's message history, and of an untracked one.
	Reply *smartleadapi.Message `json:"-"`
	// Category is the lead's at Smartlead when it was compared, of LEAD_CATEGORY_UPDATED.
	Category string `json:"category,omitempty"`
}

// Of is the count of a verdict over all types.
func (c Campaign) Of(v Verdict) int {
	n := 0
	for _, t := range c.Types {
		n += t.Counts[v]
	}
	return n
}

// Whole tells whether everything was read.
func (c Campaign) Whole() bool { return c.Judged && c.Cause == nil }

// Proven tells whether everything that was asked for was read and nothing is missing.
func (c Campaign) Proven() bool {
	return c.Whole() && c.Of(Missing) == 0 && (c.Threads == nil || c.Threads.Left == 0)
}

// Run compares. It reads what Smartlead says first and then what was received, so that no
// event can have come between. What cannot be read of a campaign is that campaign's cause;
// the error is that of the ledger, or the end of the context.
func (s *Service) Run(ctx context.Context, r Request) (Report, error) {
	if r.Lag == 0 {
		r.Lag = DefaultLag
	}
	if r.Types == nil {
		r.Types = Types
	}
	if r.MaxEvents == 0 {
		r.MaxEvents = maxEvents
	}
	report := Report{At: s.Now().UTC(), Window: r.Window, Lag: r.Lag}
	sides, err := s.readTheirs(ctx, r)
	if err != nil {
		return report, err
	}
	reading := &reading{r: r, sides: sides}
	if r.Threads > 0 {
		reading.seen = map[webhook.EventID]bool{}
	}
	if err := s.readEvents(ctx, reading, r.Window.Since.Add(-skew)); err != nil {
		return report, err
	}
	if err := s.readFurther(ctx, reading); err != nil {
		return report, err
	}
	report.Looked = reading.looked
	for _, id := range r.Campaigns {
		if slices.Contains(r.Types, webhook.LeadCategoryUpdated) {
			if err := s.readChanges(ctx, sides[id], reading.names); err != nil {
				return report, err
			}
		}
		report.Campaigns = append(report.Campaigns, reading.judged(report.At, id, without(r.Types, webhook.UntrackedReplies)))
	}
	if sides[inboxID] != nil {
		c := reading.judged(report.At, inboxID, []webhook.Type{webhook.UntrackedReplies})
		report.Inbox = &c
	}
	if r.Counts && s.Summary != nil {
		refused := s.countRefused(ctx, r.Window)
		for i, id := range r.Campaigns {
			if report.Campaigns[i].Judged {
				report.Campaigns[i].Deliveries = s.countDeliveries(ctx, id, r.Window, sides[id], refused)
			}
		}
	}
	return report, ctx.Err()
}

// judged is the result of a campaign, or of the inbox.
func (in *reading) judged(at time.Time, id string, types []webhook.Type) Campaign {
	side, r := in.sides[id], in.r
	r.Types = types
	switch {
	case in.cut != nil: // any event may be behind the bound
		side.cause, side.readable = in.cut, false
	case side.cause == nil && len(side.unreadable) > 0:
		side.cause = fmt.Errorf("%w: %d", errUnreadable, len(side.unreadable))
	case side.cause == nil && side.read != nil:
		side.cause = side.read.Cause
	}
	c := judge(r, at, id, side)
	c.Threads = side.read
	return c
}

func without(types []webhook.Type, typ webhook.Type) []webhook.Type {
	return slices.DeleteFunc(slices.Clone(types), func(t webhook.Type) bool { return t == typ })
}
