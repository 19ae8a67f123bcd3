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
	holds(t, a.Body, `href="/redrive?plan=1&amp;destination=crm&amp;error_class=http_503&amp;type=EMAIL_REPLY"`, `href="/events?state=dead&amp;destination=crm&amp;error_class=http_410&amp;type=EMAIL_OPEN"`)
	// The plan that a row leads to is one of its events.
	holds(t, c.OK("/redrive?plan=1&destination=crm&error_class=http_503&type=EMAIL_REPLY"), "bring back 2 dead events", "destination crm 2")
	holds(t, c.OK("/redrive?plan=1&destination=none"), "Nothing: of 3 dead events, none matches.")
	holds(t, c.OK("/events?state=dead&destination=crm"), "http_503")
	holds(t, c.Press("/redrive/start?destination=crm", nil).Text(), "Started: 3 events.")
	holds(t, c.OK("/redrive"), "0 of 3")
	if strings.Contains(a.Text(), "and more") {
		t.Errorf("all were counted:\n%s", a.Text())
	}
	holds(t, c.OK("/dead?all=1"), "3 dead events")
}
