package smartlead

import (
	"time"

	"smartlead-receiver/pkg/webhook"
)

// body is one event's scanned payload and what is read from it. The event and
// its identity are two views of it, so that they cannot disagree.
type body struct {
	*tree
	f        fields
	typ      webhook.Type
	rawType  string
	typeKey  field
	dialect  string
	people   people
	campaign string
	stats    string
	leadID   string
	at       time.Time // zero when the body has no time
	inbound  string    // message id of the reply
	sent     string    // message id of the sent mail
	bounceID string    // message id of the bounce mail
	links    []string
	category webhook.CategoryChange
	status   webhook.StatusChange
	alert    webhook.Alert
}

// read takes every fact from a payload whose root is an object.
func read(t *tree) *body {
	b := &body{tree: t, f: t.index(0)}
	b.rawType, b.typeKey = t.typeName(&b.f)
	b.typ = canonicalType(b.rawType)
	b.dialect = t.dialectOf(&b.f, b.rawType, b.typeKey, b.typ)
	b.people = b.who()
	data := b.f[fData]
	b.campaign = b.firstID(b.f[fCampaignID], b.f[fCampaignIDCamel], b.get(data, "campaign_id"), b.get(data, "campaignId"))
	b.stats = b.firstID(b.f[fStatsID])
	b.leadID = b.firstID(b.f[fSlEmailLeadID], b.f[fLeadID], b.get(b.f[fLead], "id"))
	b.at = b.when()
	b.sent = b.sentID()
	switch {
	case isReply(b.typ):
		b.inbound = b.inboundID()
	case b.typ == webhook.EmailBounce:
		b.bounceID = b.firstMessageID(b.get(b.f[fBounceMessage], "message_id"), b.f[fBounceReplyMessageID])
	case b.typ == webhook.EmailLinkClick:
		b.links = b.clickedLinks()
	case b.typ == webhook.LeadCategoryUpdated:
		b.category = b.categoryChange()
	case b.typ == webhook.CampaignStatusChanged:
		b.status = webhook.StatusChange{
			Old: b.scalar(fPreviousStatus),
			New: b.firstText(b.f[fCurrentStatus], b.f[fStatus], b.f[fCampaignStatus]),
		}
	case isAlert(b.typ):
		b.alert = b.alertOf()
	}
	return b
}

// scalar is the text of a top-level field.
func (b *body) scalar(id field) string { return b.text(b.f[id]) }

func (b *body) firstID(values ...uint32) string { return bounded(b.firstText(values...)) }

func (b *body) firstMessageID(values ...uint32) string {
	for _, v := range values {
		if id := messageID(b.text(v)); id != "" {
			return id
		}
	}
	return ""
}

// when is the event's time: event_timestamp, the type's own time_*, timestamp,
// the time inside the type's own object, the envelope's created_at. Never the
// hook's creation, the time of the sent mail, a bounce's time_sent, or a
// lead's first or last open.
func (b *body) when() time.Time {
	candidates := [...]uint32{b.f[fEventTimestamp], b.ownTime(), b.f[fTimestamp], 0, 0, 0, 0, 0}
	rest := candidates[:3]
	unknown := b.typ == webhook.Unknown
	if isReply(b.typ) || unknown {
		rest = append(rest, b.get(b.f[fReplyMessage], "time"), b.get(b.f[fReply], "received_at"))
	}
	if b.typ == webhook.EmailBounce || unknown {
		rest = append(rest, b.get(b.f[fBounceMessage], "time"))
	}
	if b.typ == webhook.EmailLinkClick || unknown {
		rest = append(rest, b.get(b.f[fLink], "clicked_at"))
	}
	if b.dialect == DialectEnvelope {
		rest = append(rest, b.f[fCreatedAt])
	}
	for _, c := range rest {
		if c == 0 {
			continue
		}
		if t, ok := parseTime(b.text(c)); ok {
			return t
		}
	}
	return time.Time{}
}

