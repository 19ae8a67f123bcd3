package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

func TestSearchOpensTheOneEvent(t *testing.T) {
	c := consoletest.New(t)
	id := c.Stack.Post(clitest.Reply(1))
	c.Stack.Post(clitest.Reply(2))
	hash := id[strings.LastIndex(id, ":")+1:]
	for _, text := range []string{"lead1@acme.example.com", " LEAD1@acme.example.com ", id, "EMAIL_REPLY:" + hash[:8], "<reply-1@acme.example.com>", "stats-1", "lead1@"} {
		a := c.Get("/find?q=" + url.QueryEscape(text))
		if a.Status != http.StatusOK || !strings.Contains(a.Text(), "Story") || !strings.Contains(a.Text(), "lead1@acme.example.com") {
			t.Errorf("%s: %d\n%s", text, a.Status, a.Text())
		}
	}
	wants(t, c.OK("/find?q=%40acme.example.com"), "2 events have @acme.example.com", "lead1@", "lead2@")
	wants(t, c.OK("/find?q=nobody%40acme.example.com"), "No event has the lead or event id nobody@acme.example.com", "Was it refused?", "resend-guide reply", "--since 90d")
	wants(t, c.OK("/find"), "A lead's address or a part of it")
	for path, want := range map[string]string{"/find?q=a%E2%80%AEb": "lead or event id a b", "/a%E2%80%AEb": "there is no page /a b"} {
		if text := c.Get(path).Text(); strings.Contains(text, "\u202e") || !strings.Contains(text, want) {
			t.Errorf("%s turns the line round:\n%q", path, text)
		}
	}
}
