package smartlead

import (
	"strings"

	"smartlead-receiver/pkg/webhook"
)

// people is who takes part in an event.
type people struct {
	lead            string // "" when the body names nobody who can be the lead
	fromDescription string // read from the description: shown, never hashed
	mailbox         string // ours
	responder       string // who wrote the reply
	target          string // leadCorrespondence.targetLeadEmail
}

func isReply(t webhook.Type) bool {
	return t == webhook.EmailReply || t == webhook.UntrackedReplies
}

func isAlert(t webhook.Type) bool {
	return t == webhook.EmailAccountDisconnected || t == webhook.LinkedInDisconnected || t == webhook.CampaignBounceBreach
}

// who finds the people of an event by its type.
func (b *body) who() people {
	switch {
	case isAlert(b.typ):
		// helpcenter articles 88 and 403: email and data.email are our mailbox.
		return people{mailbox: firstAddress(b.scalar(fEmail), b.text(b.get(b.f[fData], "email")))}
	case b.typ == webhook.UntrackedReplies:
		return b.untracked()
	}
	return b.correspondence()
}

// untracked: the lead is the sender, the mailbox the recipient (help page
// "Untracked replies"; in the flat dialect from_email and to_email).
func (b *body) untracked() people {
	p := people{mailbox: firstAddress(b.scalar(fRecipientDetail), b.scalar(fToEmail))}
	sender := firstAddress(b.scalar(fSenderDetail), b.scalar(fFromEmail))
	p.responder = sender
	if sender != p.mailbox && !isDaemon(sender) {
		p.lead = sender
	}
	return p
}

// correspondence is the rule for all others. from_email is our mailbox and
// to_email the prospect, even on EMAIL_REPLY; since real data break this, the
// fields that name the lead go first: sl_lead_email,
// leadCorrespondence.targetLeadEmail, lead_email, lead_data.email, lead.email,
// last to_email ("to" in LEAD_CATEGORY_UPDATED).
func (b *body) correspondence() people {
	sender := firstAddress(b.scalar(fFromEmail), b.scalar(fFrom))
	recipient := firstAddress(b.scalar(fToEmail), b.scalar(fTo))
	ours := b.ourMailbox()
	p := people{
		target:    address(b.text(b.get(b.f[fLeadCorrespondence], "targetLeadEmail"))),
		responder: address(b.text(b.get(b.f[fLeadCorrespondence], "replyReceivedFrom"))),
	}
	named := [...]string{
		address(b.scalar(fSlLeadEmail)), p.target, address(b.scalar(fLeadEmail)),
		address(b.text(b.get(b.f[fLeadData], "email"))), address(b.text(b.get(b.f[fLead], "email"))),
	}
	reversed := "" // a named lead that is also from_email: an inbound mail's own direction
	for _, a := range named {
		if a == "" || isDaemon(a) || a == ours {
			continue
		}
		if a != sender {
			p.lead = a
			break
		}
		if reversed == "" {
			reversed = a
		}
	}
	if p.lead == "" && reversed != "" && ours == "" && recipient == reversed {
		reversed = "" // every address is our own mailbox
	}
	if p.lead == "" {
		p.lead = reversed
	}
	if p.lead == "" && recipient != sender && recipient != ours && !isDaemon(recipient) {
		p.lead = recipient
	}
	switch {
	case ours != "":
		p.mailbox = ours
	case sender != p.lead && !isDaemon(sender):
		p.mailbox = sender
	case recipient != p.lead && !isDaemon(recipient):
		p.mailbox = recipient
	}
	if p.lead == "" {
		p.fromDescription = b.describedLead(p.mailbox)
	}
	return p
}

// ourMailbox is the mailbox where a field of its own names it: seen live
// (sl_senders_mailbox), nestedtype (email_account.from_email), short
// (email_account).
func (b *body) ourMailbox() string {
	account := b.f[fEmailAccount]
	return firstAddress(b.scalar(fSlSendersMailbox), b.text(b.get(account, "from_email")),
		b.text(b.get(account, "email")), b.scalar(fEmailAccount))
}

// describedLead reads the address of a bounce without to_email out of its
// description ("… sent to X got bounced", seen by an integrator).
func (b *body) describedLead(mailbox string) string {
	if b.typ != webhook.EmailBounce {
		return ""
	}
	for word := range strings.FieldsSeq(b.scalar(fDescription)) {
		a := address(strings.Trim(word, `.,;:!?"'()[]`))
		if a != "" && a != mailbox && !isDaemon(a) {
			return a
		}
	}
	return ""
}

func firstAddress(values ...string) string {
	for _, v := range values {
		if a := address(v); a != "" {
			return a
		}
	}
	return ""
}

// senderFlags says what is odd about who replied. Of 177 stored replies of one
// integrator, 27 came from our own sender, a daemon or a no-reply.
func (b *body) senderFlags(p people) (own, daemon, colleague, forwarded bool) {
	if !isReply(b.typ) {
		return
	}
	to, from := address(b.scalar(fToEmail)), address(b.scalar(fFromEmail))
	if b.typ == webhook.UntrackedReplies {
		own = p.responder != "" && p.responder == p.mailbox
		daemon = isDaemon(p.responder) || isDaemonName(displayName(b.scalar(fSenderDetail)))
		return own, daemon, false, false
	}
	daemon = isDaemon(p.responder) || isDaemon(to) || isDaemon(from) || isDaemonName(b.scalar(fToName))
	if p.responder != "" {
		own = p.responder == p.mailbox
	} else if p.mailbox != "" {
		own = to == p.mailbox && (from != p.lead || from == "") || address(b.scalar(fToName)) == p.mailbox
	}
	target := p.target
	if target == "" {
		target = p.lead
	}
	company := strings.ReplaceAll(strings.ToLower(b.text(b.get(b.f[fLeadCorrespondence], "repliedCompanyDomain"))), "_", "")
	colleague = p.responder != "" && target != "" && p.responder != target &&
		!own && !daemon && company != "differentcompany"
	forwarded = b.text(b.get(b.f[fLeadCorrespondence], "forwardedFrom")) != "" || b.scalar(fForwardedFrom) != ""
	return own, daemon, colleague, forwarded
}
