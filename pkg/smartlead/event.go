package smartlead

import (
	"strings"

	"smartlead-receiver/pkg/webhook"
)

// event writes the normalized form of the body, an element of which all else is read.
func (b *body) event(ev *webhook.Event, account string, e *Element) {
	*ev = webhook.Event{
		Schema: webhook.Schema, ID: webhook.EventID(e.Key),
		Type: b.typ, RawType: cut(b.rawType, maxRawType), Dialect: b.dialect, Account: account,
		CampaignID: b.campaign, CampaignName: b.scalar(fCampaignName), ClientID: b.scalar(fClientID),
		Lead: b.lead(), Mailbox: b.people.mailbox, StatsID: b.stats,
		InboxURL:   b.firstText(b.f[fAppURL], b.f[fAppURLCamel], b.f[fUIMasterInboxLink], b.get(b.f[fLinks], "app")),
		OccurredAt: b.at, OccurredAtSource: webhook.TimeFromEvent,
		SequenceNumber:  b.step(),
		Subject:         b.firstText(b.f[fSubject], b.f[fCustomSubject], b.get(b.f[fReply], "subject"), b.get(b.f[fEmail], "subject")),
		MessageID:       b.sent,
		Reply:           b.reply,
		Bounce:          b.bounce,
		Links:           b.links,
		Category:        b.category,
		Status:          b.status,
		Alert:           b.alert,
		ProviderEventID: b.providerEventID(),
		Raw:             e.Payload,
	}
	if b.at.IsZero() {
		ev.OccurredAtSource = webhook.TimeFromReceipt
	}
	ev.Flags = b.flags(e)
}

func (b *body) lead() *webhook.Lead {
	lead := webhook.Lead{Email: b.people.lead, ID: b.leadID, MapID: b.scalar(fSlEmailLeadMapID), Name: b.people.leadName}
	if lead.Email == "" {
		lead.Email = b.people.described
	}
	return orNil(lead)
}

func (b *body) flags(e *Element) []string {
	flags := make([]string, 0, 4)
	set := func(on bool, flag string) {
		if on {
			flags = append(flags, flag)
		}
	}
	set(b.sender.own, webhook.FlagOwnMailboxSender)
	set(b.sender.daemon, webhook.FlagDaemonSender)
	set(b.sender.colleague, webhook.FlagColleague)
	set(b.sender.forwarded, webhook.FlagForwarded)
	set(e.TestEvent, webhook.FlagTestEvent)
	set(b.bounce != nil && b.bounce.SenderOriginated, webhook.FlagSenderOriginatedBounce)
	set(e.Timeless, webhook.FlagTimeless)
	set(b.sameSend, webhook.FlagSameSend)
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
