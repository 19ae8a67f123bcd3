package smartlead

import "smartlead-receiver/pkg/webhook"

// rule holds everything that depends on an event's type. A member without a
// value means that somebody forgot it, so a type that has no such thing says so:
// with an empty list, or with a function that does nothing.
type rule struct {
	// names are the type's names beside its canonical one.
	names []name
	// times are the type's own members for its time. They count after
	// event_timestamp and before timestamp.
	times []field
	// innerTimes are times inside the type's own objects. They count after
	// timestamp.
	innerTimes []place
	// steps are the members that number the step of the sequence, the best first.
	steps []field
	// messageID says whose id a top-level message_id is.
	messageID mail
	// about says what the event is about: one of a lead is never merged with
	// another's for want of a field.
	about subject
	// people finds the lead, our mailbox and who wrote the reply.
	people func(*body) people
	// detail reads what only events of this type have. It runs after all else is
	// read.
	detail func(*body)
	// discriminate adds what tells two events of one type, campaign and lead apart.
	discriminate func(*body, basis) basis
	// resend says how the provider is made to send such an event again.
	resend *ResendGuide
}

// rules has the rule of each type, in the order of webhook.Types. A new type needs
// its constant there, its row here, and a payload in events/payloads.
var rules = map[webhook.Type]*rule{
	webhook.EmailSent: {
		names: []name{{"EMAIL_SENT", sharedName}, {"SENT", shortName}},
		times: []field{fTimeSent}, innerTimes: noPlaces, steps: sequenceSteps, messageID: sentMail, about: aboutLead,
		people: (*body).correspondence, detail: noDetail, discriminate: (*body).bySend,
		resend: &ResendGuide{
			FiresWhen: "a new sent time exists",
			Action:    "let the campaign send one email to a test lead",
			Note:      "The first step sends FIRST_EMAIL_SENT as well.",
		},
	},
	webhook.FirstEmailSent: {
		names: noNames,
		times: []field{fTimeSent}, innerTimes: noPlaces, steps: sequenceSteps, messageID: sentMail, about: aboutLead,
		people: (*body).correspondence, detail: (*body).readFirstSend, discriminate: (*body).bySend,
		resend: &ResendGuide{
			FiresWhen: "a lead's first step is sent",
			Action:    "add a test lead to the campaign and let step 1 go out",
			Note:      "It cannot fire twice for one lead.",
		},
	},
	webhook.EmailOpen: {
		names: []name{{"EMAIL_OPENED", nestedName}, {"OPENED", shortName}, {"LEAD_OPENED", enumName}},
		times: []field{fTimeOpened}, innerTimes: noPlaces, steps: sequenceSteps, messageID: sentMail, about: aboutLead,
		people: (*body).correspondence, detail: noDetail, discriminate: (*body).byTime,
		resend: &ResendGuide{
			FiresWhen: "a new open time exists",
			Action:    "open the email again, with images shown",
			Note:      "Open tracking must be on in the campaign.",
		},
	},
	webhook.EmailLinkClick: {
		names: []name{{"EMAIL_CLICKED", nestedName}, {"CLICKED", shortName}, {"LEAD_CLICKED", enumName}},
		times: []field{fTimeClicked}, innerTimes: []place{{fLink, "clicked_at"}}, steps: sequenceSteps, messageID: sentMail, about: aboutLead,
		people: (*body).correspondence, detail: (*body).readClick, discriminate: (*body).byClick,
		resend: &ResendGuide{
			FiresWhen: "a new click time exists",
			Action:    "click a tracked link in the email again",
			Note:      "Click tracking must be on in the campaign.",
		},
	},
	webhook.EmailReply: {
		names: []name{{"EMAIL_REPLIED", nestedName}, {"REPLIED", shortName}, {"LEAD_REPLIED", enumName}},
		times: []field{fTimeReplied}, innerTimes: replyTimes, steps: sequenceSteps, messageID: inboundMail, about: aboutLead,
		people: (*body).correspondence, detail: (*body).readReply, discriminate: (*body).byReply,
		resend: &ResendGuide{
			FiresWhen: "a new reply time exists",
			Action:    "reply to the email once more, from the lead's mailbox",
			Note:      "It is a new reply with a new message id: a new event, not the lost one.",
		},
	},
	webhook.EmailBounce: {
		names: []name{{"EMAIL_BOUNCED", nestedName}, {"BOUNCED", shortName}, {"LEAD_BOUNCED", enumName}},
		times: []field{fTimeBounced}, innerTimes: []place{{fBounceMessage, "time"}}, steps: sequenceSteps, messageID: sentMail, about: aboutLead,
		people: (*body).describedCorrespondence, detail: (*body).readBounce, discriminate: (*body).byBounce,
		resend: &ResendGuide{
			FiresWhen: "the bounce status changes to true",
			Action:    "send to a test lead whose address does not exist",
			Note:      "A lead that has bounced does not bounce again.",
		},
	},
	webhook.LeadUnsubscribed: {
		names: []name{{"EMAIL_UNSUBSCRIBED", nestedName}, {"UNSUBSCRIBED", shortName}},
		times: []field{fTimeUnsubscribed}, innerTimes: noPlaces, steps: sequenceSteps, messageID: sentMail, about: aboutLead,
		people: (*body).correspondence, detail: noDetail, discriminate: (*body).byTime,
		resend: &ResendGuide{
			FiresWhen: "a lead is unsubscribed",
			Action:    "use the unsubscribe link of an email to a test lead, or unsubscribe the lead in the campaign",
		},
	},
	webhook.LeadCategoryUpdated: {
		names: noNames,
		times: noFields, innerTimes: noPlaces, steps: sequenceSteps, messageID: sentMail, about: aboutLead,
		people: (*body).correspondence, detail: (*body).readCategory, discriminate: (*body).byCategory,
		resend: &ResendGuide{
			FiresWhen: "a lead's category changes",
			Action:    "set the lead to another category and back",
			Note:      "Both changes fire: the second one is the state that you want.",
		},
	},
	webhook.CampaignStatusChanged: {
		names: []name{{"CAMPAIGN_STATUS_CHANGE", otherName}},
		times: noFields, innerTimes: noPlaces, steps: sequenceSteps, messageID: sentMail, about: aboutCampaign,
		people: (*body).correspondence, detail: (*body).readStatus, discriminate: (*body).byStatus,
		resend: &ResendGuide{
			FiresWhen: "a campaign's status changes",
			Action:    "pause the campaign and start it again",
			Note:      "Two changes fire. They carry no time: repeats within the window count as duplicates.",
		},
	},
	webhook.UntrackedReplies: {
		names: noNames,
		times: []field{fTimeReplied}, innerTimes: replyTimes, steps: sequenceSteps, messageID: inboundMail, about: aboutLead,
		people: (*body).untracked, detail: (*body).readUntracked, discriminate: (*body).byReply,
		resend: &ResendGuide{
			FiresWhen: "a mail arrives that belongs to no campaign mail",
			Action:    "write to the connected mailbox from an address outside the campaign, as a new thread",
			Note:      "Missed ones are listed by GET /master-inbox/untracked-replies.",
		},
	},
	webhook.ManualStepReached: {
		names: noNames,
		times: noFields, innerTimes: noPlaces, steps: []field{fCurrentSequenceNumber, fSequenceNumber}, messageID: sentMail, about: aboutLead,
		people: (*body).correspondence, detail: noDetail, discriminate: (*body).byStep,
		resend: &ResendGuide{
			FiresWhen: "a lead reaches a manual step",
			Action:    "move a test lead to the step before the manual one and let it pass",
		},
	},
	webhook.EmailAccountDisconnected: {
		names: noNames,
		times: noFields, innerTimes: noPlaces, steps: sequenceSteps, messageID: sentMail, about: aboutAccount,
		people: (*body).alerted, detail: (*body).readAlert, discriminate: (*body).byAlert,
		resend: &ResendGuide{
			FiresWhen: "a mailbox loses its connection",
			Action:    "disconnect a test mailbox and connect it again",
		},
	},
	webhook.LinkedInDisconnected: {
		names: []name{{"LINKEDIN_ACCOUNT_DISCONNECTED", otherName}},
		times: noFields, innerTimes: noPlaces, steps: sequenceSteps, messageID: sentMail, about: aboutAccount,
		people: (*body).alerted, detail: (*body).readAlert, discriminate: (*body).byAlert,
		resend: &ResendGuide{
			FiresWhen: "a LinkedIn account loses its connection",
			Action:    "disconnect the account and connect it again",
		},
	},
	webhook.CampaignBounceBreach: {
		// The envelope's name for it is not documented: these are the spellings that
		// its naming pattern allows.
		names: []name{
			{"CAMPAIGN_BOUNCE_BREACHED", otherName}, {"CAMPAIGN_BOUNCE_THRESHOLD", otherName},
			{"CAMPAIGN_BOUNCE_THRESHOLD_BREACH", otherName}, {"CAMPAIGN_BOUNCE_THRESHOLD_BREACHED", otherName},
			{"CAMPAIGN_BOUNCE_THRESHOLD_EXCEEDED", otherName}, {"CAMPAIGN_BOUNCE_THRESHOLD_REACHED", otherName},
		},
		times: noFields, innerTimes: noPlaces, steps: sequenceSteps, messageID: sentMail, about: aboutAccount,
		people: (*body).alerted, detail: (*body).readAlert, discriminate: (*body).byAlert,
		resend: &ResendGuide{
			FiresWhen: "a campaign passes its bounce threshold",
			Action:    "lower the threshold of a test campaign below its bounce rate",
		},
	},
	webhook.Unknown: {
		names: noNames,
		times: noFields, innerTimes: anyTimes, steps: sequenceSteps, messageID: sentMail, about: aboutAnything,
		people: (*body).correspondence, detail: noDetail, discriminate: (*body).byBody,
		resend: &ResendGuide{},
	},
}

