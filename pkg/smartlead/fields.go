package smartlead

import "bytes"

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
	fLink
	fLeadCategory
	fLeadCategoryID
	fCategory
	fCategoryID
	fPreviousStatus
	fCurrentStatus
	fStatus
	fEventID
	fSlEventID
	fID
	fData
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
	fMetadata
	fSentMessageIDs
	fEventTypes
	fieldCount
)

// fieldNames maps the wire's spelling, camelCase variants included, to fields.
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
	"reply_body": fReplyBody, "preview_text": fPreviewText, "message": fMessage,
	"visible_text": fVisibleText, "sender_detail": fSenderDetail, "recipient_detail": fRecipientDetail,
	"bounce_message": fBounceMessage, "bounce_reply_message_id": fBounceReplyMessageID,
	"bounce_reply_email": fBounceReplyEmail, "bounce_reply_email_preview": fBounceReplyPreview,
	"bounce_type": fBounceType, "bounce_reason": fBounceReason,
	"is_sender_originated_bounce": fSenderOriginated,
	"link_details":                fLinkDetails, "link_clicked": fLinkClicked, "link": fLink,
	"lead_category": fLeadCategory, "lead_category_id": fLeadCategoryID,
	"category": fCategory, "category_id": fCategoryID,
	"previous_status": fPreviousStatus, "current_status": fCurrentStatus, "status": fStatus,
	"event_id": fEventID, "sl_event_id": fSlEventID, "id": fID, "data": fData,
	"created_at": fCreatedAt, "account_id": fAccountID, "accountId": fAccountIDCamel,
	"error": fError, "reason": fReason, "title": fTitle,
	"app_url": fAppURL, "appUrl": fAppURLCamel, "ui_master_inbox_link": fUIMasterInboxLink,
	"links": fLinks, "description": fDescription, "secret_key": fSecretKey, "secretKey": fSecretKey,
	"forwardedFrom": fForwardedFrom, "webhook_id": fWebhookID, "metadata": fMetadata,
	"sent_message_ids": fSentMessageIDs, "event_types": fEventTypes,
}

// fields is where each field's value stands; 0 when it is absent. Of duplicate
// members the last one counts.
type fields [fieldCount]uint32

func (t *tree) index(object uint32) (f fields) {
	for name, value := range t.children(object) {
		in := t.inner(name)
		id, ok := fieldNames[string(in)]
		if !ok && bytes.IndexByte(in, '\\') >= 0 {
			id = fieldNames[string(unescape(nil, in))]
		}
		f[id] = value
	}
	f[fNone] = 0
	return f
}
