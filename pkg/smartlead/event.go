package smartlead

import (
	"strings"

	"smartlead-receiver/pkg/webhook"
)

// event is the normalized form of the body.
func (b *body) event(account string, e Element) webhook.Event {
	ev := webhook.Event{
		Schema: webhook.Schema, ID: webhook.EventID(e.Key),
		Type: b.typ, RawType: cut(b.rawType, maxRawType), Dialect: b.dialect, Account: account,
		CampaignID: b.campaign, CampaignName: b.scalar(fCampaignName), ClientID: b.scalar(fClientID),
		Lead: b.lead(), Mailbox: b.people.mailbox, StatsID: b.stats,
		InboxURL:   b.firstText(b.f[fAppURL], b.f[fAppURLCamel], b.f[fUIMasterInboxLink], b.get(b.f[fLinks], "app")),
		OccurredAt: b.at, OccurredAtSource: webhook.TimeFromEvent,
		SequenceNumber:  b.sequenceNumber(),
		Subject:         b.firstText(b.f[fSubject], b.f[fCustomSubject], b.get(b.f[fReply], "subject"), b.get(b.f[fEmail], "subject")),
		MessageID:       b.sent,
		Links:           b.links,
		ProviderEventID: b.providerEventID(),
		Raw:             e.Payload,
	}
	if b.at.IsZero() {
		ev.OccurredAtSource = webhook.TimeFromReceipt
	}
	switch {
	case isReply(b.typ):
		ev.Reply = b.reply()
	case b.typ == webhook.EmailBounce:
		ev.Bounce = b.bounce()
	case b.typ == webhook.LeadCategoryUpdated && b.category != webhook.CategoryChange{}:
		ev.Category = &b.category
	case b.typ == webhook.CampaignStatusChanged && b.status != webhook.StatusChange{}:
		ev.Status = &b.status
	case isAlert(b.typ) && b.alert != webhook.Alert{}:
		ev.Alert = &b.alert
	}
	ev.Flags = b.flags(e)
	return ev
}

func (b *body) lead() *webhook.Lead {
	lead := webhook.Lead{Email: b.people.lead, ID: b.leadID, MapID: b.scalar(fSlEmailLeadMapID), Name: b.leadName()}
	if lead.Email == "" {
		lead.Email = b.people.fromDescription
	}
	if lead == (webhook.Lead{}) {
		return nil
	}
	return &lead
}

// leadName is the name beside the lead's address: to_name stands for the
// prospect only where to_email does.
func (b *body) leadName() string {
	if isAlert(b.typ) {
		return ""
	}
	if b.typ == webhook.UntrackedReplies {
		return displayName(b.scalar(fSenderDetail))
	}
	if s := b.scalar(fLeadName); s != "" {
		return s
	}
	for _, o := range [...]uint32{b.f[fLead], b.f[fLeadData]} {
		if s := strings.TrimSpace(b.text(b.get(o, "first_name")) + " " + b.text(b.get(o, "last_name"))); s != "" {
			return s
		}
	}
	if s := strings.TrimSpace(b.scalar(fLeadFirstName) + " " + b.scalar(fLeadLastName)); s != "" {
		return s
	}
	if to := address(b.scalar(fToEmail)); to == b.people.lead || to == "" {
		return b.scalar(fToName)
	}
	return ""
}

func (b *body) sequenceNumber() string {
	if b.typ == webhook.ManualStepReached {
		return b.firstText(b.f[fCurrentSequenceNumber], b.f[fSequenceNumber])
	}
	return b.firstText(b.f[fSequenceNumber], b.f[fCurrentSequenceNumber], b.f[fCurrentSequence])
}

// reply keeps text and HTML apart. reply_body and reply.body hold either.
func (b *body) reply() *webhook.Reply {
	message := b.f[fReplyMessage]
	r := webhook.Reply{
		HTML:      b.verbatim(b.get(message, "html")),
		Text:      b.verbatim(b.get(message, "text")),
		From:      b.people.responder,
		MessageID: b.inbound,
	}
	for _, v := range [...]uint32{b.f[fReplyBody], b.get(b.f[fReply], "body"), b.f[fMessage], b.f[fVisibleText], b.f[fPreviewText]} {
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
	if r == (webhook.Reply{}) {
		return nil
	}
	return &r
}

// replier is who answered when no member says it: the lead, unless what
// stands in the lead's place is our mailbox or a daemon.
func (b *body) replier() string {
	own, daemon, _, _ := b.senderFlags(b.people)
	switch to := address(b.scalar(fToEmail)); {
	case own:
		return b.people.mailbox
	case daemon && isDaemon(to):
		return to
	case daemon:
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

func (b *body) bounce() *webhook.Bounce {
	message := b.f[fBounceMessage]
	return &webhook.Bounce{
		Class:            b.scalar(fBounceType),
		SenderOriginated: b.senderOriginated(),
		Reason: b.firstText(b.f[fBounceReason], b.get(message, "text"), b.f[fBounceReplyPreview],
			b.f[fBounceReplyEmail], b.get(message, "html")),
		MessageID: b.bounceID,
	}
}

func (b *body) senderOriginated() bool {
	switch strings.ToLower(b.scalar(fSenderOriginated)) {
	case "true", "1", "yes":
		return true
	}
	return false
}

func (b *body) flags(e Element) []string {
	flags := make([]string, 0, 4)
	set := func(on bool, flag string) {
		if on {
			flags = append(flags, flag)
		}
	}
	own, daemon, colleague, forwarded := b.senderFlags(b.people)
	set(own, webhook.FlagOwnMailboxSender)
	set(daemon, webhook.FlagDaemonSender)
	set(colleague, webhook.FlagColleague)
	set(forwarded, webhook.FlagForwarded)
	set(e.TestEvent, webhook.FlagTestEvent)
	set(b.typ == webhook.EmailBounce && b.senderOriginated(), webhook.FlagSenderOriginatedBounce)
	set(e.Timeless, webhook.FlagTimeless)
	set(b.typ == webhook.FirstEmailSent, webhook.FlagSameSend)
	if len(flags) == 0 {
		return nil
	}
	return flags
}

// cut shortens s to at most n bytes, at a rune's beginning.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
