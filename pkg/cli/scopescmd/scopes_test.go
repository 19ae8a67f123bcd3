package scopescmd_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

// hooks posts events through sources, as their webhooks do.
type hooks struct {
	*clitest.Stack
	t      *testing.T
	tokens map[string]string
	n      int
}

func newHooks(t *testing.T) *hooks {
	s := clitest.New(t)
	return &hooks{Stack: s, t: t, tokens: map[string]string{"demo": s.Token}}
}

// add adds a source of the account default.
func (h *hooks) add(name string) {
	h.t.Helper()
	url := strings.TrimSpace(h.OK("sources", "add", name, "--account", "default").Out)
	h.Said = nil // the one time that it is shown
	h.tokens[name] = url[strings.LastIndex(url, "/")+1:]
	h.Secrets = append(h.Secrets, h.tokens[name])
}

// post sends an open of a campaign, by a webhook of a level.
func (h *hooks) post(source, campaign, hook, name, level string) {
	h.t.Helper()
	h.n++
	url := h.Front.URL + "/webhooks/" + source + "/" + h.tokens[source]
	body, _ := json.Marshal(map[string]any{
		"event_type": "EMAIL_OPEN", "campaign_id": campaign, "stats_id": fmt.Sprintf("stats-%d", h.n), "event_timestamp": "2126-03-04T11:00:00Z",
		"webhook_id": hook, "webhook_name": name, "webhook_url": url, "secret_key": clitest.SecretKey,
	})
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, url, strings.NewReader(string(body)))
	if err != nil {
		h.t.Fatal(err)
	}
	if level != "" {
		req.Header.Set("X-Webhook-Level", level)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		h.t.Fatalf("answered %d", resp.StatusCode)
	}
}

// doctor returns what it says of webhooks.
func (h *hooks) doctor() (result, detail, next string) {
	h.t.Helper()
	for _, f := range clitest.Lines(h.t, h.Run("doctor", "--json").Out) {
		if f["check"] == "webhooks" {
			next, _ := f["next"].(string)
			return f["result"].(string), f["detail"].(string), next
		}
	}
	h.t.Fatal("the doctor does not look at webhooks")
	return "", "", ""
}

func TestScopesList(t *testing.T) {
	h := newHooks(t)
	if r := h.OK("scopes", "list"); !strings.Contains(r.Err, "nothing is recorded yet") {
		t.Errorf("said %s", r.Err)
	}
	h.add("one-campaign")
	h.post("demo", "7", "11", "All\x1b[31m of it", "user")
	h.post("demo", "7", "11", "All\x1b[31m of it", "user")
	h.post("one-campaign", "8", "12", "Eight", "campaign")
	h.post("demo", "9", "", "", "")
	h.Golden("list", h.OK("scopes", "list").Out)
	h.Terminal, h.Width = true, 200
	if r := h.OK("scopes", "list"); !strings.Contains(r.Out, "WEBHOOK") {
		t.Errorf("got\n%s", r.Out)
	}
	h.Terminal = false
	all := clitest.Lines(t, h.OK("scopes", "list", "--json").Out)
	if len(all) != 3 || all[0]["campaign_id"] != "7" || all[0]["webhook_id"] != "11" || all[0]["level"] != "user" || all[0]["account"] != "default" ||
		all[0]["days"] != 1.0 || all[1]["source"] != "one-campaign" {
		t.Errorf("got %v", all)
	}
	for filter, want := range map[string]int{"--source=demo": 2, "--campaign=8": 1, "--campaign=99": 0, "--source=absent": 0} {
		if got := clitest.Lines(t, h.OK("scopes", "list", "--json", filter).Out); len(got) != want {
			t.Errorf("%s: %d, want %d", filter, len(got), want)
		}
	}
	if r := h.OK("scopes", "list", "--campaign", "99"); !strings.Contains(r.Err, "nothing of it") {
		t.Errorf("said %s", r.Err)
	}
	h.Fails(2, "--source", "scopes", "list", "--source", "No Good")
}

