package console_test

import (
	"net/http"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

func TestADestinationIsPausedAndResumed(t *testing.T) {
	c := consoletest.New(t)
	holds(t, c.OK("/destinations"), "open to events", "Pause crm")
	holds(t, c.OK("/destinations/crm/pause"), "none dies of it", "Pause crm")
	if a := c.Get("/destinations/crm/resume"); a.Status == http.StatusOK {
		t.Errorf("resumes what is not paused: %s", a.Text())
	}
	holds(t, c.Press("/destinations/crm/pause", nil).Text(), "The destination crm is paused: within five seconds nothing more is sent to it, and its events wait.", "paused by", "Resume crm")
	if a := c.Get("/destinations/crm/pause"); a.Status == http.StatusOK {
		t.Errorf("pauses what is paused: %s", a.Text())
	}
	if r := c.Stack.OK("destinations", "list"); r.Out == "" {
		t.Error("nothing is listed")
	} else {
		holds(t, r.Out, "paused since")
	}
	c.Post(clitest.Reply(1))
	c.Work()
	const list = "/events?state=pending"
	if text := c.OK(list); !strings.Contains(text, "crm ○ 0 crm waits") { // a wait is no try
		t.Errorf("got %s", text)
	}
	holds(t, c.Press("/destinations/crm/resume", nil).Text(), "The destination crm is resumed", "open to events")
	for _, path := range []string{"/destinations/none/pause", "/destinations/none/resume", "/destinations/..%2fx/pause"} {
		if a := c.Get(path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.Status, a.Text())
		}
	}
}
