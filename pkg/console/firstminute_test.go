package console_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

var offered = regexp.MustCompile(`formaction="([^"]+)">([^<]+)</button>`)

// take presses the button of that name.
func take(t *testing.T, c *consoletest.Console, a consoletest.Answer, name string) consoletest.Answer {
	t.Helper()
	for _, m := range offered.FindAllStringSubmatch(a.Body, -1) {
		if m[2] == name {
			return c.Do(c.Client, http.MethodPost, c.URL+m[1], url.Values{"csrf": {a.Form().Get("csrf")}}, nil)
		}
	}
	t.Fatalf("no button %q in\n%s", name, a.Text())
	return consoletest.Answer{}
}

// After the first sample the page offers what else can happen; each is one click, and
// opens what it made.
func TestTheFirstMinuteGoesOn(t *testing.T) {
	c := consoletest.New(t)
	empty := c.Get("/events")
	first := c.Do(c.Client, http.MethodPost, c.URL+"/events/sample", empty.Form(), nil)
	c.Work()
	again := take(t, c, first, "Send it again")
	wants(t, again.Text(), "The same body was sent once more.", "✓ delivered", "≡ 1 duplicate")
	changed := take(t, c, again, "Send it with another text")
	wants(t, changed.Text(), "The same reply was sent with another text.", "≠ a variant", "reply_message.text Yes, call me on Tuesday.", "Yes, call me at 12:00:00.000.")
	if strings.Contains(changed.Text(), "bring it back") {
		t.Error("what is delivered is offered to be brought back")
	}

	failing := take(t, c, changed, "Send one to a destination that fails")
	wants(t, failing.Text(), "at whose address nothing is")
	c.Work()
	dead := eventAddressOf(t, c, "/events?state=dead")
	a := c.Get(dead)
	wants(t, a.Text(), "✗ dead EMAIL_REPLY", "sample-crm #1 404", "crm #1 200", "check the destination's URL")
	back := take(t, c, a, "Repair the destination, and bring it back")
	wants(t, back.Text(), "Redrive of", "0 of 1", "writes to the worker's log now")
	ctx, cancel := context.WithCancel(context.Background())
	c.Env.Sleep = func(context.Context, time.Duration) { cancel() }
	c.RunRedrive(ctx)
	c.Work()
	wants(t, c.OK(dead), "✓ delivered", "sample-crm #2")
	// What else arrives is delivered as before.
	other := c.Stack.Post(clitest.Reply(1))
	c.Work()
	wants(t, c.OK(eventPath(other)), "crm #1 200")
	if strings.Contains(c.OK(eventPath(other)), "sample-crm #") || strings.Contains(c.OK(eventPath(other)), "What else can happen") {
		t.Error("an event that is no sample")
	}
	for _, path := range []string{"/sample/again", "/sample/variant"} {
		if a := c.Do(c.Client, http.MethodPost, c.URL+eventPath(other)+path, a.Form(), nil); a.Status != http.StatusBadRequest {
			t.Errorf("%s of what is no sample: %d", path, a.Status)
		}
	}
	if a := c.Do(c.Client, http.MethodPost, c.URL+eventPath(other)+"/sample/back", a.Form(), nil); a.Status != http.StatusConflict {
		t.Errorf("what is no dead sample was brought back: %d", a.Status)
	}
}

var addressOfEvent = regexp.MustCompile(`href="(/events/v1:[^"]+)"`)

// eventAddressOf is the page of the one event of a list.
func eventAddressOf(t *testing.T, c *consoletest.Console, list string) string {
	t.Helper()
	m := addressOfEvent.FindStringSubmatch(c.Get(list).Body)
	if m == nil {
		t.Fatalf("no event in\n%s", c.OK(list))
	}
	return m[1]
}

// A destination of somebody's own is not changed for a sample.
func TestASampleChangesNobodysDestination(t *testing.T) {
	c := consoletest.New(t)
	c.Stack.OK("destinations", "add", "sample-crm", "--url", c.Dest.URL, "--no-sign")
	form := c.Get("/events").Form()
	if a := c.Do(c.Client, http.MethodPost, c.URL+"/events/sample/failing", form, nil); a.Status == http.StatusOK || !strings.Contains(a.Text(), "there already") {
		t.Errorf("%d\n%s", a.Status, a.Text())
	}
}
