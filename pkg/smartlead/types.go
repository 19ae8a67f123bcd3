package smartlead

import (
	"strings"
	"unicode"

	"smartlead-receiver/pkg/webhook"
)

// The dialects: the shapes in which the provider's pages and captures show one
// and the same event.
const (
	DialectAPIFlat    = "apiflat"    // api-reference/webhooks/events: flat, time_*
	DialectHelp       = "help"       // help.smartlead.ai Webhook-Guide-Updated: what arrives
	DialectNested     = "nested"     // core/webhooks: event, timestamp, lead{}
	DialectNestedType = "nestedtype" // older guides/webhook-integration: event_type, lead{}
	DialectShort      = "short"      // older api-reference/webhooks/create: SENT, REPLIED …
	DialectLeadEnum   = "leadenum"   // campaigns/save-webhooks: LEAD_REPLIED …, email_opened …
	DialectAlert      = "alert"      // helpcenter articles 88 and 210: eventType
	DialectEnvelope   = "envelope"   // helpcenter article 403: id, type, data{}
	DialectUnknown    = "unknown"    // none of them
)

// aliases maps every name seen, normalized, to the canonical type. The
// envelope's name for the bounce threshold is not documented; the spellings
// that its naming pattern allows are listed.
var aliases = map[string]webhook.Type{
	"EMAIL_SENT": webhook.EmailSent, "SENT": webhook.EmailSent,
	"FIRST_EMAIL_SENT": webhook.FirstEmailSent,
	"EMAIL_OPEN":       webhook.EmailOpen, "EMAIL_OPENED": webhook.EmailOpen,
	"OPENED": webhook.EmailOpen, "LEAD_OPENED": webhook.EmailOpen,
	"EMAIL_LINK_CLICK": webhook.EmailLinkClick, "EMAIL_CLICKED": webhook.EmailLinkClick,
	"CLICKED": webhook.EmailLinkClick, "LEAD_CLICKED": webhook.EmailLinkClick,
	"EMAIL_REPLY": webhook.EmailReply, "EMAIL_REPLIED": webhook.EmailReply,
	"REPLIED": webhook.EmailReply, "LEAD_REPLIED": webhook.EmailReply,
	"EMAIL_BOUNCE": webhook.EmailBounce, "EMAIL_BOUNCED": webhook.EmailBounce,
	"BOUNCED": webhook.EmailBounce, "LEAD_BOUNCED": webhook.EmailBounce,
	"LEAD_UNSUBSCRIBED": webhook.LeadUnsubscribed, "EMAIL_UNSUBSCRIBED": webhook.LeadUnsubscribed,
	"UNSUBSCRIBED":            webhook.LeadUnsubscribed,
	"LEAD_CATEGORY_UPDATED":   webhook.LeadCategoryUpdated,
	"CAMPAIGN_STATUS_CHANGED": webhook.CampaignStatusChanged, "CAMPAIGN_STATUS_CHANGE": webhook.CampaignStatusChanged,
	"UNTRACKED_REPLIES":          webhook.UntrackedReplies,
	"MANUAL_STEP_REACHED":        webhook.ManualStepReached,
	"EMAIL_ACCOUNT_DISCONNECTED": webhook.EmailAccountDisconnected,
	"LINKEDIN_DISCONNECTED":      webhook.LinkedInDisconnected, "LINKEDIN_ACCOUNT_DISCONNECTED": webhook.LinkedInDisconnected,
	"CAMPAIGN_BOUNCE_BREACH": webhook.CampaignBounceBreach, "CAMPAIGN_BOUNCE_BREACHED": webhook.CampaignBounceBreach,
	"CAMPAIGN_BOUNCE_THRESHOLD":          webhook.CampaignBounceBreach,
	"CAMPAIGN_BOUNCE_THRESHOLD_BREACH":   webhook.CampaignBounceBreach,
	"CAMPAIGN_BOUNCE_THRESHOLD_BREACHED": webhook.CampaignBounceBreach,
	"CAMPAIGN_BOUNCE_THRESHOLD_EXCEEDED": webhook.CampaignBounceBreach,
	"CAMPAIGN_BOUNCE_THRESHOLD_REACHED":  webhook.CampaignBounceBreach,
}

// maxRawType bounds the name that is kept of a type, in bytes.
const maxRawType = 200

