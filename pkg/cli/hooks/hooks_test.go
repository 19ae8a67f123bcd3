package hooks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/test/ttlcheck"
)

var _ = ttlcheck.Proxy // the stack of clitest stands behind it

const key = "the-key-of-the-api"

var all = []string{"FIRST_EMAIL_SENT", "EMAIL_OPEN", "EMAIL_LINK_CLICK", "EMAIL_REPLY", "EMAIL_BOUNCE", "LEAD_UNSUBSCRIBED"}

func TestCheck(t *testing.T) {
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, key, "a-token-of-long-ago", "their-secret-path")
	s.Getenv["SMARTLEAD_API_KEY"] = key
	here := s.Front.URL + "/webhooks/demo/"
	account := &fakeapi.Account{Key: key, Campaigns: []*fakeapi.Campaign{
		{ID: 1, Name: "Well", Status: "ACTIVE", Failed: 4, Hooks: []fakeapi.Hook{{ID: 11, Name: "all", URL: here + s.Token, Events: all}}},
		{ID: 2, Name: "Few", Status: "ACTIVE", Hooks: []fakeapi.Hook{
			{ID: 21, Name: "replies", URL: here + s.Token, Events: []string{"LEAD_REPLIED", "EMAIL_SENT"}},
			{ID: 22, Name: "query", URL: s.Front.URL + "/webhooks/demo?token=" + s.Token, Events: []string{"EMAIL_OPEN", "EMAIL_SENT", "LEAD_REPLIED"}},
		}},
		{ID: 3, Name: "Off", Status: "PAUSED", Hooks: []fakeapi.Hook{{ID: 31, Name: "off", URL: here + s.Token, Events: all, Off: true}}},
		{ID: 4, Name: "Old", Status: "ACTIVE", Hooks: []fakeapi.Hook{{ID: 41, Name: "old", URL: here + "a-token-of-long-ago", Events: all}}},
		{ID: 5, Name: "Theirs", Status: "ACTIVE", Hooks: []fakeapi.Hook{{ID: 51, Name: "crm", URL: "https://crm.example.com/their-secret-path", Events: all}}},
		{ID: 6, Name: "None", Status: "COMPLETED"},
		{ID: 7, Name: "Draft", Status: "DRAFTED"},
	}}
	api := fakeapi.New(fakeapi.Options{Account: account, Now: s.Clock})
	server := httptest.NewServer(api)
	defer server.Close()

	r := s.Run("hooks", "check", "--api-url", server.URL)
	if r.Code != 1 || !strings.Contains(r.Err, "4 webhooks need attention") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
	s.Golden("check", strings.ReplaceAll(r.Out, strings.TrimPrefix(s.Front.URL, "http://"), "our.example:443"))
	r = s.Run("hooks", "check", "--api-url", server.URL, "--json")
	want := map[string]string{"11": "here", "21": "here", "22": "here", "31": "here", "41": "here_old_token", "51": "elsewhere"}
	for _, line := range clitest.Lines(t, r.Out) {
		id, _ := line["hook_id"].(string)
		if line["campaign_id"] == "6" {
			want[id] = "nowhere"
		}
		if line["leads"] != want[id] {
			t.Errorf("hook %s leads %v, want %s", id, line["leads"], want[id])
		}
		if line["campaign_id"] == "1" && line["failed_deliveries"] != 4.0 {
			t.Errorf("failed deliveries: %v", line["failed_deliveries"])
		}
		delete(want, id)
	}
	if len(want) != 0 {
		t.Errorf("not shown: %v", want)
	}
	s.OK("hooks", "check", "--api-url", server.URL, "--campaign", "1", "--campaign", "5")
	s.Fails(4, "no campaign 99", "hooks", "check", "--api-url", server.URL, "--campaign", "99")
}

