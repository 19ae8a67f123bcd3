package console_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

func TestOverviewListsTheLatestEvents(t *testing.T) {
	c := consoletest.New(t)
	if text := c.OK("/"); !strings.Contains(text, "No event was received in the last 31 days.") {
		t.Errorf("an empty ledger:\n%s", text)
	}
	c.Answer.Store(503)
	id := c.Stack.Post(clitest.Reply(1))
	c.Work()
	text := c.OK("/")
	for _, want := range []string{"✗ dead EMAIL_REPLY lead1@acme.example.com 4100001 crm ✗ 1 http_503"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if !strings.Contains(c.Get("/").Body, `href="/events/`+id+`"`) {
		t.Error("no row leads to its event")
	}
}
