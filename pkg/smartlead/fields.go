package smartlead

import "strings"

// field is a top-level member that this package reads. Indexing them once, in
// one pass, is what makes the reading rules below cheap to state.
type field uint8

const (
	fNone field = iota
	fEventType
	fEvent
	fEventTypeCamel
	fType
	fCampaignID
	fCampaignIDCamel
	fCampaignName
	fCampaignStatus
	fClientID
	fStatsID
	fEventTimestamp
	fTimestamp
	fTimeSent
	fTimeOpened
	fTimeClicked
	fTimeReplied
	fTimeBounced
	fTimeUnsubscribed
	fMessageID
	fSlEmailLeadID
	fLeadID
	fSlEmailLeadMapID
	fSlLeadEmail
	fLeadCorrespondence
	fLeadEmail
	fLeadData
	fLead
	fToEmail
	fTo
	fFromEmail
	fFrom
	fToName
	fLeadName
	fLeadFirstName
	fLeadLastName
	fSlSendersMailbox
	fEmailAccount
	fSequenceNumber
	fCurrentSequenceNumber
	fCurrentSequence
	fSubject
	fCustomSubject
	fSentMessage
	fEmail
	fReplyMessage
	fReply
	fReplyBody
	fReplyText
	fPreviewText
	fMessage
	fVisibleText
	fSenderDetail
	fRecipientDetail
	fBounceMessage
	fBounceReplyMessageID
	fBounceReplyEmail
	fBounceReplyPreview
	fBounceType
	fBounceReason
	fSenderOriginated
	fLinkDetails
	fLinkClicked
	fClickedURL
	fLink
	fLeadCategory
	fLeadCategoryID
	fCategory
	fCategoryID
	fPreviousCategory
	fNewCategory
	fPreviousStatus
	fCurrentStatus
	fStatus
	fEventID
	fSlEventID
	fID
	fData
	fPayload
	fBody
	fCreatedAt
	fAccountID
	fAccountIDCamel
	fError
	fReason
	fTitle
	fAppURL
	fAppURLCamel
	fUIMasterInboxLink
	fLinks
	fDescription
	fSecretKey
	fForwardedFrom
	fWebhookID
	fWebhookName
	fMetadata
	fSentMessageIDs
	fEventTypes
	fieldCount
)

