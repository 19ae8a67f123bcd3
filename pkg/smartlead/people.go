package smartlead

import "strings"

// people is who takes part in an event.
type people struct {
	lead      string // "" when the body names nobody who can be the lead
	described string // the lead, read from the description: shown, never hashed
	leadName  string
	mailbox   string // ours
	responder string // who wrote the reply
	target    string // leadCorrespondence.targetLeadEmail
}

// alerted reads no lead: email and data.email are our mailbox (helpcenter
// articles 88 and 403).
func (b *body) alerted() people {
	return people{mailbox: firstAddress(b.scalar(fEmail), b.text(b.get(b.f[fData], "email")))}
}

// untracked takes the sender for the lead and the recipient for our mailbox
// (help page "Untracked replies"; in the flat dialect from_email and to_email).
func (b *body) untracked() people {
	p := people{mailbox: firstAddress(b.scalar(fRecipientDetail), b.scalar(fToEmail))}
	p.responder = firstAddress(b.scalar(fSenderDetail), b.scalar(fFromEmail))
	name := displayName(b.scalar(fSenderDetail))
	if p.responder == p.mailbox || isDaemon(p.responder) || isDaemonName(name) {
		return p // nobody who could be a lead
	}
	p.lead, p.leadName = p.responder, name
	return p
}

// correspondence is the rule for mails of a campaign. from_email is our mailbox
// and to_email the prospect, even on EMAIL_REPLY; since real data break this, the
// fields that name the lead go first: sl_lead_email,
// leadCorrespondence.targetLeadEmail, lead_email, lead_data.email, lead.email,
// email, last to_email ("to" in LEAD_CATEGORY_UPDATED).
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
		address(b.scalar(fEmail)),
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
	p.leadName = b.leadName(p.lead)
	return p
}

// answering returns who wrote a reply. Where no member says it, that is a to_email
// which is neither the lead nor our mailbox: somebody else answered in the
// lead's place.
func (p people) answering(to string) string {
	if p.responder == "" && p.lead != "" && p.mailbox != "" && to != "" && to != p.lead && to != p.mailbox && !isDaemon(to) {
		return to
	}
	return p.responder
}

// describedCorrespondence reads the lead out of the description where no other
// member has it ("… sent to X got bounced", seen by an integrator on bounces
// without to_email).
func (b *body) describedCorrespondence() people {
	p := b.correspondence()
	if p.lead != "" {
		return p
	}
	for word := range strings.FieldsSeq(b.scalar(fDescription)) {
		a := address(strings.Trim(word, `.,;:!?"'()[]`))
		if a != "" && a != p.mailbox && !isDaemon(a) {
			p.described = a
			break
		}
	}
	return p
}

// leadName returns the name beside the lead's address: to_name stands for the
// prospect only where to_email does.
func (b *body) leadName(lead string) string {
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
	if to := address(b.scalar(fToEmail)); to == lead || to == "" {
		return b.scalar(fToName)
	}
	return ""
}

// ourMailbox returns the mailbox where a field of its own names it: seen live
// (sl_senders_mailbox), nestedtype (email_account.from_email), short
// (email_account).
func (b *body) ourMailbox() string {
	account := b.f[fEmailAccount]
	return firstAddress(b.scalar(fSlSendersMailbox), b.text(b.get(account, "from_email")),
		b.text(b.get(account, "email")), b.scalar(fEmailAccount))
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
type senderFlags struct {
	own, daemon, colleague, forwarded bool
}

func (b *body) untrackedSender() senderFlags {
	p := b.people
	return senderFlags{
		own:    p.responder != "" && p.responder == p.mailbox,
		daemon: isDaemon(p.responder) || isDaemonName(displayName(b.scalar(fSenderDetail))),
	}
}

func (b *body) replySender() senderFlags {
	var s senderFlags
	p := b.people
	to, from := address(b.scalar(fToEmail)), address(b.scalar(fFromEmail))
	s.daemon = isDaemon(p.responder) || isDaemon(to) || isDaemon(from) || isDaemonName(b.scalar(fToName))
	if p.responder != "" {
		s.own = p.responder == p.mailbox
	} else if p.mailbox != "" {
		s.own = to == p.mailbox && (from != p.lead || from == "") || address(b.scalar(fToName)) == p.mailbox
	}
	target := p.target
	if target == "" {
		target = p.lead
	}
	correspondence := b.f[fLeadCorrespondence]
	company := strings.ReplaceAll(strings.ToLower(b.text(b.get(correspondence, "repliedCompanyDomain"))), "_", "")
	s.colleague = p.responder != "" && target != "" && p.responder != target &&
		!s.own && !s.daemon && company != "differentcompany"
	s.forwarded = b.text(b.get(correspondence, "forwardedFrom")) != "" || b.scalar(fForwardedFrom) != ""
	return s
}
