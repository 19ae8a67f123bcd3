package console_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/console/consoletest"
)

func TestDeadByCause(t *testing.T) {
	c := consoletest.New(t)
	holds(t, c.OK("/dead"), "Nothing is dead.")
	c.TwoCauses()
	a := c.Get("/dead")
	holds(t, a.Text(), "3 dead events", "2 http_503 EMAIL_REPLY crm", "1 http_410 EMAIL_OPEN crm", "Plan a redrive of all")
	holds(t, a.Body, `href="/redrive?plan=1&amp;error_class=http_503&amp;type=EMAIL_REPLY"`, `href="/events?state=dead&amp;error_class=http_410&amp;type=EMAIL_OPEN"`)
	// The plan that a row leads to is one of its events.
	holds(t, c.OK("/redrive?plan=1&error_class=http_503&type=EMAIL_REPLY"), "bring back 2 dead events")
	if strings.Contains(a.Text(), "and more") {
		t.Errorf("all were counted:\n%s", a.Text())
	}
	holds(t, c.OK("/dead?all=1"), "3 dead events")
}
