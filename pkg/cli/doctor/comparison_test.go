package doctor_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
)

// The doctor tells from what the function noted whether what arrived is compared, and what
// to do where it is not.
func TestDoctorLooksAtTheComparison(t *testing.T) {
	s := clitest.New(t)
	table := ledger.New(awssdk.DynamoDB{Client: s.Clients.DynamoDB}, s.At.Table)
	now := s.Clock()
	note := func(st scheduled.State) {
		t.Helper()
		body, err := json.Marshal(st)
		if err != nil {
			t.Fatal(err)
		}
		_, version, err := table.LoadDocument(t.Context(), "reconcile", "state")
		if err != nil && version != 0 {
			t.Fatal(err)
		}
		if err := table.SaveDocument(t.Context(), "reconcile", "state", body, version, now, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(what, result, detail, next string) {
		t.Helper()
		for _, v := range clitest.Lines(t, s.Run("doctor", "--json").Out) {
			if v["check"] != "comparison" {
				continue
			}
			if said, _ := v["next"].(string); v["result"] != result || !strings.Contains(v["detail"].(string), detail) || !strings.Contains(said, next) {
				t.Errorf("%s: %v", what, v)
			}
			return
		}
		t.Fatalf("%s: no such check", what)
	}
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	drift := func(missing, unproven int) scheduled.Drift {
		d := scheduled.Drift{At: ago(time.Hour), Campaigns: 2, Unproven: unproven, Counts: make(map[reconcile.Verdict]int)}
		d.Counts[reconcile.Missing] = missing
		return d
	}
	wants("nothing was ever noted", "note", "nothing is compared with Smartlead", "reconcile set-key")
	note(scheduled.State{Off: "no key", UpdatedAt: ago(30 * 24 * time.Hour)})
	wants("no key", "note", "nothing is compared with Smartlead", "reconcile set-key")
	s.Input = "the-key\n"
	s.OK("reconcile", "set-key")
	wants("the key was kept just now", "note", "begins within five minutes", "reconcile status")
	note(scheduled.State{Off: "no key", UpdatedAt: ago(time.Hour)})
	wants("the function does not see the key", "bad", "has not seen it", "schedule")
	on := scheduled.State{OnSince: ago(48 * time.Hour), UpdatedAt: ago(time.Minute), DueAt: now.Add(time.Hour)}
	note(on)
	wants("nothing has succeeded since", "bad", "for 2 d", "reconcile status")
	on.OnSince = ago(time.Hour)
	note(on)
	wants("none has ended", "note", "no comparison has ended yet", "reconcile status")
	on.SucceededAt, on.Drift = ago(time.Hour), drift(0, 0)
	note(on)
	wants("all is well", "ok", "nothing is missing", "")
	on.Drift = drift(3, 1)
	note(on)
	wants("something is missing", "note", "3 events are missing, 1 campaign is not compared", "reconcile status")
	on.DueAt = ago(2 * time.Hour)
	note(on)
	wants("it does not run", "bad", "stands still", "schedule")
	on.PausedUntil = ago(time.Minute)
	note(on)
	wants("it was told to wait", "note", "3 events", "")
	on.PausedUntil, on.Run, on.UpdatedAt = time.Time{}, &scheduled.Run{ID: "r"}, ago(2*time.Hour)
	note(on)
	wants("a run stands still", "bad", "stands still", "schedule")
}