// An account without the private beta has no count of deliveries, and is asked once.
func TestAnAccountWithoutASummary(t *testing.T) {
	s := clitest.New(t)
	s.Getenv["SMARTLEAD_API_KEY"] = key
	hook := []fakeapi.Hook{{ID: 11, Name: "all", URL: s.Front.URL + "/webhooks/demo/" + s.Token, Events: all}}
	account := &fakeapi.Account{Key: key, Campaigns: []*fakeapi.Campaign{{ID: 1, Status: "ACTIVE", Hooks: hook}, {ID: 2, Status: "ACTIVE", Hooks: hook}}}
	api := fakeapi.New(fakeapi.Options{Account: account, Now: s.Clock})
	server := httptest.NewServer(api)
	defer server.Close()
	api.Fail(fakeapi.Fault{Status: 200, Body: `[{"id":1,"status":"ACTIVE"},{"id":2,"status":"ACTIVE"}]`},
		fakeapi.Fault{Status: 200, Body: `{"success":true,"data":[{"id":11,"webhook_url":"` + hook[0].URL + `","event_types":["` + strings.Join(all, `","`) + `"]}]}`},
		fakeapi.Fault{Status: 403, Body: `{"message":"Not enabled"}`})
	r := s.OK("hooks", "check", "--api-url", server.URL, "--json")
	if strings.Contains(r.Out, "failed_deliveries") || len(api.Requests()) != 4 {
		t.Errorf("%v: %s", api.Requests(), r.Out)
	}
}

// campaigns is an account with these webhooks, one campaign for each list.
func campaigns(lists ...[]fakeapi.Hook) *fakeapi.Account {
	a := &fakeapi.Account{Key: key, Categories: []string{"Interested", "Not Interested"}}
	for i, hooks := range lists {
		a.Campaigns = append(a.Campaigns, &fakeapi.Campaign{ID: i + 1, Name: "C", Status: "ACTIVE", Hooks: hooks})
	}
	return a
}

type world struct {
	*clitest.Stack
	t       *testing.T
	account *fakeapi.Account
	api     *fakeapi.Server
	url     string // of the API
	here    string // a webhook URL up to the token
}

func newWorld(t *testing.T, account func(here, token string) *fakeapi.Account) *world {
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, key, "a-token-of-long-ago", "their-secret-path")
	s.Getenv["SMARTLEAD_API_KEY"] = key
	w := &world{Stack: s, t: t, here: s.Front.URL + "/webhooks/demo/"}
	w.account = account(w.here, s.Token)
	w.api = fakeapi.New(fakeapi.Options{Account: w.account, Now: s.Clock})
	server := httptest.NewServer(w.api)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *world) install(args ...string) clitest.Result {
	w.Input = w.here + w.Token + "\n"
	return w.Run(append([]string{"hooks", "install", "--api-url", w.url}, args...)...)
}

// posts are how many requests would have changed something.
func (w *world) posts() (n int) {
	for _, r := range w.api.Requests() {
		if !strings.HasPrefix(r, "GET ") {
			n++
		}
	}
	return n
}

// seen has a webhook bring an open of a campaign.
func (w *world) seen(campaign, hook, level string) {
	w.t.Helper()
	body := fmt.Sprintf(`{"event_type":"EMAIL_OPEN","campaign_id":%s,"webhook_id":%s,"webhook_name":"n","stats_id":"s-%s-%s","event_timestamp":"2126-03-04T11:00:00Z","secret_key":%q}`,
		campaign, hook, campaign, hook, clitest.SecretKey)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.here+w.Token, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if level != "" {
		req.Header.Set("X-Webhook-Level", level)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("answered %d", resp.StatusCode)
	}
}

