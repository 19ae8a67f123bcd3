package reconcilecmd_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
)

// lossy is a receiver beside an account of which events were lost.
func lossy(t *testing.T) (w *world, lost []fakeapi.Post) {
	t.Helper()
	w = &world{Stack: clitest.New(t)}
	w.account, lost = w.Lossy()
	w.url = w.SmartleadURL
	w.OnSleep = func(context.Context) { w.Advance(time.Minute) }
	return w, lost
}

func TestRepairBringsWhatIsMissing(t *testing.T) {
	w, lost := lossy(t)
	r := w.OK(w.with("reconcile", "repair", "--dry-run")...)
	w.golden("repair-dry-run", r.Out)
	if w.account.Campaigns[0].Lost == nil {
		t.Error("a dry run asked Smartlead")
	}
	r = w.Run(w.with("reconcile", "repair")...)
	if r.Code == 0 || len(w.account.Campaigns[0].Lost) == 0 {
		t.Errorf("it did not ask: exit %d: %s", r.Code, r.Err)
	}
	r = w.Run(w.with("reconcile", "repair", "--yes", "--by", "mira")...)
	w.golden("repair", r.Out)
	if r.Code != 1 || !strings.Contains(r.Err, "still missing") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
	w.Work()

	repairs := w.OK("reconcile", "repairs", "--json")
	lines := clitest.Lines(t, repairs.Out)
	if len(lines) != 2 || lines[0]["by"] != "mira" {
		t.Fatalf("%s", repairs.Out)
	}
	ids := lines[0]["events"].([]any)
	if len(ids) == 0 {
		t.Fatal("no event was made")
	}
	for _, p := range lost {
		w.Post(string(p.Body))
	}
	w.Work()
	id := ids[0].(string)
	shown := w.OK("events", "show", id)
	for _, want := range []string{"made by reconciliation", "mira", "synthesized", "came after all"} {
		if !strings.Contains(shown.Out, want) {
			t.Errorf("the story of %s does not say %q:\n%s", id, want, shown.Out)
		}
	}
	if found := w.OK("events", "show", id, "--json"); !strings.Contains(found.Out, `"origin":"reconcile"`) {
		t.Errorf("%s", found.Out)
	}
	if found := w.OK("events", "list", "--json", "--limit", "100"); !strings.Contains(found.Out, `"origin":"reconcile"`) {
		t.Errorf("no listed event says that it was made")
	}
	if found := w.OK("incidents", "list"); !strings.Contains(found.Out, "a repair was needed in campaign 4100001") {
		t.Errorf("%s", found.Out)
	}
	again := w.Run(w.with("reconcile", "repair", "--yes", "--json")...)
	for _, line := range clitest.Lines(t, again.Out) {
		if line["step"] != "none" {
			t.Errorf("the second repair did %v", line)
		}
	}
}

// What Smartlead posts again while the repair waits is not missing any more, and that is said.
func TestRepairSaysThatNothingIsMissingAnyMore(t *testing.T) {
	w, lost := lossy(t)
	w.OnSleep = func(context.Context) {
		w.Advance(time.Minute)
		for _, p := range lost {
			w.Post(string(p.Body))
		}
	}
	r := w.Run(w.with("reconcile", "repair", "--yes", "--wait", "1m")...)
	if r.Code != 0 || !strings.Contains(r.Err, "nothing is missing any more") || strings.HasSuffix(strings.TrimSpace(r.Out), "WHAT") {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
}

func TestRepairIsAskedWell(t *testing.T) {
	w, _ := lossy(t)
	for _, c := range []struct{ args, want string }{
		{"--mode off", "none of retrigger, synthesize"},
		{"--budget 0", "--budget is at least 1"},
		{"--wait soon", "--wait soon is no length of time"},
		{"--show -1", "--show is at least 0"},
		{"--by " + strings.Repeat("m", 300), "--by has at most"},
	} {
		if r := w.Run(w.with(append([]string{"reconcile", "repair"}, strings.Fields(c.args)...)...)...); r.Code != 2 || !strings.Contains(r.Err, c.want) {
			t.Errorf("%s: exit %d: %s", c.args, r.Code, r.Err)
		}
	}
	r := w.Run(w.with("reconcile", "repair", "--yes", "--no-wait", "--mode", "retrigger")...)
	if r.Code != 1 || !strings.Contains(r.Err, "waited for") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
	if got := w.OK("reconcile", "repairs"); !strings.HasPrefix(got.Out, "BEGUN") || strings.Contains(got.Out+got.Err, "no repair was made") {
		t.Errorf("%s%s", got.Out, got.Err)
	}
}

// A source by which an event came, and which was removed since, keeps nothing from being
// made: another one of the campaign's is there, or an operator names one.
func TestARepairPassesOverARemovedSource(t *testing.T) {
	w, _ := lossy(t)
	token := func(name string) string {
		added := w.OK("sources", "add", name, "--account", "default", "--json")
		url, _ := clitest.Lines(t, added.Out)[0]["webhook_url"].(string)
		return url[strings.LastIndex(url, "/")+1:]
	}
	old := token("old")
	for _, p := range w.account.Campaigns[0].Posts(w.Clock())[:1] { // as one of last week came
		resp, err := http.Post(w.Front.URL+"/webhooks/old/"+old, "application/json", strings.NewReader(strings.Replace(string(p.Body), "lead", "lead-of-old-", 1)))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("answered %d", resp.StatusCode)
		}
	}
	w.OK("sources", "remove", "old", "--yes")
	const made = "else it is made"
	dry := w.with("reconcile", "repair", "--dry-run")
	if r := w.OK(dry...); !strings.Contains(r.Out, made) || strings.Contains(r.Out, "in whose name") {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
	w.Fails(4, "there is no source nosuch", append(dry, "--source", "nosuch")...)
	token("new")
	w.OK("sources", "remove", "demo", "--yes")
	if r := w.Run(dry...); !strings.Contains(r.Out, "which was removed: name another one") || strings.Contains(r.Out, "no event of the campaign arrived") {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
	if r := w.OK(append(dry, "--source", "new")...); !strings.Contains(r.Out, made) {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
}