// These say that a type has no such thing.
var (
	noNames  = []name{}
	noFields = []field{}
	noPlaces = []place{}
)

func noDetail(*body) {}

var (
	sequenceSteps = []field{fSequenceNumber, fCurrentSequenceNumber, fCurrentSequence}
	replyTimes    = []place{{fReplyMessage, "time"}, {fReply, "received_at"}}
	// anyTimes has the inner times of all types, for events of a type that nobody
	// has seen.
	anyTimes = []place{{fReplyMessage, "time"}, {fReply, "received_at"}, {fBounceMessage, "time"}, {fLink, "clicked_at"}}
)

// place is a member inside a top-level object.
type place struct {
	object field
	member string
}

// mail says which mail an id belongs to.
type mail uint8

const (
	_ mail = iota // nobody said it
	// sentMail is the one that we sent.
	sentMail
	// inboundMail is the one that arrived, but in the nested dialects, which have a
	// lead{}: there a top-level message_id is the sent mail's always.
	inboundMail
)

// subject is what an event is about.
type subject uint8

const (
	_ subject = iota // nobody said it
	aboutLead
	aboutCampaign
	aboutAccount
	aboutAnything // of a type that nobody has seen
)

// ResendGuide says how the provider is made to send an event of a type again (help
// article on redelivering webhooks: a sent, open, click or reply event needs a
// new time, a bounce a new bounce).
type ResendGuide struct {
	FiresWhen string
	Action    string // the smallest one
	Note      string // may be empty
}

// ResendGuideFor returns how an event of the type is fired again; false when nothing
// is known about that.
func ResendGuideFor(t webhook.Type) (ResendGuide, bool) {
	r := rules[t]
	if r == nil || *r.resend == (ResendGuide{}) {
		return ResendGuide{}, false
	}
	return *r.resend, true
}