// What is configured is set beside what was seen: the own webhook is silent while another
// one speaks, is silent alone, speaks, or never spoke.
func TestConfiguredAgainstSeen(t *testing.T) {
	w := newWorld(t, func(here, token string) *fakeapi.Account {
		hook := func(id int) []fakeapi.Hook {
			return []fakeapi.Hook{{ID: id, Name: "own", URL: here + token, Events: all}}
		}
		return campaigns(hook(11), hook(21), hook(31), hook(41), nil, nil)
	})
	w.seen("1", "11", "") // Smartlead's list tells its level
	w.seen("2", "21", "campaign")
	w.seen("3", "31", "campaign")
	w.Advance(5 * 24 * time.Hour)
	for _, c := range []string{"1", "4", "5"} { // a webhook of the user level, by the list alone
		w.seen(c, "90017", "")
	}
	w.seen("3", "31", "campaign")
	r := w.Run("hooks", "check", "--api-url", w.url, "--json")
	want := map[string]string{"1": "silenced", "2": "silent", "4": "silenced"}
	for _, line := range clitest.Lines(t, r.Out) {
		id := line["campaign_id"].(string)
		problems, _ := line["problems"].([]any)
		advice, _ := line["advice"].(string)
		if got := fmt.Sprint(problems...); got != want[id] {
			t.Errorf("campaign %s: %q, want %q: %s", id, got, want[id], advice)
		}
		switch {
		case id == "1" && (!strings.Contains(advice, "EMAIL_OPEN since 2126-03-04") || !strings.Contains(advice, "webhook 90017")),
			id == "4" && !strings.Contains(advice, "ever came from it"),
			id == "5" && !strings.Contains(advice, "come by webhook 90017"),
			id == "6" && !strings.Contains(advice, "none brought any"):
			t.Errorf("campaign %s: %s", id, advice)
		}
		if seen, _ := line["last_seen"].(string); (seen != "") != (id == "1" || id == "2" || id == "3") {
			t.Errorf("campaign %s: last seen %q", id, seen)
		}
	}
	if r.Code != 1 || !strings.Contains(r.Err, "3 webhooks need attention") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
	w.Golden("seen", strings.ReplaceAll(w.Run("hooks", "check", "--api-url", w.url).Out, strings.TrimPrefix(w.Front.URL, "http://"), "our.example:443"))
}

func TestInstallSaysWhatItWouldDoAndThenDoesIt(t *testing.T) {
	w := newWorld(t, func(here, token string) *fakeapi.Account {
		return campaigns(
			nil,
			[]fakeapi.Hook{{ID: 21, Name: "mine", URL: here + "a-token-of-long-ago", Events: []string{"LEAD_REPLIED", "MANUAL_STEP_REACHED"}}},
			[]fakeapi.Hook{{ID: 31, Name: "crm", URL: "https://crm.example.com/their-secret-path", Events: []string{"EMAIL_REPLY"}}},
			[]fakeapi.Hook{{ID: 41, Name: "good", URL: here + token, Events: append([]string{"EMAIL_SENT"}, all...)}},
		)
	})
	args := []string{"--campaign", "1", "--campaign", "2", "--campaign", "3", "--campaign", "4"}
	r := w.install(args...)
	if r.Code != 0 || w.posts() != 0 || !strings.Contains(r.Err, "repeat with --yes") {
		t.Errorf("exit %d, %d posts: %s", r.Code, w.posts(), r.Err)
	}
	w.Golden("install-plan", r.Out)
	r = w.install(append(args, "--yes")...)
	if r.Code != 0 || w.posts() != 3 || !strings.Contains(r.Err, "sources watch demo") {
		t.Fatalf("exit %d, %d posts: %s%s", r.Code, w.posts(), r.Out, r.Err)
	}
	for i, c := range w.account.Campaigns {
		own := c.Hooks[len(c.Hooks)-1]
		if own.URL != w.here+w.Token || own.ID == 0 {
			t.Errorf("campaign %d: %+v", i+1, own)
		}
		for _, name := range []string{"EMAIL_SENT", "EMAIL_OPEN", "EMAIL_LINK_CLICK", "EMAIL_REPLY", "EMAIL_BOUNCE", "LEAD_UNSUBSCRIBED"} {
			if !slices.Contains(own.Events, name) {
				t.Errorf("campaign %d: %s is not ticked: %v", i+1, name, own.Events)
			}
		}
	}
	if h := w.account.Campaigns[1].Hooks[0]; len(w.account.Campaigns[1].Hooks) != 1 || h.Name != "mine" || !slices.Contains(h.Events, "MANUAL_STEP_REACHED") {
		t.Errorf("what was ticked is ticked no more: %+v", h)
	}
	if hooks := w.account.Campaigns[2].Hooks; len(hooks) != 2 || hooks[0].URL != "https://crm.example.com/their-secret-path" || len(hooks[0].Events) != 1 {
		t.Errorf("another's webhook was touched: %+v", hooks)
	}
	w.OK("hooks", "check", "--api-url", w.url)
	r = w.install(append(args, "--yes", "--json")...)
	for _, line := range clitest.Lines(t, r.Out) {
		if line["action"] != "nothing" || w.posts() != 3 {
			t.Errorf("a second time: %v, %d posts", line, w.posts())
		}
	}
}