func TestDoctorTellsOfTwoHooks(t *testing.T) {
	h := newHooks(t)
	h.add("one-campaign")
	h.post("demo", "7", "11", "All", "user")
	h.post("one-campaign", "8", "12", "Eight", "campaign")
	if result, detail, _ := h.doctor(); result != "ok" {
		t.Errorf("before: %s", detail)
	}
	h.post("one-campaign", "7", "12", "Eight", "campaign")
	result, detail, next := h.doctor()
	if result != "note" || !strings.Contains(detail, "EMAIL_OPEN of campaign 7 comes through webhook 11 (user, source demo) and webhook 12 (campaign, source one-campaign)") ||
		!strings.Contains(next, "scopes list") || strings.Contains(detail, "campaign 8") {
		t.Errorf("%s: %s. %s", result, detail, next)
	}
	for range 4 { // one of them is silent from now on
		h.Advance(24 * time.Hour)
		h.post("one-campaign", "7", "12", "Eight", "campaign")
	}
	if result, detail, _ := h.doctor(); result != "ok" {
		t.Errorf("after one fell silent: %s", detail)
	}
}

func TestDoctorTellsOfASilencedHook(t *testing.T) {
	h := newHooks(t)
	h.add("one-campaign")
	h.post("one-campaign", "7", "12", "Seven", "campaign")
	h.post("one-campaign", "8", "12", "Eight", "campaign")
	h.Advance(24 * time.Hour)
	for range 4 {
		h.post("demo", "7", "11", "All", "user")
		h.Advance(24 * time.Hour)
	}
	result, detail, next := h.doctor()
	if result != "note" || !strings.Contains(detail, "EMAIL_OPEN of campaign 7: webhook 12 (campaign, source one-campaign) is silent since") ||
		!strings.Contains(detail, "webhook 11 (user, source demo) speaks") || strings.Contains(detail, "campaign 8") || !strings.Contains(next, "delete the webhook of the user level") {
		t.Errorf("%s: %s. %s", result, detail, next)
	}
	h.Advance(14 * 24 * time.Hour)
	h.post("demo", "7", "11", "All", "user")
	if result, detail, _ := h.doctor(); result != "ok" {
		t.Errorf("weeks later: %s", detail)
	}
}

// Where the request does not say the level, that which the source expects counts.
func TestDoctorTakesTheExpectedLevelWhereNoneIsSaid(t *testing.T) {
	h := newHooks(t)
	h.add("one-campaign")
	h.OK("sources", "set", "one-campaign", "--level", "campaign")
	h.OK("sources", "set", "demo", "--level", "user")
	h.post("one-campaign", "7", "12", "Seven", "")
	for range 4 {
		h.Advance(24 * time.Hour)
		h.post("demo", "7", "11", "All", "")
	}
	if result, detail, _ := h.doctor(); result != "note" || !strings.Contains(detail, "is silent since") {
		t.Errorf("%s: %s", result, detail)
	}
}

func TestDoctorTellsOfAnotherLevel(t *testing.T) {
	h := newHooks(t)
	h.OK("sources", "set", "demo", "--level", "campaign")
	h.post("demo", "7", "11", "All", "user")
	h.post("demo", "8", "11", "All", "user")
	result, detail, next := h.doctor()
	if result != "note" || detail != "source demo expects the level campaign, and webhook 11 is of the level user" || !strings.Contains(next, "--level any") {
		t.Errorf("%s: %s. %s", result, detail, next)
	}
	h.OK("sources", "set", "demo", "--level", "user")
	if result, detail, _ := h.doctor(); result != "ok" {
		t.Errorf("as expected: %s", detail)
	}
}

// Bodies that are not trusted, and tests, say nothing of any webhook.
func TestWhatIsNotTrustedIsNotRecorded(t *testing.T) {
	h := newHooks(t)
	h.Secrets = append(h.Secrets, "another-key-0001")
	h.Input = "another-key-0001\n"
	h.OK("sources", "trust-key", "demo", "--no-release", "--yes")
	for i := range 30 {
		h.post("demo", fmt.Sprint(i), "11", "All", "user")
	}
	if r := h.OK("scopes", "list", "--json"); r.Out != "" {
		t.Errorf("recorded\n%s", r.Out)
	}
}
