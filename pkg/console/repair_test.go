package console_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
)

// lossy is a console beside an account of which events were lost.
func lossy(t *testing.T) (c *consoletest.Console, account *fakeapi.Account, lost []fakeapi.Post) {
	t.Helper()
	s := clitest.New(t)
	account, lost = s.Lossy()
	c = consoletest.Over(t, s)
	c.Sleeps(func(_ context.Context, d time.Duration) { c.Advance(d) })
	return c, account, lost
}

// dryRun makes a dry run, and returns its address once it has ended.
func dryRun(t *testing.T, c *consoletest.Console, form url.Values) string {
	t.Helper()
	a := c.Press("/completeness/repair", form)
	wants(t, a.Text(), "Started: it reads Smartlead's API, and changes nothing.")
	m := regexp.MustCompile(`hx-sse:connect="/live(/completeness/repair/[^"]+)"`).FindStringSubmatch(a.Body)
	if m == nil {
		if m = regexp.MustCompile(`href="(/completeness/repair/[^"?]+)/go`).FindStringSubmatch(a.Body); m == nil {
			t.Fatalf("no dry run in\n%s", a.Body)
		}
	}
	address := strings.ReplaceAll(m[1], "&amp;", "&")
	if !strings.Contains(address, "?") {
		address += "?" + form.Encode()
	}
	untilText(t, c, address, "○ dry run")
	return address
}

// What is missing is shown by campaign and type, with what a repair would do; the repair
// does it, waits for what Smartlead posts again, and makes what does not come. Its events
// and its record lead to each other.
func TestARepairIsTriedAndDone(t *testing.T) {
	c, account, lost := lossy(t)
	wants(t, c.OK("/completeness"), "No repair was made", "Repair …")
	run := dryRun(t, c, url.Values{"since": {"7d"}, "budget": {"50"}})
	text := c.OK(run)
	wants(t, text, "Dry run of a repair", "A repair would", "4100001", "EMAIL_REPLY 1 Smartlead would be asked for it; else it is made", "EMAIL_BOUNCE 1 Smartlead would be asked for it; else not made: no webhook of the campaign sends the type", "50 events are made at most", "Repair …")
	if account.Campaigns[0].Lost == nil {
		t.Error("a dry run asked Smartlead")
	}
	if r := c.Stack.OK("reconcile", "repairs"); !strings.Contains(r.Err, "no repair was made") {
		t.Errorf("a dry run is on record: %s", r.Out)
	}
	path, query, _ := strings.Cut(run, "?")
	ask := path + "/go?" + query
	asked := c.OK(ask)
	wants(t, asked, "Repair what is missing", "This will ask Smartlead for", "50 events are made at most", "may lead elsewhere, too", "marked as made")
	other := c.Get(ask).Form()
	other.Set("seen", "2126-01-01T00:00:00.000Z")
	if a := c.Do(c.Client, http.MethodPost, c.URL+ask, other, nil); a.Status != http.StatusConflict || !strings.Contains(a.Text(), "not the dry run that you saw") {
		t.Errorf("another dry run: %d\n%s", a.Status, a.Text())
	}
	form := c.Get(ask).Form()
	wants(t, c.Do(c.Client, http.MethodPost, c.URL+ask, form, nil).Text(), "Started. What it does is kept")
	done := untilText(t, c, run, "✓ done")
	wants(t, done, "What it did after the wait", "EMAIL_REPLY 1 made", "EMAIL_BOUNCE 1 not made: no webhook", "did not say how many it posts again", "Record of")
	if a := c.Do(c.Client, http.MethodPost, c.URL+ask, form, nil); a.Status != http.StatusConflict {
		t.Errorf("agreed to twice: %d\n%s", a.Status, a.Text())
	}
	wants(t, c.Audit(), "action=repair caller=tester", `msg="action ended" action=repair`, "made,")
	c.Work()

	list := c.Get("/completeness")
	wants(t, list.Text(), "Repairs Began", "tester")
	record := c.Get(linkNamed(t, c.Get(run).Body, "Record of "+recordTime(t, done)))
	wants(t, record.Text(), "By tester.", "It made", "Events that it made", "✓ delivered")
	events := regexp.MustCompile(`data-href="(/events/[^"]+)"`).FindAllStringSubmatch(record.Body, -1)
	if len(events) == 0 {
		t.Fatalf("no event was made:\n%s", record.Text())
	}
	at := events[0][1]
	page := c.Get(at)
	wants(t, page.Text(), "Made, not posted", "a repair made it", "for tester", "Its webhook, should it come, is a duplicate.", "made by a repair in the name of demo")
	wants(t, page.Body, `<a class="button" href="/completeness/repairs/`)
	for _, p := range lost {
		c.Post(string(p.Body))
	}
	page = c.Get(at)
	wants(t, page.Text(), "Its webhook came after all, and changed nothing.", "Its webhook, which came", "What was posted, credentials removed", "Path Made Posted", "It is the same event, and was not delivered.", "≡ its webhook came after all, and changed nothing")
	if strings.Contains(page.Body, ">Split<") || strings.Contains(page.Text(), "Variant of") {
		t.Errorf("the late webhook is shown as a variant:\n%s", page.Text())
	}
	id, _ := url.PathUnescape(strings.TrimPrefix(at, "/events/"))
	wants(t, c.Stack.OK("events", "variants", id).Err, "what its webhook brought after all")
	wants(t, c.Stack.OK("events", "variants", id, "--json").Out, `"original":true`)
}

