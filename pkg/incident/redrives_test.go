package incident_test

import (
	"testing"
	"time"

	"smartlead-receiver/pkg/incident"
)

// A redrive is one line from its first step to its end, whichever instance sees it, and
// a write for each change of its state.
func TestARedriveIsOneIncident(t *testing.T) {
	w := newWorld()
	saw := func(state string, worked, over bool) {
		t.Helper()
		// An instance of its own each time, and one that goes on.
		store := incident.NewStore(w, w.clock)
		if err := incident.NewRedrives(store).Saw(t.Context(), incident.Redrive{Job: "job-1", State: state, Reason: "why", Worked: worked, Over: over}); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Minute)
	}
	saw("done", false, true) // over before anybody saw it
	if len(w.list(t)) > 0 {
		t.Fatalf("%+v", w.list(t))
	}
	for range 5 {
		saw("running", true, false)
	}
	saw("holding", true, false)
	for range 90 { // minutes
		saw("paused", false, false)
	}
	in := w.list(t)[0]
	if in.State != incident.Open || in.Count != 3 || in.Text != "paused: why" || w.saves != 4 {
		t.Errorf("%+v after %d writes", in, w.saves)
	}
	if w.now.Sub(in.LastAt) > time.Hour {
		t.Errorf("a redrive that is paused was last seen %s", in.LastAt)
	}
	saw("cancelled", false, true)
	for range 5 {
		saw("cancelled", false, true)
	}
	in = w.list(t)[0]
	if in.State != incident.Closed || in.Why != "the redrive is cancelled" || in.Openings != 1 || w.saves != 5 {
		t.Errorf("%+v after %d writes", in, w.saves)
	}
}

// A redrive that begins and ends within one run is told, too, once.
func TestAShortRedriveIsKept(t *testing.T) {
	w := newWorld()
	r := incident.NewRedrives(incident.NewStore(w, w.clock))
	for range 3 {
		if err := r.Saw(t.Context(), incident.Redrive{Job: "job-2", State: "done", Reason: "3 delivered", Worked: true, Over: true}); err != nil {
			t.Fatal(err)
		}
	}
	list := w.list(t)
	if len(list) != 1 || list[0].State != incident.Closed || list[0].Text != "done: 3 delivered" || w.saves != 1 {
		t.Errorf("%+v after %d writes", list, w.saves)
	}
	if err := r.Saw(t.Context(), incident.Redrive{}); err != nil || w.saves != 1 {
		t.Errorf("no redrive: %v", err)
	}
}
