package console_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

// delivered are replies that were delivered.
func delivered(c *consoletest.Console, n int) (ids []string) {
	for i := range n {
		ids = append(ids, c.Stack.Post(clitest.Reply(i)))
	}
	c.Work()
	c.Advance(time.Minute)
	return ids
}

// untilText looks at a page until it says so.
func untilText(t *testing.T, c *consoletest.Console, path, text string) string {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		got := c.OK(path)
		if strings.Contains(got, text) {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %q in\n%s", text, got)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// All that a filter matches is counted, asked about with the count, and replayed at a
// pace; what has come since is not among it.
func TestAllThatAFilterMatchesIsReplayed(t *testing.T) {
	c := consoletest.New(t)
	ids := delivered(c, 7)
	path := linkNamed(t, c.Get("/events?state=delivered&source=demo").Body, "Replay all that match …")
	if a := c.Get("/events").Body; strings.Contains(a, "Replay all that match") {
		t.Error("all without a filter")
	}
	asked := c.Get(path)
	wants(t, asked.Text(), "Replay 7 events", "state delivered, source demo: 7 delivered.", "delivered once more", "own idempotency key", "Events a second, at most 5 1 20 50", "Of the last 31 days")
	c.Advance(time.Minute)
	late := c.Stack.Post(clitest.Reply(50))
	c.Work()
	form := asked.Form()
	form.Set("rate", "50")
	a := c.Do(c.Client, http.MethodPost, c.URL+path, form, nil)
	wants(t, a.Text(), "Started: 7 events, at most 50 a second.", "Replay of state delivered, source demo")
	run := strings.Replace(path, "/events/replay?", "/replays/"+form.Get("seen")+"?", 1)
	text := untilText(t, c, run, "✓ done")
	wants(t, text, "7 of 7 events sent", "delivered 7")
	if a := c.Get(run); strings.Contains(a.Body, "hx-sse:connect") || strings.Contains(a.Text(), "Go on with the rest") {
		t.Errorf("it has ended, and goes on:\n%s", a.Text())
	}
	for _, id := range append(ids, late) {
		want := "replayed after it was settled 1 time"
		if got := strings.Contains(c.OK(eventPath(id)), want); got != (id != late) {
			t.Errorf("%s: %v", id, got)
		}
	}
	wants(t, c.Audit(), `action="replay all" caller=tester on="state delivered, source demo"`, `msg="action ended"`, `result="7 of 7 events sent"`)
}

// A replay that was stopped goes on with the rest, from its address alone, and replays
// none twice.
func TestAReplayIsStoppedAndGoesOn(t *testing.T) {
	c := consoletest.New(t)
	ids := delivered(c, 12)
	c.Answer.Store(503)
	c.Env.Config.MaxAttempts = 8
	release := make(chan struct{})
	var first context.Context
	c.Sleeps(func(ctx context.Context, _ time.Duration) {
		if first == nil {
			first = ctx
		}
		if ctx == first {
			select {
			case <-ctx.Done():
			case <-release:
			}
			return
		}
		c.Advance(time.Second)
		c.Work()
	})
	path := "/events/replay?state=delivered"
	a := c.Press(path, url.Values{"rate": {"1"}, "again": {"yes"}})
	wants(t, a.Text(), "▶ running", "Stop")
	if other := c.Press("/events/replay?state=delivered&campaign=4100001", url.Values{"rate": {"5"}}); other.Status != http.StatusConflict || !strings.Contains(other.Text(), "another replay runs") {
		t.Errorf("two at a time: %d\n%s", other.Status, other.Text())
	}
	stop := formAction(t, a.Body)
	run := strings.Replace(stop, "/stop?", "?", 1)
	untilText(t, c, run, "1 of 12 at most 1 a second")
	stopped := c.Do(c.Client, http.MethodPost, c.URL+stop, a.Form(), nil)
	wants(t, stopped.Text(), "It stops.")
	text := untilText(t, c, run, "‖ stopped")
	wants(t, text, "1 of 12 events sent; stopped", "Go on with the rest")
	if again := c.Do(c.Client, http.MethodPost, c.URL+stop, a.Form(), nil); again.Status != http.StatusConflict {
		t.Errorf("stopped twice: %d", again.Status)
	}
	c.Answer.Store(200)
	c.Work()

	goOn := linkNamed(t, c.Get(run).Body, "Go on with the rest")
	if !strings.Contains(c.Get(goOn).Body, `name="again" value="yes" checked`) {
		t.Error("who goes on under new keys is not offered that")
	}
	wants(t, c.OK(goOn), "Replay 11 events", "1 other was moved since this was counted first")
	c.Press(goOn, url.Values{"rate": {"50"}})
	untilText(t, c, run, "✓ done")
	for _, id := range ids {
		wants(t, c.OK(eventPath(id)), "replayed after it was settled 1 time")
	}
	if a := c.Get(goOn); a.Status != http.StatusNotFound || !strings.Contains(a.Text(), "all that matches was moved since") {
		t.Errorf("nothing is left: %d\n%s", a.Status, a.Text())
	}
	// In a console that has not run it, the address says so and how to go on.
	unknown := "/replays/2126-03-04T00:00:00.000Z?state=delivered"
	wants(t, c.OK(unknown), "does not run in this console", "Go on with the rest")
	for _, bad := range []string{"/replays/soon?state=delivered", "/replays/2126-03-04T00:00:00.000Z"} {
		if a := c.Get(bad); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, a.Status)
		}
	}
}

