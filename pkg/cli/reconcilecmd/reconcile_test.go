package reconcilecmd_test

import (
	"encoding/csv"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/test/ttlcheck"
)

const key = "the-key-of-the-api"

// world is a receiver beside an account of Smartlead.
type world struct {
	*clitest.Stack
	account *fakeapi.Account
	api     *fakeapi.Server
	url     string
}

func newWorld(t *testing.T, leads int, change func(*fakeapi.Account)) *world {
	t.Helper()
	w := &world{Stack: clitest.New(t)}
	w.account = fakeapi.Simulate(key, w.Clock(), leads)
	if change != nil {
		change(w.account)
	}
	w.api = fakeapi.New(fakeapi.Options{Account: w.account, Now: w.Clock})
	server := httptest.NewServer(w.api)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.Secrets = append(w.Secrets, key)
	w.Getenv["SMARTLEAD_API_KEY"] = key
	return w
}

// post posts what Smartlead does, but what lost tells.
func (w *world) post(lost func(fakeapi.Post) bool) {
	for _, c := range w.account.Campaigns {
		for _, p := range c.Posts(w.Clock()) {
			if lost == nil || !lost(p) {
				w.Post(string(p.Body))
			}
		}
	}
	w.Work()
}

func (w *world) with(args ...string) []string { return append(args, "--api-url", w.url) }

// without addresses that differ from run to run.
func (w *world) golden(name, text string) {
	w.Golden(name, strings.ReplaceAll(text, w.url, "API"))
}

var _ = ttlcheck.Proxy // the stack of clitest stands behind it

// some loses a reply, an open and an unsubscribe.
func some(p fakeapi.Post) bool {
	switch {
	case p.Type == "EMAIL_REPLY":
		return strings.HasSuffix(p.StatsID, "00070002")
	case p.Type == "EMAIL_OPEN":
		return strings.HasSuffix(p.StatsID, "00020001")
	}
	return p.Type == "LEAD_UNSUBSCRIBED"
}

func TestRunNamesWhatIsMissing(t *testing.T) {
	w := newWorld(t, 12, nil)
	w.post(some)
	r := w.Run(w.with("reconcile", "run")...)
	if r.Code != 1 || !strings.Contains(r.Err, "3 events are missing") || !strings.Contains(r.Err, "hooks check") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
	w.golden("run", r.Out)
	r = w.Run(w.with("reconcile", "run", "--json", "--campaign", "4100001")...)
	lines := clitest.Lines(t, r.Out)
	if r.Code != 1 || len(lines) != 1 || lines[0]["proven"] != false || lines[0]["mails"] != 22.0 || len(lines[0]["findings"].([]any)) != 3 {
		t.Errorf("exit %d: %s", r.Code, r.Out)
	}
	w.golden("run-json", r.Out)
	r = w.Run(w.with("reconcile", "run", "--show", "1")...)
	if strings.Count(r.Out, "missing") != 1 || !strings.Contains(r.Err, "2 events are not named") {
		t.Errorf("%s%s", r.Out, r.Err)
	}
	w.OK(w.with("reconcile", "run", "--type", "click", "--type", "EMAIL_SENT")...)
}

func TestAReportIsMarkdownOrCSV(t *testing.T) {
	w := newWorld(t, 12, func(a *fakeapi.Account) { a.Campaigns[0].Name = "=Spring | <b>out`reach" })
	w.post(some)
	r := w.Run(w.with("reconcile", "report", "--since", "4d")...)
	if r.Code != 1 || !strings.Contains(r.Out, `=Spring \| \<b\>out\`+"`reach") {
		t.Errorf("exit %d: %s", r.Code, r.Out)
	}
	w.golden("report.md", r.Out)
	r = w.Run(w.with("reconcile", "report", "--format", "csv")...)
	rows, err := csv.NewReader(strings.NewReader(r.Out)).ReadAll()
	if r.Code != 1 || err != nil || len(rows) != 4 || rows[1][1] != "'=Spring | <b>out`reach" {
		t.Errorf("exit %d, %v: %v", r.Code, err, rows)
	}
	w.golden("report.csv", r.Out)
}

func TestNothingIsMissing(t *testing.T) {
	w := newWorld(t, 12, nil)
	w.post(nil)
	r := w.OK(w.with("reconcile", "run")...)
	if strings.Contains(r.Out, "missing") {
		t.Errorf("%s", r.Out)
	}
	if r := w.OK(w.with("reconcile", "report")...); !strings.Contains(r.Out, "**Nothing is missing of 22 mails.**") {
		t.Errorf("%s", r.Out)
	}
}

// What arrived and died is complete, and said.
func TestDeadEventsAreSaid(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.Answer.Store(410)
	w.post(nil)
	r := w.OK(w.with("reconcile", "run")...)
	if !strings.Contains(r.Out, "EMAIL_SENT: 4 events have arrived and not been delivered") {
		t.Errorf("%s", r.Out)
	}
}

