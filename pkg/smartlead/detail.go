package smartlead

import (
	"strings"

	"smartlead-receiver/pkg/webhook"
)

// readFirstSend marks the event: EMAIL_SENT tells of the same mail.
func (b *body) readFirstSend() { b.sameSend = true }

func (b *body) readReply() {
	b.people.responder = b.people.answering(address(b.scalar(fToEmail)))
	b.sender = b.replySender()
	b.inbound = b.inboundID()
	b.reply = b.replyOf()
}

func (b *body) readUntracked() {
	b.sender = b.untrackedSender()
	b.inbound = b.inboundID()
	b.reply = b.replyOf()
}

// inboundID returns the message id of the mail that arrived. A value equal to
// the sent mail's is a known glitch (a phone client mirrors the last sent mail)
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

// replyText returns the value whose text stands for a reply without a message
// id; 0 when there is none.
func (b *body) replyText() uint32 {
	for _, v := range [...]uint32{
		b.get(b.f[fReplyMessage], "html"), b.f[fReplyBody], b.get(b.f[fReplyMessage], "text"),
		b.get(b.f[fReply], "body"), b.f[fMessage], b.f[fReplyText], b.f[fVisibleText], b.f[fPreviewText],
	} {
		if b.hasText(v) {
			return v
		}
	}
	return 0
}

// replyOf keeps text and HTML apart: reply_body and reply.body hold either.
func (b *body) replyOf() *webhook.Reply {
	message := b.f[fReplyMessage]
	r := webhook.Reply{
		HTML:      b.verbatim(b.get(message, "html")),
		Text:      b.verbatim(b.get(message, "text")),
		From:      b.people.responder,
		MessageID: b.inbound,
	}
	for _, v := range [...]uint32{
		b.f[fReplyBody], b.get(b.f[fReply], "body"), b.f[fMessage], b.f[fReplyText], b.f[fVisibleText], b.f[fPreviewText],
	} {
		if r.HTML != "" && r.Text != "" {
			break
		}
		s := b.verbatim(v)
		switch {
		case s == "":
		case looksLikeHTML(s):
			if r.HTML == "" {
				r.HTML = s
			}
		case r.Text == "":
			r.Text = s
		}
	}
	if r.From == "" {
		r.From = b.replier()
	}
	return orNil(r)
}

// replier returns who answered when no member says it: the lead, unless what
// stands in the lead's place is our mailbox or a daemon.
func (b *body) replier() string {
	switch to := address(b.scalar(fToEmail)); {
	case b.sender.own:
		return b.people.mailbox
	case b.sender.daemon && isDaemon(to):
		return to
	case b.sender.daemon:
		return ""
	}
	return b.people.lead
}

// looksLikeHTML finds a tag: '<' and a letter, '/' or '!', and a '>' after it.
func looksLikeHTML(s string) bool {
	i := strings.IndexByte(s, '<')
	if i < 0 || i+1 >= len(s) {
		return false
	}
	c := s[i+1] | 0x20
	return (c >= 'a' && c <= 'z' || s[i+1] == '/' || s[i+1] == '!') && strings.IndexByte(s[i:], '>') > 0
}

func (b *body) readBounce() {
	message := b.f[fBounceMessage]
	b.bounceID = b.firstMessageID(b.get(message, "message_id"), b.f[fBounceReplyMessageID])
	b.bounce = &webhook.Bounce{
		Class:            b.scalar(fBounceType),
		SenderOriginated: isYes(b.scalar(fSenderOriginated)),
		Reason: b.firstText(b.f[fBounceReason], b.get(message, "text"), b.f[fBounceReplyPreview],
			b.f[fBounceReplyEmail], b.get(message, "html")),
		MessageID: b.bounceID,
	}
}

func isYes(s string) bool {
	switch strings.ToLower(s) {
	case "true", "1", "yes":
		return true
	}
	return false
}

// readClick reads link_details, else the deprecated link_clicked, else the
// nested dialect's link, else clicked_url, which a relay was seen to send. Captures show lists of strings; a string, objects and
// JSON inside text are read as well, since the current shape is not documented.
func (b *body) readClick() {
	for _, v := range [...]uint32{b.f[fLinkDetails], b.f[fLinkClicked], b.f[fLink], b.f[fClickedURL]} {
		if v == 0 {
			continue
		}
		if b.links = b.linksIn(nil, v, 4); len(b.links) > 0 {
			return
		}
	}
	b.links = nil
}

// readCategory reads both sides of the change where the body has them: the help
// dialect has lead_category{old_id, …}, the flat one category and
// lead_category_id, the short one category_id, which are the new side alone.
// Integrators were seen to get lead_category{id, name}, and previous_category
// and new_category, as text or as objects.
func (b *body) readCategory() {
	change := b.f[fLeadCategory]
	data := b.get(b.f[fLeadData], "category")
	before, after := b.f[fPreviousCategory], b.f[fNewCategory]
	b.category = orNil(webhook.CategoryChange{
		OldID: b.firstID(b.get(change, "old_id"), b.get(before, "id")),
		Old:   b.firstText(b.get(change, "old_name"), b.get(before, "name"), before),
		NewID: b.firstID(b.get(change, "new_id"), b.f[fLeadCategoryID], b.f[fCategoryID], b.get(change, "id"), b.get(after, "id")),
		New: b.firstText(b.get(change, "new_name"), b.f[fCategory], b.get(b.f[fCategory], "name"),
			b.get(data, "name"), data, b.get(change, "name"), b.get(after, "name"), after),
		Sentiment: b.firstText(b.get(data, "sentiment_type"), b.get(b.f[fCategory], "sentiment_type")),
	})
}

// readStatus takes campaign_status as the last resort: it may have changed since.
func (b *body) readStatus() {
	b.status = orNil(webhook.StatusChange{
		Old: b.scalar(fPreviousStatus),
		New: b.firstText(b.f[fCurrentStatus], b.f[fStatus], b.f[fCampaignStatus]),
	})
}

func (b *body) readAlert() {
	data := b.f[fData]
	b.alert = orNil(webhook.Alert{
		AccountID: b.firstID(b.f[fAccountIDCamel], b.f[fAccountID], b.get(data, "account_id"), b.get(data, "accountId")),
		Reason:    b.firstText(b.f[fError], b.f[fReason], b.get(data, "reason"), b.get(data, "error")),
		Title:     b.scalar(fTitle),
		Message:   b.scalar(fMessage),
	})
}

// orNil returns nil for a zero value: what the body does not have.
func orNil[T comparable](v T) *T {
	p := new(T)
	if v == *p {
		return nil
	}
	*p = v
	return p
}
