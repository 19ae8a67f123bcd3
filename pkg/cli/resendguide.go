package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/webhook"
)

// resendGuide is the smallest action that makes Smartlead send an event of a type
// again (help article on redelivering webhooks: a sent, open, click or reply
// event needs a new time, a bounce a new bounce).
type resendGuide struct {
	Type   webhook.Type `json:"type"`
	Fires  string       `json:"fires_when"`
	Action string       `json:"action"`
	Note   string       `json:"note,omitempty"`
}

var resendGuides = []resendGuide{
	{webhook.EmailSent, "a new sent time exists",
		"let the campaign send one email to a test lead", "The first step sends FIRST_EMAIL_SENT as well."},
	{webhook.FirstEmailSent, "a lead's first step is sent",
		"add a test lead to the campaign and let step 1 go out", "It cannot fire twice for one lead."},
	{webhook.EmailOpen, "a new open time exists",
		"open the email again, with images shown", "Open tracking must be on in the campaign."},
	{webhook.EmailLinkClick, "a new click time exists",
		"click a tracked link in the email again", "Click tracking must be on in the campaign."},
	{webhook.EmailReply, "a new reply time exists",
		"reply to the email once more, from the lead's mailbox", "It is a new reply with a new message id: a new event, not the lost one."},
	{webhook.EmailBounce, "the bounce status changes to true",
		"send to a test lead whose address does not exist", "A lead that has bounced does not bounce again."},
	{webhook.LeadUnsubscribed, "a lead is unsubscribed",
		"use the unsubscribe link of an email to a test lead, or unsubscribe the lead in the campaign", ""},
	{webhook.LeadCategoryUpdated, "a lead's category changes",
		"set the lead to another category and back", "Both changes fire: the second one is the state that you want."},
	{webhook.CampaignStatusChanged, "a campaign's status changes",
		"pause the campaign and start it again", "Two changes fire. They carry no time: repeats within the window count as duplicates."},
	{webhook.UntrackedReplies, "a mail arrives that belongs to no campaign mail",
		"write to the connected mailbox from an address outside the campaign, as a new thread", "Missed ones are listed by GET /master-inbox/untracked-replies."},
	{webhook.ManualStepReached, "a lead reaches a manual step",
		"move a test lead to the step before the manual one and let it pass", ""},
	{webhook.EmailAccountDisconnected, "a mailbox loses its connection",
		"disconnect a test mailbox and connect it again", ""},
	{webhook.LinkedInDisconnected, "a LinkedIn account loses its connection",
		"disconnect the account and connect it again", ""},
	{webhook.CampaignBounceBreach, "a campaign passes its bounce threshold",
		"lower the threshold of a test campaign below its bounce rate", ""},
}

func (p *program) resendGuideCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "resend-guide [TYPE]",
		Short: "Say how to make Smartlead send an event again when no payload is left",
		Long: `Say the smallest action that makes Smartlead send an event of this type again,
for an event of which no payload is left. Before that, see whether one is left:

  1. here: smartleadctl events find TEXT, then events replay ID
  2. at Smartlead: POST /campaigns/ID/webhooks/retrigger-failed-events, or the
     redelivery option of its webhook log; the receiver drops what it has already

A user-level webhook takes the events of client and campaign webhooks: check which
one is active before you wait for an event.`,
		Example:   "  smartleadctl resend-guide EMAIL_REPLY",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: typeNames(),
		RunE:      func(_ *cobra.Command, args []string) error { return p.resendGuide(args) },
	}
}

// refireCmd is resend-guide under its former name, which notes and scripts may
// still hold. No help lists it.
func (p *program) refireCmd() *cobra.Command {
	cmd := p.resendGuideCmd()
	cmd.Use, cmd.Hidden = "refire [TYPE]", true
	return cmd
}

func (p *program) resendGuide(args []string) error {
	chosen := resendGuides
	if len(args) == 1 {
		types := matchTypes(args[0])
		if len(types) == 0 {
			_, err := parseType(args[0])
			return err
		}
		chosen = nil
		for _, r := range resendGuides {
			if slices.Contains(types, r.Type) {
				chosen = append(chosen, r)
			}
		}
		if chosen == nil {
			return notFound("nothing is known about firing %s again", join(types)).
				hint("look for its payload: %s events list --type %s", p.self(), types[0])
		}
	}
	for i, r := range chosen {
		if p.json {
			if err := p.emit(r); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			p.line("")
		}
		p.line("%s fires when %s", r.Type, r.Fires)
		p.line("  do:   %s", r.Action)
		if r.Note != "" {
			p.line("  note: %s", r.Note)
		}
		p.line("  then: %s events list --type %s --since 15m", p.self(), r.Type)
	}
	return nil
}