func TestSmartleadThatCannotBeReadIsNoVerdict(t *testing.T) {
	w := newWorld(t, 12, nil)
	w.post(nil)
	for _, c := range []struct {
		code   int
		fault  fakeapi.Fault
		says   string
		before int // requests before it
	}{
		{1, fakeapi.Fault{Status: 401, Body: `{"message":"Invalid API Key"}`}, "reconcile set-key", 0},
		{1, fakeapi.Fault{Status: 200, Body: `{"data":{"total_leads":3}}`}, "totals", 1},
		{1, fakeapi.Fault{Status: 429, Header: map[string]string{"Retry-After": "999"}}, "other programs may use the same key", 1},
		{4, fakeapi.Fault{Status: 404, Body: `{"error":"Campaign not found"}`}, "hooks check", 1},
	} {
		list := fakeapi.Fault{Status: 200, Body: `[{"id":4100001,"status":"ACTIVE","name":"x"}]`}
		for range c.before {
			w.api.Fail(list)
		}
		w.api.Fail(c.fault)
		r := w.Run(w.with("reconcile", "run")...)
		if r.Code != c.code || !strings.Contains(r.Out+r.Err, c.says) || strings.Contains(r.Out, "COMPLETE") {
			t.Errorf("%+v: exit %d\n%s%s", c.fault, r.Code, r.Out, r.Err)
		}
	}
}

