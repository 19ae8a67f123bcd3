// Package webhook is the domain: the event, its identity, its states and what
// may be done to it. It imports the standard library only; every other package
// speaks in these words.
package webhook

import (
	"encoding/json"
	"time"
)

// Schema names the version of the JSON that destinations receive.
const Schema = "smartlead.event.v1"

// Type is the canonical name of what happened. Aliases are resolved by the
// provider's package; anything it does not know is Unknown, never refused.
type Type string

// The canonical types, as Smartlead's API reference names them
// (api.smartlead.ai/api-reference/webhooks/events), and the account alerts.
const (
	EmailSent                Type = "EMAIL_SENT"
	FirstEmailSent           Type = "FIRST_EMAIL_SENT"
	EmailOpen                Type = "EMAIL_OPEN"
	EmailLinkClick           Type = "EMAIL_LINK_CLICK"
	EmailReply               Type = "EMAIL_REPLY"
	EmailBounce              Type = "EMAIL_BOUNCE"
	LeadUnsubscribed         Type = "LEAD_UNSUBSCRIBED"
	LeadCategoryUpdated      Type = "LEAD_CATEGORY_UPDATED"
	CampaignStatusChanged    Type = "CAMPAIGN_STATUS_CHANGED"
	UntrackedReplies         Type = "UNTRACKED_REPLIES"
	ManualStepReached        Type = "MANUAL_STEP_REACHED"
	EmailAccountDisconnected Type = "EMAIL_ACCOUNT_DISCONNECTED"
	LinkedInDisconnected     Type = "LINKEDIN_DISCONNECTED"
	CampaignBounceBreach     Type = "CAMPAIGN_BOUNCE_BREACH"
	Unknown                  Type = "UNKNOWN"
)

// Types lists every type, in the order in which they are shown.
var Types = []Type{
	EmailSent, FirstEmailSent, EmailOpen, EmailLinkClick, EmailReply, EmailBounce,
	LeadUnsubscribed, LeadCategoryUpdated, CampaignStatusChanged, UntrackedReplies, ManualStepReached,
	EmailAccountDisconnected, LinkedInDisconnected, CampaignBounceBreach, Unknown,
}

// StateOwner is whose state an event sets.
type StateOwner string

// An event sets the state of its lead, of its campaign, or of neither.
const (
	LeadState     StateOwner = "lead"
	CampaignState StateOwner = "campaign"
	NoState       StateOwner = ""
)

// StateOwner returns whose state an event of the type sets: it says how its lead
// or campaign stands from then on. Types that are not of this version set none.
func (t Type) StateOwner() StateOwner {
	switch t {
	case LeadUnsubscribed, LeadCategoryUpdated:
		return LeadState
	case CampaignStatusChanged:
		return CampaignState
	case EmailSent, FirstEmailSent, EmailOpen, EmailLinkClick, EmailReply, EmailBounce, UntrackedReplies,
		ManualStepReached, EmailAccountDisconnected, LinkedInDisconnected, CampaignBounceBreach, Unknown:
		return NoState
	}
	return NoState
}

// SetsState tells whether an event of the type sets a state, so that an older
// one that comes late must not overwrite what a newer one said.
func (t Type) SetsState() bool { return t.StateOwner() != NoState }

// TimeSource says where an event's time comes from.
type TimeSource string

// An event carries its own time, or only the time at which it was received.
const (
	TimeFromEvent   TimeSource = "event"
	TimeFromReceipt TimeSource = "receipt"
)

// Flags that an event may carry. They inform; none changes how it is kept.
const (
	FlagOwnMailboxSender       = "own_mailbox_sender"
	FlagDaemonSender           = "daemon_sender"
	FlagColleague              = "colleague"
	FlagForwarded              = "forwarded"
	FlagTestEvent              = "test_event"
	FlagSenderOriginatedBounce = "sender_originated_bounce"
	FlagTimeless               = "timeless"
	FlagSameSend               = "same_send"
	FlagVariant                = "variant"
	FlagSuperseded             = "superseded"
	FlagUntrustedSender        = "untrusted_sender"
	FlagSynthesized            = "synthesized"
)

