package destination

import (
	"strings"
	"unicode/utf8"

	"smartlead-receiver/pkg/webhook"
)

// titles are what happened, in a reader's words.
var titles = map[webhook.Type]string{
	webhook.EmailSent: "Mail sent", webhook.FirstEmailSent: "First mail sent", webhook.EmailOpen: "Mail opened",
	webhook.EmailLinkClick: "Link clicked", webhook.EmailReply: "Reply", webhook.EmailBounce: "Bounce",
	webhook.LeadUnsubscribed: "Unsubscribed", webhook.LeadCategoryUpdated: "Category changed",
	webhook.CampaignStatusChanged: "Campaign status changed", webhook.UntrackedReplies: "Untracked reply",
	webhook.ManualStepReached: "Manual step reached", webhook.EmailAccountDisconnected: "Mailbox disconnected",
	webhook.LinkedInDisconnected: "LinkedIn disconnected", webhook.CampaignBounceBreach: "Too many bounces",
	webhook.Unknown: "Unknown event",
}

// Title says in a reader's words what happened, and to which lead. It is text from
// outside.
func Title(e webhook.Event) string {
	title := titles[e.Type]
	if title == "" {
		title = string(e.Type)
	}
	if e.Lead != nil && e.Lead.Email != "" {
		title += ": " + e.Lead.Email
	}
	if e.Type == webhook.Unknown {
		title += " " + e.RawType
	}
	return title
}

// Text is what a reader wants to read of an event: empty where it has nothing to read. It
// is text from outside, of any length.
func Text(e webhook.Event) string {
	switch {
	case e.Reply != nil && e.Reply.Text != "":
		return e.Reply.Text
	case e.Bounce != nil:
		return e.Bounce.Reason
	case e.Category != nil:
		return arrow(e.Category.Old, e.Category.New)
	case e.Status != nil:
		return arrow(e.Status.Old, e.Status.New)
	case e.Alert != nil:
		return strings.TrimSpace(e.Alert.Title + "\n" + e.Alert.Message + "\n" + e.Alert.Reason)
	}
	return strings.Join(e.Links, "\n")
}

func arrow(before, after string) string {
	if before == "" {
		return after
	}
	return before + " → " + after
}

// Lines makes a text safe to show, as Clean does, and keeps its lines: a mail is read by
// them. What is longer than most characters is cut.
func Lines(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		if r == '\t' || r == utf8.RuneError || r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most-1]) + "…"
	}
	return strings.TrimSpace(s)
}
