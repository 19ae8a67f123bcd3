package console_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"smartlead-receiver/pkg/console/consoletest"
	"smartlead-receiver/pkg/incident"
)

func sighted(t *testing.T, c *consoletest.Console, cause, text string) {
	t.Helper()
	seen := incident.Sighting{
		Key:  incident.Key{Kind: incident.KindError, Cause: cause, Source: "demo"},
		Text: text, Count: 3, First: c.Clock(), Last: c.Clock(),
	}
	if _, err := c.Found().Incidents.Record(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
}

func TestIncidentsAreAcknowledgedAndClosed(t *testing.T) {
	c := consoletest.New(t)
	holds(t, c.OK("/incidents"), "No incident goes on.")
	sighted(t, c, "sync_failed", `the sheet is <b>full</b>`)
	a := c.Get("/incidents")
	holds(t, a.Text(), "✗ open", "sync_failed", "Acknowledge", "Close …")
	if strings.Contains(a.Body, "<b>full") {
		t.Errorf("markup from outside is rendered:\n%s", a.Body)
	}
	holds(t, c.OK("/"), "sync_failed")

	move := regexp.MustCompile(`/incidents/[a-z2-7]{10}/`).FindString(a.Body)
	form := a.Form()
	a = c.Do(c.Client, http.MethodPost, c.URL+move+"ack", form, nil)
	holds(t, a.Text(), "Acknowledged: it goes on", "◐ acknowledged")
	if strings.Contains(a.Body, ">Acknowledge<") {
		t.Error("it can be acknowledged once more")
	}
	holds(t, c.OK(move+"close"), "seen 3 times", "Closing repairs nothing")
	holds(t, c.Press(move+"close", nil).Text(), "Closed. What is seen later opens it again.", "No incident goes on.")
	holds(t, c.OK("/incidents?all=1"), "✓ closed")
	holds(t, c.Audit(), "incident ack", "incident close")

	// Another operator closed it before.
	if a := c.Do(c.Client, http.MethodPost, c.URL+move+"ack", form, nil); a.Status != http.StatusConflict {
		t.Errorf("%d: %s", a.Status, a.Text())
	} else {
		holds(t, a.Text(), "changed meanwhile: the incident is closed")
	}
	for _, id := range []string{"aaaaaaaaaa", "no-such-id"} {
		if a := c.Get("/incidents/" + id + "/close"); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d: %s", id, a.Status, a.Text())
		}
	}
}