// normalType is a type name upper-cased and trimmed, with '.', '-' and blanks
// as '_', runs of them as one.
func normalType(raw string) string {
	var name strings.Builder
	for _, r := range strings.ToUpper(strings.TrimSpace(raw)) {
		if r == '.' || r == '-' || unicode.IsSpace(r) {
			r = '_'
		}
		if r == '_' && strings.HasSuffix(name.String(), "_") {
			continue
		}
		name.WriteRune(r)
	}
	return strings.Trim(name.String(), "_")
}

// canonicalType resolves an alias; what nobody has seen yet is Unknown.
func canonicalType(raw string) webhook.Type {
	if t, ok := aliases[raw]; ok {
		return t
	}
	if t, ok := aliases[normalType(raw)]; ok {
		return t
	}
	return webhook.Unknown
}

// typeName returns the name of the event's type and the member that holds it:
// event_type wins over event, eventType and type. Members without text do not
// count.
func (t *tree) typeName(f *fields) (string, field) {
	for _, id := range [...]field{fEventType, fEvent, fEventTypeCamel, fType} {
		if s := t.text(f[id]); s != "" {
			return s, id
		}
	}
	// campaigns/save-webhooks: the names with which a hook is registered, read
	// as a type when there is just one.
	if n := t.only(f[fEventTypes]); n != "" {
		return n, fEventTypes
	}
	return "", fNone
}

// only is the text of an array's single value.
func (t *tree) only(array uint32) string {
	text := ""
	if t.isArray(array) {
		for _, v := range t.children(array) {
			if text != "" {
				return ""
			}
			text = t.text(v)
		}
	}
	return text
}

// dialectOf decides by the member that holds the type, then by the type's
// spelling where it exists in one dialect only, then by the members beside it.
func (t *tree) dialectOf(f *fields, raw string, key field, typ webhook.Type) string {
	switch key {
	case fType:
		if t.isObject(f[fData]) {
			return DialectEnvelope
		}
		return DialectUnknown
	case fEventTypeCamel:
		if typ != webhook.Unknown || f[fAccountIDCamel]|f[fCampaignIDCamel]|f[fError]|f[fAppURLCamel] != 0 {
			return DialectAlert
		}
		return DialectUnknown
	case fEventTypes:
		return DialectLeadEnum
	case fEvent:
		if typ != webhook.Unknown || t.isObject(f[fLead]) || f[fTimestamp] != 0 {
			return DialectNested
		}
		return DialectUnknown
	case fEventType:
		return t.dialectOfEventType(f, raw, typ)
	}
	return DialectUnknown
}

func (t *tree) dialectOfEventType(f *fields, raw string, typ webhook.Type) string {
	name := normalType(raw)
	switch name {
	case "SENT", "OPENED", "CLICKED", "REPLIED", "BOUNCED", "UNSUBSCRIBED":
		return DialectShort
	case "LEAD_OPENED", "LEAD_CLICKED", "LEAD_REPLIED", "LEAD_BOUNCED":
		return DialectLeadEnum
	}
	switch {
	case t.isObject(f[fLead]):
		return DialectNestedType
	case t.hasHelpMember(f):
		return DialectHelp
	case typ == webhook.Unknown:
		return DialectUnknown
	}
	lower := raw == strings.ToLower(raw)
	switch name {
	case "EMAIL_SENT":
		if lower && f[fTimeSent] == 0 {
			return DialectLeadEnum
		}
	case "EMAIL_OPENED", "EMAIL_CLICKED", "EMAIL_REPLIED", "EMAIL_BOUNCED", "EMAIL_UNSUBSCRIBED":
		if lower {
			return DialectLeadEnum
		}
		return DialectNestedType
	}
	return DialectAPIFlat
}

// helpMembers exist in the help dialect only. webhook_url, secret_key and
// description are common there too, but a relay may add them to any dialect.
var helpMembers = [...]field{
	fStatsID, fEventTimestamp, fSentMessage, fReplyMessage, fBounceMessage,
	fSlEmailLeadID, fSlEmailLeadMapID, fSlLeadEmail, fLeadCorrespondence, fSlSendersMailbox,
	fAppURL, fUIMasterInboxLink, fWebhookID, fMetadata, fLinkDetails, fSenderDetail, fRecipientDetail,
	fVisibleText, fCurrentSequenceNumber, fSentMessageIDs, fPreviousStatus, fCurrentStatus,
}

func (t *tree) hasHelpMember(f *fields) bool {
	for _, id := range helpMembers {
		if f[id] != 0 {
			return true
		}
	}
	return t.isObject(f[fLeadCategory])
}