func TestOneCampaignOfTwoThatCannotBeRead(t *testing.T) {
	w := newWorld(t, 3, func(a *fakeapi.Account) {
		a.Campaigns = append(a.Campaigns, &fakeapi.Campaign{ID: 7, Name: "Other", Status: "PAUSED"}, &fakeapi.Campaign{ID: 8, Status: "DRAFTED"})
	})
	w.post(nil)
	w.api.Fail(fakeapi.Fault{Status: 200, Body: `[{"id":"4100001","status":"ACTIVE"},{"id":7,"status":"PAUSED"},{"id":8,"status":"DRAFTED"}]`},
		fakeapi.Fault{Status: 400, Body: `{"message":"\"x\" is not allowed"}`})
	r := w.Run(w.with("reconcile", "run", "--json")...)
	lines := clitest.Lines(t, r.Out)
	if r.Code != 1 || len(lines) != 2 || lines[0]["judged"] != false || lines[1]["proven"] != true || !strings.Contains(r.Err, "1 campaign could not be read whole") {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
}

func TestTheKeyIsKeptInTheStackAndNeverShown(t *testing.T) {
	w := newWorld(t, 2, nil)
	w.post(nil)
	delete(w.Getenv, "SMARTLEAD_API_KEY")
	w.Fails(2, "reconcile set-key", w.with("reconcile", "run")...)
	w.Input = key + "\n"
	if r := w.OK("reconcile", "set-key"); !strings.Contains(r.Err, "is kept in the stack") {
		t.Errorf("%s", r.Err)
	}
	w.OK(w.with("reconcile", "run")...)
	w.Getenv["SMARTLEAD_API_KEY"] = "another-key" // it goes before that of the stack
	w.Fails(1, "refuses the API key", w.with("reconcile", "run")...)
}

func TestWrongUsage(t *testing.T) {
	w := newWorld(t, 1, nil)
	for _, args := range [][]string{
		{"reconcile", "run", "--since", "soon"}, {"reconcile", "run", "--since", "1d", "--until", "2d"}, {"reconcile", "run", "--lag", "never"},
		{"reconcile", "run", "--type", "MANUAL_STEP_REACHED"}, {"reconcile", "run", "--deep", "--threads", "-1"}, {"reconcile", "run", "--plan", "gold"}, {"reconcile", "run", "--max-calls", "0"},
		{"reconcile", "report", "--format", "pdf"}, {"reconcile", "report", "--json"}, {"reconcile", "run", "--show", "-1"},
		{"reconcile", "run", "--api-url", "http://api.example.com"},
	} {
		if r := w.Run(args...); r.Code != 2 || r.Out != "" || r.Err == "" {
			t.Errorf("%v: exit %d, %s%s", args, r.Code, r.Out, r.Err)
		}
	}
	w.Fails(4, "no campaign 99", w.with("reconcile", "run", "--campaign", "99")...)
}

// What is missing comes again where Smartlead counts it as failed, and then nothing is.
func TestRetriggerBringsWhatFailed(t *testing.T) {
	w := newWorld(t, 12, nil)
	c := w.account.Campaigns[0]
	c.Hooks = []fakeapi.Hook{{ID: 1, URL: w.Front.URL + "/webhooks/demo/" + w.Token}}
	w.post(some)
	for _, p := range c.Posts(w.Clock()) {
		if some(p) {
			c.Lost = append(c.Lost, p)
		}
	}
	w.Fails(1, "reconcile repair --dry-run", w.with("reconcile", "run")...)
	w.Fails(2, "let Smartlead post again", w.with("reconcile", "retrigger")...)
	w.api.Fail(fakeapi.Fault{Status: 200, Body: `[{"id":4100001,"status":"ACTIVE"}]`}, fakeapi.Fault{Status: 503})
	if r := w.Run(w.with("reconcile", "retrigger", "--yes")...); r.Code != 1 || !strings.Contains(r.Out, "may have been done all the same") {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
	r := w.OK(w.with("reconcile", "retrigger", "--yes")...)
	w.golden("retrigger", r.Out)
	if r := w.OK(w.with("reconcile", "run")...); strings.Contains(r.Out, "missing") {
		t.Errorf("%s", r.Out)
	}
	if r := w.OK(w.with("reconcile", "retrigger", "--yes", "--json")...); clitest.Lines(t, r.Out)[0]["campaign_id"] != "4100001" {
		t.Errorf("%s", r.Out)
	}
}

// The lag of the operator decides what is late.
func TestLag(t *testing.T) {
	w := newWorld(t, 1, func(a *fakeapi.Account) {
		a.Campaigns[0].Mails = []*fakeapi.Mail{{StatsID: "s", Lead: "tom@acme.example.com", Step: 1, SentAt: clitest.Start.Add(-2 * time.Hour)}}
	})
	w.OK(w.with("reconcile", "run")...)
	w.Fails(1, "1 event is missing", w.with("reconcile", "run", "--lag", "1h")...)
}

// deep is a world in which the statistics have all, and the rest has not.
func deep(t *testing.T) *world {
	w := newWorld(t, 12, func(a *fakeapi.Account) {
		a.Categories = []string{"Interested", "Not Interested"}
		c := a.Campaigns[0]
		c.Moves = []fakeapi.Move{
			{At: clitest.Start.Add(-60 * time.Hour), Lead: "lead2@acme.example.com", New: "Interested"},
			{At: clitest.Start.Add(-50 * time.Hour), Lead: "lead2@acme.example.com", Old: "Interested", New: "Not Interested"},
		}
		c.Failed = 2
		a.Untracked = nil
		for i, from := range []string{"ann@globex.example.net", "bob@globex.example.net"} {
			a.Untracked = append(a.Untracked, fakeapi.Untracked{
				At: clitest.Start.Add(-time.Duration(30+i) * time.Hour), MessageID: "<u-" + from + ">", From: from, To: "mira@outbound.example", Subject: "Who are you?", Text: "Who?",
			})
		}
	})
	w.post(func(p fakeapi.Post) bool {
		return strings.Contains(string(p.Body), "reply-1-2@acme") || p.Type == "LEAD_CATEGORY_UPDATED" && strings.Contains(string(p.Body), `"Not Interested"`)
	})
	w.Post(string(w.account.InboxPosts(w.Clock())[0].Body))
	w.Work()
	return w
}

func TestDeepComparesWhatTheStatisticsHide(t *testing.T) {
	w := deep(t)
	w.OK(w.with("reconcile", "run")...) // by the statistics, nothing is missing
	r := w.Run(w.with("reconcile", "run", "--deep")...)
	if r.Code != 1 || !strings.Contains(r.Err, "3 events are missing") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
	w.golden("run-deep", r.Out)
	r = w.Run(w.with("reconcile", "run", "--deep", "--json")...)
	lines := clitest.Lines(t, r.Out)
	if len(lines) != 2 || lines[1]["inbox"] != true || lines[0]["threads"].(map[string]any)["read"] != 2.0 {
		t.Fatalf("%s", r.Out)
	}
	d := lines[0]["deliveries"].(map[string]any)
	if d["on_smartleads_side"] != true || !strings.Contains(d["support_text"].(string), "2 failed") || d["refused_here"] != 0.0 {
		t.Errorf("%v", d)
	}
	r = w.Run(w.with("reconcile", "report", "--deep")...)
	w.golden("report-deep.md", r.Out)
	r = w.Run(w.with("reconcile", "run", "--deep", "--threads", "1", "--type", "EMAIL_REPLY")...)
	if !strings.Contains(r.Out, "of 1 further replies are not known") {
		t.Errorf("%s", r.Out)
	}
}

// A refused request here may be one of those that failed there.
func TestARefusedRequestMakesTheSideUnsure(t *testing.T) {
	w := deep(t)
	resp, err := http.Post(w.Front.URL+"/webhooks/demo/a-wrong-token", "application/json", strings.NewReader(`{"event_type":"EMAIL_SENT"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	r := w.Run(w.with("reconcile", "run", "--deep")...)
	if strings.Contains(r.Out, "To Smartlead's support") || !strings.Contains(r.Out, "1 request was refused here") {
		t.Errorf("%s", r.Out)
	}
}
