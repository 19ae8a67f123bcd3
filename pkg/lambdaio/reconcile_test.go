package lambdaio

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
)

func ended(missing int) scheduled.Summary {
	counts := make(map[reconcile.Verdict]int)
	counts[reconcile.Missing] = missing
	return scheduled.Summary{
		Ended: true, Calls: 7, Age: 30 * time.Hour, Drift: scheduled.Drift{Unproven: 2, Counts: counts},
		Run: scheduled.Run{ID: "r", Look: scheduled.Second, Campaigns: 5, Repaired: scheduled.Repaired{Retriggered: 3, Synthesized: 1}},
	}
}

// A comparison is a line when something was done, or nothing for a day; what it measures
// is measured at its end, nothing missing as well.
func TestAComparisonIsOneLine(t *testing.T) {
	var log bytes.Buffer
	to := recorder(&log)
	for _, quiet := range []scheduled.Summary{
		{Waits: "the next run is not due", Age: 23 * time.Hour}, {Off: "no key"}, {},
	} {
		logReconcile(t.Context(), to, quiet, 0)
	}
	linesOf(t, &log).want(t, map[string]float64{}, map[string]int{})
	logReconcile(t.Context(), to, scheduled.Summary{Off: "no key", NewlyOff: true}, 0)
	logReconcile(t.Context(), to, scheduled.Summary{Waits: "Smartlead is not asked", Age: 25 * time.Hour}, 0)
	logReconcile(t.Context(), to, scheduled.Summary{Run: scheduled.Run{ID: "r"}}, 0)
	logReconcile(t.Context(), to, scheduled.Summary{Err: errors.New("down")}, 0)
	linesOf(t, &log).want(t, map[string]float64{"ReconcileAge{function=reconcile}": 25}, map[string]int{"reconcile.off": 1, "reconcile.run": 3})
	logReconcile(t.Context(), to, ended(4), 0)
	linesOf(t, &log).want(t, map[string]float64{
		"ReconcileAge{function=reconcile}": 30, "Missing{function=reconcile}": 4, "Unproven{function=reconcile}": 2, "Repaired{function=reconcile}": 4,
	}, map[string]int{"reconcile.run": 1})
	logReconcile(t.Context(), to, ended(0), 0)
	if text := log.String(); !strings.Contains(text, `"Missing":0`) {
		t.Errorf("an alarm on what is missing would not end: %s", text)
	}
	log.Reset()
	s := ended(1)
	s.Run.Cause = "Smartlead says: tom@acme.example.com is unknown"
	logReconcile(t.Context(), to, s, 0)
	if strings.Contains(fmt.Sprint(log.String()), "tom@") {
		t.Errorf("the line names a lead: %s", log.String())
	}
}
