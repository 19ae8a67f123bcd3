//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/webhook"
)

// switchRepair gives the function that compares another account and another mode.
func switchRepair(t *testing.T, api, mode string) {
	t.Helper()
	f, err := deployed.function(t.Context(), "Reconcile")
	if err != nil {
		t.Fatal(err)
	}
	f.Environment.Variables["SMARTLEAD_URL"], f.Environment.Variables["RECONCILE_REPAIR"] = api, mode
	if err := deployed.configureFunction(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// The function finds what never came. By default it says so, with the rights of its role
// alone; where it is to make it, it does, and a late webhook is a duplicate.
func TestTheFunctionMakesWhatNeverCame(t *testing.T) {
	account := fakeapi.Simulate("a key of the API", time.Now(), 12)
	account.Campaigns[0].ID = 4200002
	account.Campaigns[0].Hooks = []fakeapi.Hook{{
		ID: 1, Name: "all", URL: "https://hooks.example/webhooks/demo/t", Events: []string{"EMAIL_SENT"},
	}}
	fake := fakeapi.New(fakeapi.Options{Account: account, Now: time.Now})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/retrigger-failed-events") { // nothing failed, so that nothing is waited for
			_, _ = io.WriteString(w, `{"success":true,"retriggered_count":0}`)
			return
		}
		fake.ServeHTTP(w, r)
	}))
	defer api.Close()
	table := ledger.New(awssdk.DynamoDB{Client: deployed.DynamoDB}, deployed.outputs["TableName"])
	as(t, "operator", "a key of the API", "reconcile", "set-key")
	// The source is minutes old, and what happened before it would not be missed.
	if err := scheduled.SetBegan(t.Context(), table, time.Now().Add(-240*time.Hour), time.Now()); err != nil {
		t.Fatal(err)
	}
	lost := map[webhook.EventID]fakeapi.Post{}
	var bodies []string
	for i, p := range account.Campaigns[0].Posts(time.Now()) {
		if p.Type != "EMAIL_SENT" {
			continue
		}
		batch, err := smartlead.Parse(p.Body, smartlead.Options{Account: "default"})
		if err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			lost[batch.Elements[0].Event.ID] = p
			continue
		}
		bodies = append(bodies, string(p.Body))
	}
	post(t, "["+strings.Join(bodies, ",")+"]")

	look := func() scheduled.State {
		t.Helper()
		if _, err := scheduled.Ask(t.Context(), table, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := deployed.invoke(t.Context(), "ReconcileFunctionName"); err != nil {
			t.Fatal(err)
		}
		st, err := scheduled.Standing(t.Context(), table)
		if err != nil || st.Run != nil || st.Cause != "" {
			t.Fatalf("%v: %+v", err, st)
		}
		return st
	}
	switchRepair(t, api.URL, "off")
	if st := look(); st.Drift.Counts["missing"] < len(lost) {
		t.Errorf("%d were lost, and found: %+v", len(lost), st.Drift)
	}
	f, err := deployed.function(t.Context(), "Reconcile")
	if err != nil {
		t.Fatal(err)
	}
	alone, err := deployed.rightsOf(t.Context(), f.roleName(), "reconcile")
	if err != nil {
		t.Fatal(err)
	}
	for _, called := range deployed.watches["Reconcile"].calls() {
		if !alone.allow(called) {
			t.Errorf("without the policy %s its role does not allow %s", makesEvents, called)
		}
	}
	for id := range lost {
		if _, err := table.Get(t.Context(), id); err == nil {
			t.Errorf("%s was made", id)
		}
	}

	switchRepair(t, api.URL, "synthesize")
	look()
	for id, p := range lost {
		if r := becomes(t, id, webhook.Delivered, 30*time.Second); !r.Synthesized() {
			t.Errorf("%s of %s was not made", p.Type, p.Lead)
		}
		if got := post(t, string(p.Body)).Results[0]; got.Status != "duplicate" || got.EventID != id {
			t.Errorf("the late webhook of %s is %+v", id, got)
		}
	}
	for _, called := range deployed.watches["Reconcile"].calls() {
		if strings.HasPrefix(called, "dynamodb:PutItem ") && !alone.allow(called) && !strings.HasSuffix(called, " with v1:…") {
			t.Errorf("it also wrote: %s", called)
		}
	}
	var repairs struct{ By string }
	text := as(t, "operator", "", "reconcile", "repairs", "--limit", "1")
	if err := json.Unmarshal([]byte(text), &repairs); err != nil || !strings.HasPrefix(repairs.By, "schedule, run ") {
		t.Errorf("recorded is %s (%v)", text, err)
	}
}