// What is dead becomes a redrive: its plan where it has such a filter, else of the ids.
func TestAllThatIsDeadIsRedriven(t *testing.T) {
	c := consoletest.New(t)
	c.DeadReplies(3)
	noRedirect := *c.Client
	noRedirect.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a := c.Do(&noRedirect, http.MethodGet, c.URL+"/events/replay?state=dead&source=demo&error_class=http_503&type=EMAIL_REPLY&campaign=4100001&destination=crm", nil, nil)
	if want := "/redrive?campaign=4100001&destination=crm&error_class=http_503&plan=1&source=demo&type=EMAIL_REPLY"; a.Status != http.StatusSeeOther || a.Header.Get("Location") != want {
		t.Errorf("%d to %s", a.Status, a.Header.Get("Location"))
	}
	path := "/events/replay?state=dead&lead=lead1@acme.example.com"
	wants(t, c.OK(path), "Bring 1 dead event back", "state dead, lead lead1@acme.example.com: 1 dead event go back"[:40], "Each has its own idempotency key")
	started := c.Press(path, nil)
	wants(t, started.Text(), "Started: 1 event.", "Redrive of")
	if a := c.Press("/events/replay?state=dead&since=1d", nil); a.Status != http.StatusConflict || !strings.Contains(a.Text(), "one redrive runs at a time") {
		t.Errorf("two at a time: %d\n%s", a.Status, a.Text())
	}
	if a := c.Get("/events/replay?state=dead&lead=nobody@acme.example.com"); a.Status != http.StatusNotFound {
		t.Errorf("nothing: %d", a.Status)
	}
}

func TestWhatNoReplayIsFor(t *testing.T) {
	c := consoletest.New(t)
	dead, _, _ := three(c)
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"/events/replay":                             {http.StatusBadRequest, "there is no filter"},
		"/events/replay?state=pending":               {http.StatusConflict, "on their way already"},
		"/events/replay?state=discarded":             {http.StatusConflict, "no replay is for"},
		"/events/replay?type=NONSENSE":               {http.StatusBadRequest, "NONSENSE"},
		"/events/replay?state=parked":                {http.StatusNotFound, "no event matches that a replay is for"},
		"/events/replay?lead=lead1@acme.example.com": {http.StatusNotFound, "1 is dead: filter by that state"},
	} {
		if a := c.Get(path); a.Status != want.status || !strings.Contains(a.Text(), want.says) {
			t.Errorf("%s: %d\n%s", path, a.Status, a.Text())
		}
	}
	wants(t, c.OK("/events/replay?source=demo"), "Replay 1 event", "source demo: 1 delivered.", "1 dead event that match are not among them", "1 more is left as they stand: 1 discarded.")
	// More than were agreed to are not replayed.
	path := "/events/replay?source=demo"
	form := c.Get(path).Form()
	c.Press(eventPath(dead)+"/park", nil)
	form.Set("seen", "2199-01-01T00:00:00.000Z")
	form.Set("rate", "5")
	if a := c.Do(c.Client, http.MethodPost, c.URL+path, form, nil); a.Status != http.StatusConflict || !strings.Contains(a.Text(), "2 events match now, and you agreed to 1") {
		t.Errorf("%d\n%s", a.Status, a.Text())
	}
	for name, value := range map[string]string{"rate": "1000", "count": "", "seen": "x"} {
		form := c.Get(path).Form()
		form.Set("rate", "5")
		form.Set(name, value)
		if a := c.Do(c.Client, http.MethodPost, c.URL+path, form, nil); a.Status != http.StatusBadRequest {
			t.Errorf("%s %s: %d\n%s", name, value, a.Status, a.Text())
		}
	}
}
