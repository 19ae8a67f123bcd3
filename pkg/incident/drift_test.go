package incident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/incident"
)

// Drift of a campaign is one line from the comparison that finds it to the one that does
// not, and a write for each change.
func TestDriftOfACampaignIsOneIncident(t *testing.T) {
	w := newWorld()
	saw := func(found ...incident.Drift) {
		t.Helper()
		if err := incident.NewDrifts(incident.NewStore(w, w.clock)).Saw(t.Context(), found); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Hour)
	}
	whole := incident.Drift{Campaign: "7", Arrived: true}
	saw(whole, incident.Drift{Campaign: "8", Arrived: true})
	if len(w.list(t)) != 0 || w.saves != 0 {
		t.Fatalf("%+v", w.list(t))
	}
	lost := incident.Drift{Campaign: "7", Missing: 3, Arrived: true}
	for range 5 {
		saw(lost, incident.Drift{Campaign: "8", Arrived: true})
	}
	list := w.list(t)
	if len(list) != 1 || list[0].What() != "events are missing of campaign 7" || list[0].Text != "3 missing" || w.saves != 1 {
		t.Fatalf("%+v after %d writes", list, w.saves)
	}
	if look := strings.Join(list[0].FirstLook(), " "); look != "reconcile status --campaign 7" {
		t.Errorf("look first: %s", look)
	}
	lost.Missing = 4
	saw(lost)
	if in := w.list(t)[0]; in.Text != "4 missing" || in.Count != 2 || in.Openings != 1 {
		t.Errorf("%+v", in)
	}
	for range 30 { // it goes on, and never looks quiet
		saw(lost)
	}
	if in := w.list(t)[0]; w.now.Sub(in.LastAt) > 7*time.Hour || w.saves > 8 {
		t.Errorf("%+v after %d writes", in, w.saves)
	}
	saw(incident.Drift{Campaign: "7", Cause: "Smartlead does not answer", Missing: 4, Arrived: true})
	list = w.list(t)
	if len(list) != 2 || list[0].State != incident.Open || list[1].State != incident.Open {
		t.Fatalf("%+v", list)
	}
	saw(whole)
	for _, in := range w.list(t) {
		if in.State != incident.Closed || in.Why == "" {
			t.Errorf("%+v", in)
		}
	}
	saves := w.saves
	saw(whole)
	if w.saves != saves {
		t.Error("what is closed is written again")
	}
}

func TestDriftOfManyCampaignsIsBounded(t *testing.T) {
	w := newWorld()
	var found []incident.Drift
	for i := range 200 {
		found = append(found, incident.Drift{Campaign: fmt.Sprint(i), Missing: 1})
	}
	if err := incident.NewDrifts(incident.NewStore(w, w.clock)).Saw(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	list := w.list(t)
	if len(list) != 51 || !strings.Contains(list[0].Text+list[1].Text, "ever arrived") {
		t.Errorf("%d incidents", len(list))
	}
}
