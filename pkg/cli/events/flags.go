package events

import "smartlead-receiver/pkg/webhook"

// flagTexts says what a flag tells an operator.
var flagTexts = map[string]string{
	webhook.FlagOwnMailboxSender:       "the reply came from our own mailbox",
	webhook.FlagDaemonSender:           "the reply came from a mail system, not from a person",
	webhook.FlagColleague:              "somebody else than the addressed lead replied",
	webhook.FlagForwarded:              "the mail was forwarded to whoever replied",
	webhook.FlagTestEvent:              "sent by the test button of Smartlead's dashboard",
	webhook.FlagSenderOriginatedBounce: "the bounce is about our own mailbox, not about the lead",
	webhook.FlagTimeless:               "the body has neither a time nor an id: a repeat within the window counts as a duplicate",
	webhook.FlagSameSend:               "the same mail has an EMAIL_SENT event, too",
	webhook.FlagVariant:                "split off: another body under the identity of another event",
	webhook.FlagSuperseded:             "a newer one of this campaign and lead had been delivered before",
	webhook.FlagSynthesized:            "nobody posted it: it was made of what Smartlead's API says",
	webhook.FlagUntrustedSender:        "the body did not carry a secret_key that the source trusts",
}
