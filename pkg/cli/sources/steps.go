package sources

import (
	"fmt"
	"strings"

	"smartlead-receiver/pkg/cli/hook"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
)

// stepWidth is where the line of a step breaks, in bytes.
const stepWidth = 88

// sayHowToEnter says what to do at Smartlead with a new URL. It goes to stderr, so that
// the URL can be piped.
func sayHowToEnter(s *session.Session, name string) {
	s.Say("At Smartlead, under Settings > Webhooks, choose Add Webhook. Then")
	for i, step := range hook.Steps {
		line := fmt.Sprintf("  %d.", i+1)
		for _, word := range strings.Fields(step + ";") {
			if len(line)+1+len(word) > stepWidth {
				s.Say("%s", line)
				line = "    "
			}
			line += " " + word
		}
		s.Say("%s", line)
	}
	s.Say("  %d. save, and press Test Webhook while this waits for it:", len(hook.Steps)+1)
	s.Say("     %s sources watch %s", s.Self(), output.Quote(name))
}
