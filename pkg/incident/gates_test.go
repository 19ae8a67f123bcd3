package incident_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/incident"
)

// wantLines looks and compares what is kept.
func (w *world) wantLines(t *testing.T, watcher *incident.Watcher, when string, want ...string) incident.Report {
	t.Helper()
	r := w.look(t, watcher)
	if got := w.lines(t); r.Err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: %v\n%s", when, r.Err, strings.Join(got, "\n"))
	}
	return r
}

func TestABreakerThatStaysOpenIsAnIncident(t *testing.T) {
	const line = "crm fails and is sent nothing: its breaker is open ×1"
	w := newWorld()
	watcher := w.watcher(nil)
	crm := incident.Gate{Destination: "crm", Open: true, Since: w.now, Cause: "http_503"}
	w.gates = []incident.Gate{crm, {Destination: "slack", Since: w.now}}
	if r := w.wantLines(t, watcher, "as it opens"); r.Failing != 1 || r.Paused != 0 {
		t.Errorf("%+v", r)
	}
	w.wantLines(t, watcher, "after a minute")
	w.wantLines(t, watcher, "after two", "open "+line)
	if in := w.list(t)[0]; !in.OpenedAt.Equal(crm.Since) || !strings.Contains(in.Text, "http_503") || in.Subject != "crm" {
		t.Errorf("%+v", in)
	}
	saves := w.saves
	for range 30 {
		w.wantLines(t, watcher, "meanwhile", "open "+line)
	}
	if n := w.saves - saves; n != 30 { // the look itself
		t.Errorf("%d writes in half an hour in which nothing happened", n)
	}
	w.gates[0] = incident.Gate{Destination: "crm", Since: w.now}
	w.wantLines(t, watcher, "as it closes", "open "+line)
	w.gates[0] = crm
	w.gates[0].Since = w.now
	for range 65 {
		w.wantLines(t, watcher, "as it opened again", "open "+line)
	}
	w.gates[0] = incident.Gate{Destination: "crm", Since: w.now}
	for range 5 {
		w.wantLines(t, watcher, "as it closed again", "open "+line)
	}
	if r := w.wantLines(t, watcher, "after it was closed for a while", "closed "+line); r.Closed != 1 || r.Failing != 0 {
		t.Errorf("%+v", r)
	}
	if why := w.list(t)[0].Why; why != "the breaker has closed" {
		t.Errorf("it is closed because %q", why)
	}
}

func TestAPauseIsAnIncidentUntilItEnds(t *testing.T) {
	const line = "crm is paused and is sent nothing ×1"
	w := newWorld()
	watcher, store := w.watcher(nil), incident.NewStore(w, w.clock)
	w.gates = []incident.Gate{{Destination: "crm", Paused: w.now, PausedBy: "mira"}}
	if r := w.wantLines(t, watcher, "at once", "open "+line); r.Paused != 1 {
		t.Errorf("%+v", r)
	}
	id := w.list(t)[0].ID
	if in, err := store.Acknowledge(t.Context(), id, "until Monday"); err != nil || in.Text != "paused by mira" {
		t.Fatalf("%+v %v", in, err)
	}
	w.now = w.now.Add(70 * time.Hour) // the sweeper did not run; a pause lasts
	w.look(t, watcher)
	if in, _ := store.Get(t.Context(), id); in.State != incident.Acknowledged || in.Count != 1 || w.now.Sub(in.LastAt) > time.Hour {
		t.Errorf("after three days: %+v", in)
	}
	if _, err := store.Close(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(2 * time.Hour)
	w.look(t, watcher)
	if in, _ := store.Get(t.Context(), id); in.Ongoing() {
		t.Errorf("what an operator closed is opened again by the same pause: %+v", in)
	}
	w.gates = nil
	w.look(t, watcher)
	w.now = w.now.Add(time.Minute)
	w.gates = []incident.Gate{{Destination: "crm", Paused: w.now, PausedBy: "mira"}}
	w.look(t, watcher)
	if in, _ := store.Get(t.Context(), id); in.State != incident.Open || in.Openings != 2 || in.Count != 1 {
		t.Errorf("paused anew: %+v", in)
	}
	w.gates[0].Paused = time.Time{}
	w.look(t, watcher)
	if in, _ := store.Get(t.Context(), id); in.State != incident.Closed || in.Why != "the destination was resumed" {
		t.Errorf("resumed: %+v", in)
	}
}
