package console_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
	"smartlead-receiver/pkg/incident"
)

func TestOverviewSaysHowThingsStand(t *testing.T) {
	c := consoletest.New(t)
	wants(t, c.OK("/"), "✓ No incident goes on.", "No event was received in the last 31 days", "Send a sample reply", "✓ Nothing is dead.")
	c.Stack.Post(clitest.Reply(1))
	c.Advance(2 * time.Second)
	c.Work()
	c.Advance(61 * time.Minute)
	c.Answer.Store(503)
	id := c.Stack.Post(clitest.Reply(2))
	c.Work()
	c.Stack.Post(clitest.Reply(3))
	c.Advance(9 * time.Second)
	text := c.OK("/")
	wants(t, text,
		"4 Mar 12:00 1 0 0 0", "4 Mar 13:00 0 1 1 0", "p50 2 s , p99 2 s", "The oldest on its way has waited 9 s", "Of the newest 3, back to 12:00:00 : all of 31 days",
		"Dead: 1", "http_503 EMAIL_REPLY 1 13:01:02", "crm 13:01:02 1 2", "answered 503", "demo 13:01:02 3", "✗ dead EMAIL_REPLY lead2@acme.example.com 4100001 crm ✗ 1 http_503",
	)
	if !strings.Contains(c.Get("/").Body, `href="/events/`+id+`"`) {
		t.Error("no row leads to its event")
	}
	seen := incident.Sighting{Key: incident.Key{Kind: incident.KindError, Cause: "http_500", Source: "demo"}, Text: "<b>x</b>", Count: 3, First: c.Clock(), Last: c.Clock()}
	found := c.Found()
	if _, err := found.Incidents.Record(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	wants(t, c.OK("/"), "Since Count What What to do", " 3 ✗ ")
}

// A store that does not answer spoils its own panel, and a stack that is gone the
// page, until it is back.
func TestAStackThatIsGoneComesBack(t *testing.T) {
	c := consoletest.New(t)
	c.Stack.Post(clitest.Reply(1))
	info := filepath.Join(c.Dir, "stack.json")
	said, err := os.ReadFile(info)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(info); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/events", "/redrive"} {
		a := c.Get(path)
		if a.Status != http.StatusServiceUnavailable || !strings.Contains(a.Body, `http-equiv="refresh" content="5"`) {
			t.Errorf("%s: %d", path, a.Status)
		}
		wants(t, a.Text(), "The stack does not answer", "the local stack is not running")
	}
	if err := os.WriteFile(info, said, 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, c.OK("/"), "lead1@acme.example.com")
	c.DynamoDB = "http://127.0.0.1:1" // nobody
	c.WriteInfo("/" + strings.TrimSuffix(c.At.Table, "-events"))
	a := c.Get("/")
	if a.Status != http.StatusOK || strings.Count(a.Body, ">Try again</a>") != 3 {
		t.Errorf("%d: each panel fails alone:\n%s", a.Status, a.Text())
	}
	if a := c.Get("/events"); a.Status != http.StatusServiceUnavailable || !strings.Contains(a.Text(), "Try again") {
		t.Errorf("%d:\n%s", a.Status, a.Text())
	}
}
