package sources

import (
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
)

// sayHowToEnter says what to do at Smartlead with a new URL (docs/SMARTLEAD.md has the
// sources of each step). It goes to stderr, so that the URL can be piped.
func sayHowToEnter(s *session.Session, name string) {
	for _, line := range []string{
		"At Smartlead, under Settings > Webhooks, choose Add Webhook. Then",
		"  1. choose the level: user for all campaigns, client, or campaign. A webhook of the",
		"     user level silences those of clients and campaigns: have that one alone, or none;",
		"  2. paste the URL. Whoever has it can post events: treat it as a password;",
		"  3. tick the events, all if in doubt, and leave category filters empty;",
		"  4. save, and press Test Webhook while this waits for it:",
		"     " + s.Self() + " sources watch " + output.Quote(name),
	} {
		s.Say("%s", line)
	}
}
