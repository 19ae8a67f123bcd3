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

func holds(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in\n%s", w, text)
		}
	}
}

func TestPlanOfARedrive(t *testing.T) {
	c := consoletest.New(t)
	holds(t, c.OK("/redrive"), "No redrive has ended yet.")
	holds(t, c.OK("/redrive?plan=1"), "Nothing: of 0 dead events, none matches.")
	c.TwoCauses()
	holds(t, c.OK("/redrive?plan=1"), "bring back 3 dead events", "error class http_503 2", "error class http_410 1", "Bring 3 events back …")
	text := c.OK("/redrive?plan=1&type=reply&error_class=http_503&limit=1")
	holds(t, text, "bring back 1 dead event", "that the filter leaves out", "beyond the limit 1 event")
	// A filter that is wrong fails alone, and stays in the form.
	a := c.Get("/redrive?plan=1&type=EMAIL_REPY&max_rate=fast")
	holds(t, a.Text(), "EMAIL_REPY is no event type", "did you mean: EMAIL_REPLY", "Earlier")
	holds(t, a.Body, `value="EMAIL_REPY"`, `value="fast"`)
	holds(t, c.OK("/redrive?plan=1&limit=many"), "limit many is no number")
	holds(t, c.OK("/redrive?plan=1&limit=-1"), "not negative")
}

// step lets the redrive function do one tick, and the worker what it released.
func step(c *consoletest.Console) {
	ctx, cancel := context.WithCancel(context.Background())
	c.Env.Sleep = func(context.Context, time.Duration) { cancel() }
	c.RunRedrive(ctx)
	c.Work()
	c.Advance(40 * time.Second) // a run that is cut off holds the job for a while
}

func TestRedriveFromPlanToEnd(t *testing.T) {
	c := consoletest.New(t)
	c.DeadReplies(7)
	ask := "/redrive/start?canary=2"
	holds(t, c.OK(ask), "Bring 7 dead events back", "the first 2 alone", "Dead does not mean not applied")
	form := c.Get(ask).Form()
	c.Answer.Store(503)
	c.Stack.Post(strings.Replace(clitest.Reply(99), "lead99@", "late@", 1))
	c.Work()
	c.Advance(time.Second)
	c.Answer.Store(200)
	// More has died since: nothing beyond what was agreed to.
	if a := c.Do(c.Client, http.MethodPost, c.URL+ask, form, nil); a.Status != http.StatusConflict {
		t.Fatalf("%d: %s", a.Status, a.Text())
	} else {
		holds(t, a.Text(), "nothing was started: 8 events match now, and you agreed to 7")
	}
	a := c.Press(ask, nil)
	holds(t, a.Text(), "Started: 8 events.", "▶ running", "0 of 8", "Pause", "Cancel …")
	job := regexp.MustCompile(`/redrive/[0-9TZ.]+`).FindString(a.Body)
	if again := c.Do(c.Client, http.MethodPost, c.URL+ask, url.Values{"seen": {"8"}, "csrf": {form.Get("csrf")}}, nil); again.Status != http.StatusConflict {
		t.Errorf("a second one: %d %s", again.Status, again.Text())
	}
	step(c)
	holds(t, c.OK(job), "released 2 of 8 planned", "trying the first 2", "Decided a second")

	a = c.Do(c.Client, http.MethodPost, c.URL+job+"/pause", form, nil)
	holds(t, a.Text(), "Paused. What was released goes on.", "‖ paused", "Resume")
	// Another operator is told.
	if a = c.Do(c.Client, http.MethodPost, c.URL+job+"/pause", form, nil); a.Status != http.StatusConflict {
		t.Errorf("%d", a.Status)
	}
	holds(t, a.Text(), "changed meanwhile: the redrive is paused")
	holds(t, c.Do(c.Client, http.MethodPost, c.URL+job+"/resume", form, nil).Text(), "Goes on, beginning with a few.", "▶ running")
	for range 8 {
		step(c)
	}
	holds(t, c.OK(job), "✓ done", "8 of 8", "done: 8 delivered, 0 died again", "The same as a table")
	holds(t, c.OK("/redrive"), "The latest", "✓ done", "the first 2 alone")

	for _, want := range []string{`action="redrive start"`, `action="redrive pause"`, `result="Paused. What was released goes on."`, `msg="action failed" action="redrive start"`} {
		if !strings.Contains(c.Audit(), want) {
			t.Errorf("no %s in\n%s", want, c.Audit())
		}
	}
	// The next one takes its place; the earlier one has its page.
	c.Answer.Store(503)
	c.Stack.Post(clitest.Reply(500))
	c.Work()
	c.Advance(time.Second)
	next := c.Press("/redrive/start", nil)
	holds(t, next.Text(), "Started: 1 event.")
	holds(t, c.OK(job), "✓ done", "There is no chart: samples are kept of the latest redrive alone", "Decisions")
	if a := c.Do(c.Client, http.MethodPost, c.URL+job+"/cancel", form, nil); a.Status != http.StatusConflict {
		t.Errorf("the earlier one is cancelled: %d %s", a.Status, a.Text())
	}
	second := regexp.MustCompile(`/redrive/[0-9TZ.]+`).FindString(next.Body)
	holds(t, c.OK(second+"/cancel"), "The other 1 stays dead")
	holds(t, c.Press(second+"/cancel", nil).Text(), "Cancelled.", "– cancelled")
	if a := c.Get("/redrive/none"); a.Status != http.StatusNotFound {
		t.Errorf("%d", a.Status)
	}
}

// A redrive that nobody works on says so.
func TestRedriveThatStandsStill(t *testing.T) {
	c := consoletest.New(t)
	c.DeadReplies(1)
	c.Press("/redrive/start", nil)
	c.Advance(10 * time.Minute)
	a := c.Get("/redrive")
	job := regexp.MustCompile(`/redrive/[0-9TZ.]+`).FindString(a.Body)
	holds(t, c.OK(job), "Nothing moved for 10 min", "Does the redrive function run?")
}
