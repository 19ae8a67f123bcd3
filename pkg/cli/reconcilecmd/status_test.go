package reconcilecmd_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/reconcile/scheduled"
)

// compare lets the function of the stack run once.
func (w *world) compare(t *testing.T) scheduled.Summary {
	t.Helper()
	env := w.Env
	env.Config.SmartleadURL, env.Config.ReconcileEvery, env.Config.ReconcileAgain = w.url, time.Hour, 24*time.Hour
	env.Config.ReconcileLookBack, env.Config.ReconcileBudget, env.Past = 7*24*time.Hour, 500, true
	service, err := app.ReconcileService(env)
	if err != nil {
		t.Fatal(err)
	}
	return service.Run(t.Context())
}

func TestStatusShowsWhatTheStackFound(t *testing.T) {
	w := newWorld(t, 12, nil)
	w.post(some)
	if r := w.OK("reconcile", "status"); !strings.Contains(r.Out, "compared nothing yet") {
		t.Errorf("%s", r.Out)
	}
	w.Fails(4, "compared nothing yet", "reconcile", "report", "--stored")
	if sum := w.compare(t); sum.Off == "" || !sum.NewlyOff {
		t.Fatalf("without a key: %+v", sum)
	}
	if r := w.OK("reconcile", "status"); !strings.Contains(r.Out, "nothing is compared") || !strings.Contains(r.Out, "set-key") {
		t.Errorf("%s", r.Out)
	}
	w.Fails(1, "nothing is compared", "reconcile", "now")
	w.Input = key + "\n"
	w.OK("reconcile", "set-key")
	if sum := w.compare(t); !sum.Ended || sum.Err != nil {
		t.Fatalf("%+v", sum)
	}
	// What is kept is shown without the key and without Smartlead.
	delete(w.Getenv, "SMARTLEAD_API_KEY")
	asked := len(w.api.Requests())
	r := w.OK("reconcile", "status")
	w.golden("status", r.Out)
	var out struct {
		Missing   int
		DueAt     string `json:"due_at"`
		Campaigns []struct {
			Types    []struct{ Type string }
			Findings []struct{ Verdict, Lead string }
		}
		Runs []struct {
			Calls  int
			Counts map[string]int
		}
	}
	if err := json.Unmarshal([]byte(w.OK("reconcile", "status", "--json", "--campaign", "4100001").Out), &out); err != nil {
		t.Fatal(err)
	}
	if out.Missing != 3 || out.DueAt == "" || len(out.Runs) != 1 || out.Runs[0].Counts["missing"] != 3 || len(out.Campaigns) != 1 || len(out.Campaigns[0].Findings) != 3 {
		t.Errorf("%+v", out)
	}
	w.Fails(4, "nothing is kept of campaign 7", "reconcile", "status", "--campaign", "7")
	report := w.Run("reconcile", "report", "--stored")
	if report.Code != 1 || !strings.Contains(report.Out, "3 events are missing") || !strings.Contains(report.Out, "lead") {
		t.Errorf("exit %d: %s%s", report.Code, report.Out, report.Err)
	}
	w.Fails(2, "--since says what is compared", "reconcile", "report", "--stored", "--since", "2d")
	w.Fails(2, "reconcile status --json", "reconcile", "report", "--stored", "--json")
	if len(w.api.Requests()) != asked {
		t.Errorf("Smartlead was asked: %v", w.api.Requests()[asked:])
	}
	// All comes, and the look that is asked for sees it.
	w.post(nil)
	w.Advance(6 * time.Minute)
	w.OK("reconcile", "now")
	if r := w.OK("reconcile", "status"); !strings.Contains(r.Out, "a second look was asked for") {
		t.Errorf("%s", r.Out)
	}
	if sum := w.compare(t); !sum.Ended || !sum.Run.Asked {
		t.Fatalf("%+v", sum)
	}
	if report := w.OK("reconcile", "report", "--stored"); !strings.Contains(report.Out, "Nothing is missing") {
		t.Errorf("%s", report.Out)
	}
}