// Flags lists every flag.
var Flags = []string{
	FlagOwnMailboxSender, FlagDaemonSender, FlagColleague, FlagForwarded, FlagTestEvent, FlagSenderOriginatedBounce,
	FlagTimeless, FlagSameSend, FlagVariant, FlagSuperseded, FlagUntrustedSender, FlagSynthesized,
}

// Event is the normalized fact. Its JSON form, with the fields of one attempt,
// is what a destination receives (schema smartlead.event.v1). Absent facts are
// omitted, never null. Ids are text: the provider sends them as numbers or
// strings, beyond 2^53.
type Event struct {
	Schema           string          `json:"schema"`
	ID               EventID         `json:"event_id"`
	Type             Type            `json:"type"`
	RawType          string          `json:"raw_type"`
	Dialect          string          `json:"dialect"`
	Account          string          `json:"account"`
	CampaignID       string          `json:"campaign_id,omitempty"`
	CampaignName     string          `json:"campaign_name,omitempty"`
	ClientID         string          `json:"client_id,omitempty"`
	Lead             *Lead           `json:"lead,omitempty"`
	Mailbox          string          `json:"mailbox,omitempty"`
	StatsID          string          `json:"stats_id,omitempty"`
	InboxURL         string          `json:"inbox_url,omitempty"`
	OccurredAt       time.Time       `json:"occurred_at,omitzero"`
	OccurredAtSource TimeSource      `json:"occurred_at_source"`
	ReceivedAt       time.Time       `json:"received_at,omitzero"`
	SequenceNumber   string          `json:"sequence_number,omitempty"`
	Subject          string          `json:"subject,omitempty"`
	MessageID        string          `json:"message_id,omitempty"` // the sent mail's, without <>
	Reply            *Reply          `json:"reply,omitempty"`
	Bounce           *Bounce         `json:"bounce,omitempty"`
	Links            []string        `json:"links,omitempty"`
	Category         *CategoryChange `json:"category,omitempty"`
	Status           *StatusChange   `json:"status,omitempty"`
	Alert            *Alert          `json:"alert,omitempty"`
	ProviderEventID  string          `json:"provider_event_id,omitempty"` // event_id or sl_event_id of the body: shown, searchable
	Source           string          `json:"source,omitempty"`
	Origin           Origin          `json:"origin,omitempty"` // empty: the provider posted it
	Attempt          int             `json:"attempt,omitempty"`
	Generation       int             `json:"generation"`
	Flags            []string        `json:"flags,omitempty"`
	Raw              json.RawMessage `json:"raw,omitempty"` // the original, credentials removed
}

// Origin is who made an event that the provider did not post.
type Origin string

// OriginReconcile: reconciliation made the event from what the provider's API says
// happened, because it never arrived.
const OriginReconcile Origin = "reconcile"

// Lead is the prospect that the event is about.
type Lead struct {
	Email string `json:"email,omitempty"` // trimmed, lower case
	ID    string `json:"id,omitempty"`
	MapID string `json:"map_id,omitempty"`
	Name  string `json:"name,omitempty"`
}

// Reply is the inbound mail of EMAIL_REPLY and UNTRACKED_REPLIES.
type Reply struct {
	Text      string `json:"text,omitempty"`
	HTML      string `json:"html,omitempty"`
	From      string `json:"from,omitempty"`
	MessageID string `json:"message_id,omitempty"` // the inbound mail's, without <>
}

// Bounce describes why a mail came back.
type Bounce struct {
	Class            string `json:"class,omitempty"`
	SenderOriginated bool   `json:"sender_originated"`
	Reason           string `json:"reason,omitempty"`
	MessageID        string `json:"message_id,omitempty"`
}

// CategoryChange is a lead's move from one category to another. Ids differ
// between accounts; names may be absent.
type CategoryChange struct {
	OldID     string `json:"old_id,omitempty"`
	Old       string `json:"old,omitempty"`
	NewID     string `json:"new_id,omitempty"`
	New       string `json:"new,omitempty"`
	Sentiment string `json:"sentiment,omitempty"`
}

// StatusChange is a campaign's move from one status to another.
type StatusChange struct {
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
}

// Alert is an account alert: a mailbox or LinkedIn account that lost its
// connection, or a campaign over its bounce threshold.
type Alert struct {
	AccountID string `json:"account_id,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Title     string `json:"title,omitempty"`
	Message   string `json:"message,omitempty"`
}
