package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console"
	"smartlead-receiver/pkg/console/consoletest"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/dynoxide"
	"smartlead-receiver/test/ttlcheck"
)

// TestCapacity holds every page to the read units that it says, over a table of about
// 16,000 events, whatever the address asks for. -v prints what each read.
func TestCapacity(t *testing.T) {
	m := clitest.NewMeter(t, ttlcheck.Proxy(t, dynoxide.Use(t)))
	fixture := clitest.NewTableFixture(clitest.NewOver(t, m.Engine))
	fixture.Settle()
	fixture.Grow(13_000, 0)
	fixture.Through(m)
	c := consoletest.Over(t, fixture.Stack)
	keepCampaigns(t, c, 300)
	keepRepairs(t, c, 50)
	m.Reset()
	c.Looked() // what the doctor reads is no page's, and it looks once in five minutes
	if u := m.Reset(); u.Units > 1000 {
		t.Errorf("the doctor, and the count of the dead in the bar: %.1f units", u.Units)
	} else {
		t.Logf("the doctor, and the count of the dead in the bar: %.1f units", u.Units)
	}
	busy := url.PathEscape(clitest.BusyLead)
	report := fmt.Sprintf("%-62s %10s %10s\n", "read units", "read", "at most")
	tried := map[string]bool{}
	for _, look := range []struct{ page, address string }{
		{"/", "/"},
		{"/events", "/events"},
		{"/events", "/events?state=dead"},
		{"/events", "/events?state=pending"},
		{"/events", "/events?state=delivered&since=30d"},
		{"/events", "/events?state=held&source=none"},
		{"/events", "/events?campaign=" + clitest.QuietCampaign},
		{"/events", "/events?source=none"},
		{"/events", "/events?type=MANUAL_STEP_REACHED"},
		{"/events", "/events?destination=none"},
		{"/events", "/events?flag=daemon_sender"},
		{"/events", "/events?error_class=none"},
		{"/events", "/events?state=dead&error_class=" + clitest.RareClass},
		{"/events", "/events?lead=" + busy},
		{"/events", "/events?since=3650d&until=400d"},
		{"/events/{id}", eventPath(fixture.Take(webhook.Dead))},
		{"/events/{id}", eventPath(fixture.Changed)},
		{"/leads/{address}", "/leads/" + busy},
		{"/leads/{address}", "/leads/nobody@acme.example.com"},
		{"/find", "/find?q=" + busy},
		{"/find", "/find?q=nothing-at-all"},
		{"/find", "/find?q=AAAAAAAA"},
		{"/find", "/find?q=%40nowhere.example"},
		{"/dead", "/dead"},
		{"/destinations", "/destinations"},
		{"/incidents", "/incidents"},
		{"/incidents", "/incidents?all=1"},
		{"/completeness", "/completeness"},
		{"/completeness/repair", "/completeness/repair?since=7d"},
		{"/completeness/repair/{began}", "/completeness/repair/2126-03-04T00:00:00.000Z?since=7d"},
		{"/completeness/repairs/{run}", "/completeness/repairs/run-49"},
		{"/destinations/routes", "/destinations/routes?event=" + url.QueryEscape(fixture.Changed)},
		{"/destinations/{name}/remove", "/destinations/crm/remove"},
		{"/sources", "/sources"},
		{"/send", "/send"},
		{"/replays/{since}", "/replays/2126-03-04T00:00:00.000Z?state=delivered"},
		{"/events/replay", "/events/replay?campaign=" + clitest.QuietCampaign},
		{"/events/replay", "/events/replay?lead=" + busy},
		{"/events/replay", "/events/replay?state=delivered"}, // more than it takes
		{"/events/replay", "/events/replay?state=dead&since=3650d&error_class=" + clitest.RareClass},
		{"/events/selected/replay", selectedPath("replay", manyIDs(t, c, 200)...)},
		{"/redrive", "/redrive"},
		{"/redrive", "/redrive?plan=1"},
		{"/redrive", "/redrive?error_class=" + clitest.RareClass},
	} {
		most := console.UnitsOf(look.page)
		m.Reset()
		if a := c.Get(look.address); a.Status != http.StatusOK && !strings.Contains(a.Text(), "looked at 5,001 events without") {
			t.Errorf("%s: %d\n%s", look.address, a.Status, a.Text())
		}
		u := m.Reset()
		if u.Units > float64(most) {
			t.Errorf("%s: %.1f units in %d calls, want at most %d", look.address, u.Units, u.Reads, most)
		}
		if u.Writes > 0 {
			t.Errorf("%s: to look writes", look.address)
		}
		tried[look.page] = true
		report += fmt.Sprintf("%-62.62s %10.1f %10d\n", look.address, u.Units, most)
	}
	for _, path := range console.Bounded() {
		if !tried[path] && !strings.HasPrefix(path, "/redrive/") {
			t.Errorf("%s says that it reads, and nobody has measured how much", path)
		}
	}
	t.Log("\n" + report)
}

// manyIDs are the ids of the newest events.
func manyIDs(t *testing.T, c *consoletest.Console, n int) (ids []string) {
	t.Helper()
	page, err := c.Found().Ledger.List(t.Context(), ledger.Query{Limit: n, Now: c.Clock()})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page.Records {
		ids = append(ids, string(r.ID))
	}
	return ids
}

// keepRepairs keeps the records of so many repairs, with as many events as one names.
func keepRepairs(t *testing.T, c *consoletest.Console, n int) {
	t.Helper()
	kept := repair.Record{BegunAt: c.Clock(), EndedAt: c.Clock(), By: "tester", Made: 200}
	for _, id := range manyIDs(t, c, 200) {
		kept.Events = append(kept.Events, webhook.EventID(id))
	}
	for i := range n {
		kept.Run = fmt.Sprintf("run-%d", i)
		body, err := json.Marshal(kept)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Found().Ledger.SaveDocument(t.Context(), "repair", kept.Run, body, 0, c.Clock(), c.Clock().Add(35*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
}

// keepCampaigns keeps what a comparison found of so many campaigns, a few KB each.
func keepCampaigns(t *testing.T, c *consoletest.Console, n int) {
	t.Helper()
	kept := scheduled.Campaign{Name: "A campaign", Arrived: true, LookedAt: c.Clock()}
	kept.Second.Types = []reconcile.TypeCount{{Type: webhook.EmailReply}}
	for i := range 15 {
		kept.Second.Findings = append(kept.Second.Findings, reconcile.Finding{
			Type: webhook.EmailReply, Verdict: reconcile.Missing, Lead: fmt.Sprintf("lead%d@acme.example.com", i), StatsID: "5b1f7a52-0c3e-4d9a-9a41-000100010001", At: c.Clock(), SentAt: c.Clock(),
		})
	}
	for i := range n {
		kept.ID = fmt.Sprint(5_000_000 + i)
		body, err := json.Marshal(kept)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Found().Ledger.SaveDocument(t.Context(), "reconcile-campaign", kept.ID, body, 0, c.Clock(), c.Clock().Add(35*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
}