// fieldNames maps the wire's spellings to fields. Any other spelling of one of
// these names, such as LeadEmail or leadEmail, is found by foldedNames.
var fieldNames = map[string]field{
	"event_type": fEventType, "event": fEvent, "eventType": fEventTypeCamel, "type": fType,
	"campaign_id": fCampaignID, "campaignId": fCampaignIDCamel,
	"campaign_name": fCampaignName, "campaign_status": fCampaignStatus,
	"client_id": fClientID, "stats_id": fStatsID,
	"event_timestamp": fEventTimestamp, "timestamp": fTimestamp,
	"time_sent": fTimeSent, "time_opened": fTimeOpened, "time_clicked": fTimeClicked,
	"time_replied": fTimeReplied, "time_bounced": fTimeBounced, "time_unsubscribed": fTimeUnsubscribed,
	"message_id": fMessageID, "sl_email_lead_id": fSlEmailLeadID, "lead_id": fLeadID,
	"sl_email_lead_map_id": fSlEmailLeadMapID, "sl_lead_email": fSlLeadEmail,
	"leadCorrespondence": fLeadCorrespondence, "lead_correspondence": fLeadCorrespondence,
	"lead_email": fLeadEmail, "lead_data": fLeadData, "lead": fLead,
	"to_email": fToEmail, "to": fTo, "from_email": fFromEmail, "from": fFrom,
	"to_name": fToName, "lead_name": fLeadName,
	"lead_first_name": fLeadFirstName, "lead_last_name": fLeadLastName,
	"sl_senders_mailbox": fSlSendersMailbox, "email_account": fEmailAccount,
	"sequence_number": fSequenceNumber, "current_sequence_number": fCurrentSequenceNumber,
	"current_sequence": fCurrentSequence, "subject": fSubject, "custom_subject": fCustomSubject,
	"sent_message": fSentMessage, "email": fEmail, "reply_message": fReplyMessage, "reply": fReply,
	"reply_body": fReplyBody, "reply_text": fReplyText, "preview_text": fPreviewText, "message": fMessage,
	"visible_text": fVisibleText, "sender_detail": fSenderDetail, "recipient_detail": fRecipientDetail,
	"bounce_message": fBounceMessage, "bounce_reply_message_id": fBounceReplyMessageID,
	"bounce_reply_email": fBounceReplyEmail, "bounce_reply_email_preview": fBounceReplyPreview,
	"bounce_type": fBounceType, "bounce_reason": fBounceReason,
	"is_sender_originated_bounce": fSenderOriginated,
	"link_details":                fLinkDetails, "link_clicked": fLinkClicked, "clicked_url": fClickedURL, "link": fLink,
	"lead_category": fLeadCategory, "lead_category_id": fLeadCategoryID,
	"category": fCategory, "category_id": fCategoryID,
	"previous_category": fPreviousCategory, "old_category": fPreviousCategory, "new_category": fNewCategory,
	"previous_status": fPreviousStatus, "current_status": fCurrentStatus, "status": fStatus,
	"event_id": fEventID, "sl_event_id": fSlEventID, "id": fID, "data": fData, "payload": fPayload, "body": fBody,
	"created_at": fCreatedAt, "account_id": fAccountID, "accountId": fAccountIDCamel,
	"error": fError, "reason": fReason, "title": fTitle,
	"app_url": fAppURL, "appUrl": fAppURLCamel, "ui_master_inbox_link": fUIMasterInboxLink,
	"links": fLinks, "description": fDescription, "secret_key": fSecretKey, "secretKey": fSecretKey,
	"forwardedFrom": fForwardedFrom, "webhook_id": fWebhookID, "webhook_name": fWebhookName, "metadata": fMetadata,
	"sent_message_ids": fSentMessageIDs, "event_types": fEventTypes,
}

// foldedNames has the names of fieldNames without underscores, in lower case.
// Where two fields share one, the spelling with underscores has it.
var foldedNames = func() map[string]field {
	all := make(map[string]field, len(fieldNames))
	for name, id := range fieldNames {
		folded := string(foldName(nil, []byte(name)))
		if _, taken := all[folded]; !taken || strings.Contains(name, "_") {
			all[folded] = id
		}
	}
	return all
}()

// maxFolded bounds a name that is looked for in another spelling, in bytes.
const maxFolded = 40

// foldedField returns the field of a decoded name in any spelling; fNone where it
// is none.
func foldedField(name []byte) field {
	if len(name) > maxFolded {
		return fNone
	}
	var folded [maxFolded]byte
	return foldedNames[string(foldName(folded[:0], name))]
}

// foldName appends a name without underscores, in lower case.
func foldName(to, name []byte) []byte {
	for _, c := range name {
		if c != '_' {
			to = append(to, lower(c))
		}
	}
	return to
}

// fields is where each field's value stands; 0 when it is absent. Of duplicate
// members the last one counts, and a spelling that is known before any other.
type fields [fieldCount]uint32

func (t *tree) index(object uint32) (f fields) {
	var folded fields
	for name, value := range t.children(object) {
		in := t.inner(name)
		if t.nodes[name].has&hasEscape != 0 {
			in = unescape(nil, in)
		}
		if id, known := fieldNames[string(in)]; known {
			f[id] = value
		} else {
			folded[foldedField(in)] = value
		}
	}
	f.fill(folded)
	f[fNone] = 0
	return f
}

// fill takes what is absent from another object or spelling.
func (f *fields) fill(from fields) {
	for id, v := range from {
		if f[id] == 0 {
			f[id] = v
		}
	}
}
