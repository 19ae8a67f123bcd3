package incident_test

import (
	"fmt"
	"testing"
	"time"

	"smartlead-receiver/pkg/incident"
)

func TestPattern(t *testing.T) {
	for text, want := range map[string]string{
		"timeout after 3000 ms":                            "timeout after # ms",
		"timeout after 41 ms":                              "timeout after # ms",
		"row 7f3a9c2e-1b04-4c7e-9d11-0a2b3c4d5e6f is gone": "row # is gone",
		"row (0a2b3c4d5e6f7f3a9c2e1b04), is gone":          "row (#), is gone",
		"HTTP 503":                       "HTTP #",
		"E1001:\n  no  route":            "E#: no route",
		"a-long-word-without-any-number": "a-long-word-without-any-number",
		"":                               "",
		"https://crm.example/v3/contacts/12345/associations gave an error": "# gave an error",
	} {
		if got := incident.Pattern(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func seen(w *world, cause string) incident.Sighting {
	return incident.Sighting{Key: incident.Key{Kind: incident.KindError, Cause: cause, Source: "demo"}, Count: 1, First: w.now, Last: w.now}
}

// A tool in a loop writes once in ten seconds, and nothing of it is lost.
func TestAToolInALoopIsCounted(t *testing.T) {
	w := newWorld()
	reports := incident.NewReports(incident.NewStore(w, w.clock))
	for range 1000 { // 100 seconds
		if _, err := reports.Report(t.Context(), seen(w, "no answer")); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(100 * time.Millisecond)
	}
	if w.saves != 10 {
		t.Errorf("%d writes, want 10", w.saves)
	}
	w.now = w.now.Add(time.Minute)
	if _, err := reports.Report(t.Context(), seen(w, "another")); err != nil { // takes what waits along
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, in := range w.list(t) {
		counts[in.Cause] = in.Count
	}
	if counts["no answer"] != 1000 || counts["another"] != 1 {
		t.Errorf("%v", counts)
	}
}

// Forty errors of a source are told apart; a thousand others are one incident, of a few
// writes, and another source is untouched.
func TestManyErrorsAreOneIncident(t *testing.T) {
	w := newWorld()
	reports := incident.NewReports(incident.NewStore(w, w.clock))
	for i := range 1040 {
		if _, err := reports.Report(t.Context(), seen(w, fmt.Sprintf("error-%c%c", 'a'+i%26, 'a'+i/26))); err != nil {
			t.Fatal(err)
		}
	}
	list := w.list(t)
	others := 0
	for _, in := range list {
		if in.Cause == incident.Others {
			others = in.Count
		}
	}
	if len(list) != 41 || w.saves > 60 {
		t.Errorf("%d incidents by %d writes", len(list), w.saves)
	}
	w.now = w.now.Add(time.Minute)
	if _, err := reports.Report(t.Context(), seen(w, "error-aa")); err != nil {
		t.Fatal(err)
	}
	for _, in := range w.list(t) {
		if in.Cause == incident.Others {
			others = in.Count
		}
	}
	if others != 1000 {
		t.Errorf("the others count %d, want 1000", others)
	}
	other := seen(w, "mine")
	other.Source = "other"
	if _, err := reports.Report(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if n := len(w.list(t)); n != 42 {
		t.Errorf("%d incidents, want 42", n)
	}
}

// Where the table is down the sender is told so, and its repeat counts once.
func TestAReportThatIsNotKeptIsRefused(t *testing.T) {
	w := newWorld()
	reports := incident.NewReports(incident.NewStore(w, w.clock))
	w.down = true
	for range 3 {
		if _, err := reports.Report(t.Context(), seen(w, "no answer")); err == nil {
			t.Fatal("it was kept")
		}
	}
	w.down = false
	if _, err := reports.Report(t.Context(), seen(w, "no answer")); err != nil {
		t.Fatal(err)
	}
	if list := w.list(t); len(list) != 1 || list[0].Count != 1 {
		t.Errorf("%+v", list)
	}
}