// recordTime is the time of the latest record that a page links to.
func recordTime(t *testing.T, text string) string {
	t.Helper()
	all := regexp.MustCompile(`Record of ([0-9:]+|[0-9]+ [A-Z][a-z]+ [0-9:]+)`).FindAllStringSubmatch(text, -1)
	if all == nil {
		t.Fatalf("no record in\n%s", text)
	}
	return all[len(all)-1][1]
}

func TestARepairIsStopped(t *testing.T) {
	c, _, _ := lossy(t)
	run := dryRun(t, c, url.Values{"campaign": {"4100001"}})
	path, query, _ := strings.Cut(run, "?")
	waits := make(chan struct{})
	c.Sleeps(func(ctx context.Context, d time.Duration) {
		if d >= time.Minute { // not the client's rate limit
			close(waits)
			<-ctx.Done()
		}
		c.Advance(d)
	})
	started := c.Press(path+"/go?"+query, nil)
	<-waits
	wants(t, c.OK(run), "! waiting", "for what Smartlead posts again", "Stop")
	if a := c.Press("/completeness/repair", nil); a.Status != http.StatusConflict || !strings.Contains(a.Text(), "another repair runs in this console") {
		t.Errorf("two at a time: %d\n%s", a.Status, a.Text())
	}
	stop := formAction(t, c.Get(run).Body)
	wants(t, c.Do(c.Client, http.MethodPost, c.URL+stop, started.Form(), nil).Text(), "It stops.")
	wants(t, untilText(t, c, run, "‖ stopped"), "Smartlead was asked for it", "Another dry run")
	if a := c.Do(c.Client, http.MethodPost, c.URL+stop, started.Form(), nil); a.Status != http.StatusConflict {
		t.Errorf("stopped twice: %d", a.Status)
	}
}

// What was typed is checked before anything is read, and named by its label.
func TestARepairIsAskedWell(t *testing.T) {
	c, _, _ := lossy(t)
	for _, bad := range []struct{ field, value, says string }{
		{"since", "soon", "Since soon is neither"}, {"budget", "0", "Budget is at least 1"}, {"budget", "many", "Budget many is no number"},
		{"wait", "-1h", "Wait -1h is no length of time"}, {"mode", "off", "Mode off is none of"}, {"lag", "x", "Lag x is no length"},
		{"type", "NONSENSE", "NONSENSE"}, {"max_calls", "0", "Max calls is at least 1"}, {"threads", "-1", "Threads -1 is no number"},
	} {
		a := c.Press("/completeness/repair", url.Values{bad.field: {bad.value}})
		if a.Status != http.StatusBadRequest || !strings.Contains(a.Text(), bad.says) {
			t.Errorf("%s %s: %d\n%s", bad.field, bad.value, a.Status, a.Text())
		}
	}
	if a := c.Press("/completeness/repair", url.Values{"campaign": {"99"}}); a.Status != http.StatusOK {
		t.Errorf("%d\n%s", a.Status, a.Text())
	}
	delete(c.Getenv, "SMARTLEAD_API_KEY")
	a := c.Press("/completeness/repair", nil)
	if a.Status != http.StatusBadRequest || !strings.Contains(a.Text(), "the API key of Smartlead is needed") || !strings.Contains(a.Text(), "smartleadctl --local reconcile set-key") {
		t.Errorf("without a key: %d\n%s", a.Status, a.Text())
	}
	const unknown = "/completeness/repair/2126-03-04T00:00:00.000Z?since=7d"
	wants(t, c.OK(unknown), "It does not run in this console", "Another dry run")
	for path, status := range map[string]int{
		"/completeness/repair/soon?since=7d": http.StatusBadRequest, "/completeness/repairs/none": http.StatusNotFound,
		"/completeness/repair/2126-03-04T00:00:00.000Z/go?since=7d": http.StatusNotFound,
	} {
		if a := c.Get(path); a.Status != status {
			t.Errorf("%s: %d, want %d\n%s", path, a.Status, status, a.Text())
		}
	}
}

// What a run of the schedule repaired stands beside it, and leads to its records.
func TestARunOfTheScheduleLeadsToItsRecords(t *testing.T) {
	c, _, _ := lossy(t)
	if err := c.Found().APIKey.Put(t.Context(), clitest.APIKey); err != nil {
		t.Fatal(err)
	}
	env := c.Env
	env.Config.SmartleadURL, env.Config.ReconcileEvery, env.Config.ReconcileAgain = c.SmartleadURL, time.Hour, 24*time.Hour
	env.Config.ReconcileLookBack, env.Config.ReconcileBudget, env.Past = 7*24*time.Hour, 500, true
	env.Config.ReconcileRepair = string(repair.Retrigger)
	service, err := app.ReconcileService(env)
	if err != nil {
		t.Fatal(err)
	}
	if sum := service.Run(t.Context()); !sum.Ended {
		t.Fatalf("%+v", sum)
	}
	a := c.Get("/completeness")
	wants(t, a.Text(), "waited for repair 1", "Missing by day", "schedule, run ")
	wants(t, c.Get(linkNamed(t, a.Body, "repair 1")).Text(), "By schedule, run ", "What Smartlead was asked to post again", "4100001")
}
