package console_test

import (
	"net/http"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

func TestDestinations(t *testing.T) {
	c := consoletest.New(t)
	holds(t, c.OK("/destinations"), "crm http", "everything", "none lately", "Test crm")
	c.TwoCauses()
	holds(t, c.OK("/destinations"), "3 of 4", "newest 4 events")
	c.Answer.Store(200)
	ask := "/destinations/crm/test"
	holds(t, c.OK(ask), "flag test_event", "Post the sample")
	a := c.Press(ask, nil)
	holds(t, a.Text(), "The destination crm took the sample (delivered, 200); webhook-id v1:EMAIL_REPLY:")
	c.Answer.Store(503)
	holds(t, c.Press(ask, nil).Text(), "503", "a real event would be tried again.")
	c.Answer.Store(410)
	holds(t, c.Press(ask, nil).Text(), "refused for good")
	for _, path := range []string{"/destinations/none/test", "/destinations/..%2fx/test"} {
		if a := c.Get(path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.Status, a.Text())
		}
	}
	// No path and no secret of an address is on the page.
	if body := c.Get("/destinations").Body; strings.Contains(body, "whsec_") {
		t.Errorf("a signing secret:\n%s", body)
	}
}

func TestSources(t *testing.T) {
	c := consoletest.New(t)
	holds(t, c.OK("/sources"), "demo", "none lately", "sources add NAME", "treat it as a password.", "Watch demo")
	c.Stack.Post(clitest.Reply(1))
	a := c.Get("/sources")
	if text := a.Text(); strings.Contains(text, "none lately") {
		t.Errorf("the source has an event:\n%s", text)
	}
	holds(t, a.Body, `href="/events?source=demo"`)
}
