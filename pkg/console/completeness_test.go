package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/console/consoletest"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
)

func TestCompletenessIsShownAndAskedFor(t *testing.T) {
	c := consoletest.New(t)
	holds(t, c.OK("/completeness"), "has compared nothing yet", "Nothing has been compared yet.", "No run has ended yet.")
	account := fakeapi.Simulate("the-key", c.Clock(), 12)
	account.Campaigns[0].Name = "<b>Spring</b>"
	for _, p := range account.Campaigns[0].Posts(c.Clock()) {
		if p.Type != "EMAIL_REPLY" {
			c.Post(string(p.Body))
		}
	}
	c.Work()
	server := httptest.NewServer(fakeapi.New(fakeapi.Options{Account: account, Now: c.Clock}))
	t.Cleanup(server.Close)
	env := c.Env
	env.Config.SmartleadURL, env.Config.ReconcileEvery, env.Config.ReconcileAgain = server.URL, time.Hour, 24*time.Hour
	env.Config.ReconcileLookBack, env.Config.ReconcileBudget, env.Past = 7*24*time.Hour, 500, true
	compare := func() scheduled.Summary {
		service, err := app.ReconcileService(env)
		if err != nil {
			t.Fatal(err)
		}
		return service.Run(t.Context())
	}
	compare() // there is no key
	a := c.Get("/completeness")
	holds(t, a.Text(), "nothing is compared", "reconcile set-key")
	if strings.Contains(a.Body, "Look now") {
		t.Error("a look is offered without a key")
	}
	if err := c.Found().APIKey.Put(t.Context(), "the-key"); err != nil {
		t.Fatal(err)
	}
	if sum := compare(); !sum.Ended {
		t.Fatalf("%+v", sum)
	}
	a = c.Get("/completeness")
	holds(t, a.Text(), "the next run is due at", "2 events are missing in 1 campaign", "EMAIL_REPLY", "none of this type arrived", "lead7@acme.example.com", "second", "Look now")
	if strings.Contains(a.Body, "<b>Spring") {
		t.Errorf("markup from outside is rendered:\n%s", a.Body)
	}
	a = c.Do(c.Client, http.MethodPost, c.URL+"/completeness/now", a.Form(), nil)
	holds(t, a.Text(), "Asked for: a second look begins", "a second look was asked for at")
	if strings.Contains(a.Body, ">Look now<") {
		t.Error("it can be asked for once more")
	}
	holds(t, c.Audit(), "reconcile now")
	if sum := compare(); !sum.Ended || !sum.Run.Asked {
		t.Errorf("%+v", sum)
	}
}
