package hooks_test

import (
	"net/http/httptest"
	"strings"
	"testing"

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
			{ID: 22, Name: "query", URL: s.Front.URL + "/webhooks/demo?token=" + s.Token, Events: all},
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
	if r.Code != 1 || !strings.Contains(r.Err, "3 webhooks need attention") {
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