func TestInstallRefusesWhatItCannotKnow(t *testing.T) {
	w := newWorld(t, func(here, token string) *fakeapi.Account {
		twice := fakeapi.Hook{ID: 11, Name: "one", URL: here + token, Events: all}
		return campaigns(
			[]fakeapi.Hook{twice, {ID: 12, Name: "two", URL: here + "a-token-of-long-ago", Events: all}},
			[]fakeapi.Hook{{ID: 21, Name: "other", URL: strings.Replace(here, "demo", "acme", 1) + "a-token-of-long-ago", Events: all}},
			[]fakeapi.Hook{{ID: 31, Name: "off", URL: here + token, Events: []string{"EMAIL_REPLY"}, Off: true}},
		)
	})
	for campaign, says := range map[string]string{"1": "two webhooks lead", "2": "to source acme", "3": "switch it on"} {
		r := w.install("--campaign", campaign, "--yes")
		if r.Code != 1 || !strings.Contains(r.Out, says) {
			t.Errorf("campaign %s: exit %d: %s%s", campaign, r.Code, r.Out, r.Err)
		}
	}
	if w.posts() != 1 { // that of the campaign whose webhook stays off
		t.Errorf("%d posts", w.posts())
	}
	w.account.Campaigns = append(w.account.Campaigns, &fakeapi.Campaign{ID: 4, Status: "ACTIVE"})
	list := fakeapi.Fault{Status: 200, Body: `[{"id":4,"status":"ACTIVE"}]`}
	w.api.Fail(list, fakeapi.Fault{Status: 200, Body: `[{"id":1,"name":"Interested"}]`}, fakeapi.Fault{Status: 200, Body: `[]`}, fakeapi.Fault{Status: 503, Body: w.here + w.Token})
	if r := w.install("--campaign", "4", "--yes"); r.Code != 1 || !strings.Contains(r.Out, "may have been done all the same") {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
	w.account.Categories = nil
	if r := w.install("--campaign", "4", "--yes"); r.Code != 1 || !strings.Contains(r.Err, "no category") {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
}

// The URL must be this receiver's, with a token that counts; no message shows it.
func TestInstallTakesItsOwnURLAlone(t *testing.T) {
	w := newWorld(t, func(string, string) *fakeapi.Account { return campaigns(nil) })
	for input, says := range map[string]string{
		"their-secret-path":                                                "no webhook URL",
		"https://crm.example.com/their-secret-path":                        "does not lead to this receiver",
		w.here + "a-token-of-long-ago":                                     "does not count",
		strings.Replace(w.here, "demo", "acme", 1) + "a-token-of-long-ago": "not",
		"": "no secret was given",
	} {
		w.Input = input + "\n"
		r := w.Run("hooks", "install", "--api-url", w.url, "--campaign", "1", "--yes")
		if r.Code == 0 || !strings.Contains(r.Err, says) || strings.Contains(r.Err+r.Out, "/webhooks/") {
			t.Errorf("%q: exit %d: %s%s", input, r.Code, r.Out, r.Err)
		}
	}
	for _, args := range [][]string{{"hooks", "install"}, {"hooks", "install", "--campaign", "1", "--type", "EMAIL_EATEN"}} {
		if r := w.Run(args...); r.Code != 2 {
			t.Errorf("%v: exit %d: %s", args, r.Code, r.Err)
		}
	}
	if w.posts() != 0 {
		t.Errorf("%d posts", w.posts())
	}
}