func (b *body) ownTime() uint32 {
	switch b.typ {
	case webhook.EmailSent, webhook.FirstEmailSent:
		return b.f[fTimeSent]
	case webhook.EmailOpen:
		return b.f[fTimeOpened]
	case webhook.EmailLinkClick:
		return b.f[fTimeClicked]
	case webhook.EmailReply, webhook.UntrackedReplies:
		return b.f[fTimeReplied]
	case webhook.EmailBounce:
		return b.f[fTimeBounced]
	case webhook.LeadUnsubscribed:
		return b.f[fTimeUnsubscribed]
	}
	return 0
}

// sentID is the message id of the mail that we sent. Top-level message_id is
// the sent mail's on every type but the replies; on those only in the nested
// dialects, which have a lead{}.
func (b *body) sentID() string {
	sent := b.f[fSentMessage]
	id := b.firstMessageID(b.get(sent, "message_id"), b.get(sent, "id"), b.get(b.f[fEmail], "message_id"))
	if id == "" && (!isReply(b.typ) || b.isObject(b.f[fLead])) {
		id = b.firstMessageID(b.f[fMessageID])
	}
	return id
}

// inboundID is the message id of the mail that arrived. A value equal to the
// sent mail's is a known glitch (a phone client mirrors the last sent mail)
// and counts as absent.
func (b *body) inboundID() string {
	candidates := [...]uint32{b.get(b.f[fReplyMessage], "message_id"), b.get(b.f[fReply], "message_id"), 0}
	if !b.isObject(b.f[fLead]) {
		candidates[2] = b.f[fMessageID]
	}
	for _, c := range candidates {
		if id := messageID(b.text(c)); id != "" && id != b.sent {
			return id
		}
	}
	return ""
}

// replyText is the value whose text stands for a reply without a message id;
// 0 when there is none.
func (b *body) replyText() uint32 {
	for _, v := range [...]uint32{
		b.get(b.f[fReplyMessage], "html"), b.f[fReplyBody], b.get(b.f[fReplyMessage], "text"),
		b.get(b.f[fReply], "body"), b.f[fMessage], b.f[fVisibleText], b.f[fPreviewText],
	} {
		if b.hasText(v) {
			return v
		}
	}
	return 0
}

// categoryChange: help has lead_category{old_id, …}, the flat dialect category
// and lead_category_id, the short one category_id; only the new side then.
func (b *body) categoryChange() webhook.CategoryChange {
	change := b.f[fLeadCategory]
	data := b.get(b.f[fLeadData], "category")
	return webhook.CategoryChange{
		OldID: b.firstID(b.get(change, "old_id")),
		Old:   b.text(b.get(change, "old_name")),
		NewID: b.firstID(b.get(change, "new_id"), b.f[fLeadCategoryID], b.f[fCategoryID]),
		New: b.firstText(b.get(change, "new_name"), b.f[fCategory], b.get(b.f[fCategory], "name"),
			b.get(data, "name"), data),
		Sentiment: b.firstText(b.get(data, "sentiment_type"), b.get(b.f[fCategory], "sentiment_type")),
	}
}

// providerEventID is an id that a body claims to have. A constant or a
// per-delivery value would erase or double events, so it is the identity of
// unknown types alone.
func (b *body) providerEventID() string {
	return b.firstID(b.f[fEventID], b.f[fSlEventID])
}

func (b *body) alertOf() webhook.Alert {
	data := b.f[fData]
	return webhook.Alert{
		AccountID: b.firstID(b.f[fAccountIDCamel], b.f[fAccountID], b.get(data, "account_id"), b.get(data, "accountId")),
		Reason:    b.firstText(b.f[fError], b.f[fReason], b.get(data, "reason"), b.get(data, "error")),
		Title:     b.scalar(fTitle),
		Message:   b.scalar(fMessage),
	}
}
