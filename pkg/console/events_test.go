package console_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

func TestEventsAreFilteredByTheAddress(t *testing.T) {
	c := consoletest.New(t)
	c.Answer.Store(503)
	dead := c.Stack.Post(clitest.Reply(1))
	c.Work()
	c.Answer.Store(200)
	c.Stack.Post(clitest.Reply(2))
	c.Work()
	for query, want := range map[string][]string{
		"":                             {"lead1@", "lead2@", "crm ✗", "crm ✓"},
		"?state=dead":                  {"lead1@"},
		"?state=delivered":             {"lead2@"},
		"?type=EMAIL_REPLY&since=2h":   {"lead1@", "lead2@"},
		"?lead=LEAD2@acme.example.com": {"lead2@"},
		"?campaign=4100001":            {"lead1@", "lead2@"},
		"?destination=crm&state=dead":  {"lead1@"},
		"?destination=other":           {"No event matches", "Clear the filter"},
		"?error_class=http_503":        {"lead1@"},
		"?source=demo&until=1h":        {"No event matches"},
	} {
		text := c.OK("/events" + query)
		for _, word := range want {
			if !strings.Contains(text, word) {
				t.Errorf("%s: no %q in\n%s", query, word, text)
			}
		}
		for _, lead := range []string{"lead1@acme", "lead2@acme"} {
			if strings.Contains(text, lead) && !strings.Contains(strings.Join(want, " "), lead[:6]) {
				t.Errorf("%s: %s is listed", query, lead)
			}
		}
	}
	for _, query := range []string{"?state=ded", "?type=NONSENSE", "?since=soon", "?after=x", "?since=1h&until=2h"} {
		if a := c.Get("/events" + query); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %d\n%s", query, a.Status, a.Text())
		}
	}
	// What cannot be read stays in the form, and is told by the form's own words.
	if a := c.Get("/events?since=soon&campaign=77"); !strings.Contains(a.Body, `value="soon"`) || !strings.Contains(a.Body, `value="77"`) ||
		!strings.Contains(a.Text(), "Since soon") || strings.Contains(a.Text(), "--since") {
		t.Errorf("the form is lost, or speaks of flags:\n%s", a.Text())
	}
	if body := c.Get("/events?state=dead").Body; !strings.Contains(body, `href="/events/`+dead+`"`) || !strings.Contains(body, `<option selected>dead</option>`) {
		t.Errorf("the row or the form:\n%s", body)
	}
}

func TestEventsArePagedByCursor(t *testing.T) {
	c := consoletest.New(t)
	for n := range 53 {
		c.Stack.Post(clitest.Reply(n))
		c.Advance(time.Second)
	}
	first := c.Get("/events?source=demo")
	older := linkNamed(t, first.Body, "Older")
	c.Stack.Post(clitest.Reply(99)) // an arrival moves nothing
	second := c.Get(older)
	if got := strings.Count(first.Body, "<tr id="); got != 50 {
		t.Errorf("the first page has %d rows", got)
	}
	if got := strings.Count(second.Body, "<tr id="); got != 3 || strings.Contains(second.Body, "lead99@") || !strings.Contains(second.Text(), "Newest") {
		t.Errorf("the second page has %d rows:\n%s", got, second.Text())
	}
	for _, row := range rowIDs(second.Body) {
		if strings.Contains(first.Body, row) {
			t.Errorf("%s is on both pages", row)
		}
	}
	if strings.Contains(second.Body, "hx-sse:connect") || !strings.Contains(first.Body, `hx-sse:connect="/live/events?source=demo"`) {
		t.Errorf("what arrives is followed on the first page alone:\n%s", first.Body)
	}
}

func TestAnEmptyStackSaysHowToBegin(t *testing.T) {
	c := consoletest.New(t)
	empty := c.Get("/events")
	for _, want := range []string{"Add Webhook", "Test Webhook", "Send a sample reply"} {
		if !strings.Contains(empty.Text(), want) {
			t.Errorf("no %q in\n%s", want, empty.Text())
		}
	}
	a := c.Do(c.Client, http.MethodPost, c.URL+"/events/sample", empty.Form(), nil)
	if a.Status != http.StatusOK || !strings.Contains(a.Text(), "tom@acme.example.com") || !strings.Contains(a.Text(), "A sample reply was sent") {
		t.Fatalf("%d\n%s", a.Status, a.Text())
	}
	c.Work()
	if text := c.OK("/events"); !strings.Contains(text, "✓ delivered EMAIL_REPLY tom@acme.example.com") || strings.Contains(text, "Add Webhook") {
		t.Errorf("got\n%s", text)
	}
	if !strings.Contains(c.Audit(), `action="send a sample" caller=tester`) {
		t.Errorf("no audit line:\n%s", c.Audit())
	}
}

// What arrives and what ends is sent to a page that follows, whatever tab it is in.
func TestArrivalsAreFollowed(t *testing.T) {
	c := consoletest.New(t)
	stream := follow(t, c, "/live/events?state=dead")
	stream.until("event: tick")
	c.Answer.Store(503)
	id := c.Stack.Post(clitest.Reply(1))
	c.Answer.Store(200)
	c.Stack.Post(clitest.Reply(2))
	c.Answer.Store(503)
	c.Work()
	got := stream.until(id)
	if !strings.Contains(got, "event: arrived") && !strings.Contains(got, "event: changed") || !strings.Contains(got, id) {
		t.Errorf("got\n%s", got)
	}
	if !strings.Contains(got, "\nid: 1-") {
		t.Errorf("no id to go on from:\n%s", got)
	}
	if a := c.Get("/live/events?state=nonsense"); a.Status != http.StatusBadRequest {
		t.Errorf("a filter that is none: %d", a.Status)
	}
}

// The fifth page of a browser that is followed lets the first one rest.
func TestTooManyStreamsGiveWay(t *testing.T) {
	c := consoletest.New(t)
	first := follow(t, c, "/live/events")
	first.until("event: tick")
	for range 4 {
		follow(t, c, "/live/events").until("event: tick")
	}
	first.until("event: rest")
	if a := c.Get("/"); a.Status != http.StatusOK {
		t.Errorf("a page: %d", a.Status)
	}
}

// followed is a stream of server-sent events.
type followed struct {
	t     *testing.T
	lines *bufio.Scanner
}

func follow(t *testing.T, c *consoletest.Console, path string) followed {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("%s: %d %s", path, resp.StatusCode, got)
	}
	return followed{t, bufio.NewScanner(resp.Body)}
}

// until reads up to a line that has the words.
func (f followed) until(words string) string {
	f.t.Helper()
	var all strings.Builder
	for f.lines.Scan() {
		all.WriteString(f.lines.Text() + "\n")
		if strings.Contains(f.lines.Text(), words) {
			return all.String()
		}
	}
	f.t.Fatalf("the stream ended without %q: %v\n%s", words, f.lines.Err(), all.String())
	return ""
}
