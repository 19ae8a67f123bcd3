package smartlead

import (
	"strings"

	"smartlead-receiver/pkg/webhook"
)

// The dialects are the shapes in which the provider's pages and captures show
// one and the same event.
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

// typeMember is a member that may hold the event's type.
type typeMember struct {
	field   field
	read    func(t *tree, value uint32) string
	dialect func(*body) string
}

// typeMembers lists them; the first that has text counts.
var typeMembers = [...]typeMember{
	{fEventType, (*tree).text, (*body).eventTypeDialect},
	{fEvent, (*tree).text, (*body).eventDialect},
	{fEventTypeCamel, (*tree).text, (*body).camelDialect},
	{fType, (*tree).text, (*body).typeDialect},
	// campaigns/save-webhooks: the names with which a hook is registered, read as a
	// type when there is just one.
	{fEventTypes, (*tree).only, (*body).eventTypesDialect},
}

// typeName returns the name of the event's type and the member that holds it,
// nil when none does.
func (t *tree) typeName(f *fields) (string, *typeMember) {
	for i := range typeMembers {
		m := &typeMembers[i]
		if s := m.read(t, f[m.field]); s != "" {
			return s, m
		}
	}
	return "", nil
}

// only returns the text of an array's single value.
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

func (b *body) typeDialect() string {
	if b.isObject(b.f[fData]) {
		return DialectEnvelope
	}
	return DialectUnknown
}

func (b *body) camelDialect() string {
	if b.known() || b.f[fAccountIDCamel]|b.f[fCampaignIDCamel]|b.f[fError]|b.f[fAppURLCamel] != 0 {
		return DialectAlert
	}
	return DialectUnknown
}

func (b *body) eventTypesDialect() string { return DialectLeadEnum }

func (b *body) eventDialect() string {
	if b.known() || b.isObject(b.f[fLead]) || b.f[fTimestamp] != 0 {
		return DialectNested
	}
	return DialectUnknown
}

// eventTypeDialect decides by names that one dialect alone has, then by the
// members beside the type, then by the case in which it is written.
func (b *body) eventTypeDialect() string {
	switch b.naming {
	case shortName:
		return DialectShort
	case enumName:
		return DialectLeadEnum
	case canonicalName, nestedName, sharedName, otherName:
	}
	switch {
	case b.isObject(b.f[fLead]):
		return DialectNestedType
	case b.hasHelpMember():
		return DialectHelp
	case !b.known():
		return DialectUnknown
	}
	registers := b.rawType == strings.ToLower(b.rawType)
	switch b.naming {
	case nestedName:
		if registers {
			return DialectLeadEnum
		}
		return DialectNestedType
	case sharedName:
		if registers && !b.hasOwnTime() {
			return DialectLeadEnum
		}
	case canonicalName, shortName, enumName, otherName:
	}
	return DialectAPIFlat
}

func (b *body) hasOwnTime() bool {
	for _, id := range b.rule.times {
		if b.f[id] != 0 {
			return true
		}
	}
	return false
}

// helpMembers exist in the help dialect only. webhook_url, secret_key and
// description are common there too, but a relay may add them to any dialect.
var helpMembers = [...]field{
	fStatsID, fEventTimestamp, fSentMessage, fReplyMessage, fBounceMessage,
	fSlEmailLeadID, fSlEmailLeadMapID, fSlLeadEmail, fLeadCorrespondence, fSlSendersMailbox,
	fAppURL, fUIMasterInboxLink, fWebhookID, fMetadata, fLinkDetails, fSenderDetail, fRecipientDetail,
	fVisibleText, fCurrentSequenceNumber, fSentMessageIDs, fPreviousStatus, fCurrentStatus,
}

func (b *body) hasHelpMember() bool {
	for _, id := range helpMembers {
		if b.f[id] != 0 {
			return true
		}
	}
	return b.isObject(b.f[fLeadCategory])
}

// known tells whether the type is one that this package has a rule of its own
// for.
func (b *body) known() bool { return b.typ != webhook.Unknown }
