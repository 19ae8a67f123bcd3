package lambdaio

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/telemetry"
)

// staleAfter is for how long no comparison has succeeded when each invocation says so.
const staleAfter = 24 * time.Hour

// reconcileTime is what a slice leaves of its invocation to the incidents.
const reconcileTime = 8 * time.Second

// Reconcile makes one slice of a comparison with Smartlead, if one is due. The invocation
// fails where the table did not answer, or nobody can tell whether there is a key; what
// Smartlead does is a cause that is kept, and fails none.
//
// Then, unless drifts is nil, it notes what was found as incidents; that fails none either.
func Reconcile(svc *scheduled.Service, drifts *incident.Drifts, t telemetry.Recorder) ScheduleHandler {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		started := t.Now()
		within, cancel := ctx, context.CancelFunc(func() {})
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) > 4*reconcileTime {
			within, cancel = context.WithDeadline(ctx, deadline.Add(-reconcileTime))
		}
		sum := svc.Run(within)
		cancel()
		logReconcile(ctx, t, sum, t.Now().Sub(started))
		if drifts != nil && len(sum.Judged) > 0 {
			noteDrift(ctx, t, drifts, sum.Judged)
		}
		return sum.Err
	}
}

// logReconcile writes nothing for an invocation that found nothing to do: there is one
// every few minutes.
func logReconcile(ctx context.Context, t telemetry.Recorder, s scheduled.Summary, took time.Duration) {
	if s.Off != "" && s.Err == nil {
		if s.NewlyOff {
			t.Line(ctx, slog.LevelInfo, "reconcile.off", nil, slog.String("function", "reconcile"), slog.String("reason", s.Off))
		}
		return
	}
	worked, stale := s.Run.ID != "", s.Age >= staleAfter
	if !worked && s.Err == nil && !stale {
		return
	}
	counts := some(byFunction("ReconcileAge", int(s.Age.Hours())))
	if s.Ended { // also zeros: they end an alarm
		counts = append(counts, byFunction("Missing", s.Drift.Counts[reconcile.Missing]), byFunction("Unproven", s.Drift.Unproven))
		counts = append(counts, some(byFunction("Repaired", s.Run.Repaired.Retriggered+s.Run.Repaired.Synthesized))...)
	}
	t.Line(ctx, levelOf(s, stale), "reconcile.run", counts, reconcileMembers(s, took)...)
}

func levelOf(s scheduled.Summary, stale bool) slog.Level {
	switch {
	case s.Err != nil:
		return slog.LevelError
	case stale || s.Run.Unproven > 0 || s.Run.Counts[reconcile.Missing] > 0 || s.Run.Cause != "":
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

func reconcileMembers(s scheduled.Summary, took time.Duration) []slog.Attr {
	run := s.Run
	out := outcomeGoesOn
	switch {
	case s.Ended:
		out = outcomeEnded
	case s.Waits != "":
		out = outcomeWaits
	}
	return []slog.Attr{
		slog.String("function", "reconcile"), slog.String("outcome", string(out)), slog.String("run", run.ID), slog.String("look", string(run.Look)),
		slog.Int("slice", run.Slices), slog.String("cursor", telemetry.Clean(run.Cursor, maxError)), slog.Int("campaigns", run.Campaigns), slog.Int("unproven_campaigns", run.Unproven),
		slog.Int("mails", run.Mails), slog.Int("calls", s.Calls),
		slog.Int("complete", run.Counts[reconcile.Complete]), slog.Int("late", run.Counts[reconcile.Late]), slog.Int("missing", run.Counts[reconcile.Missing]),
		slog.Int("extra", run.Counts[reconcile.Extra]), slog.Int("unknowable", run.Counts[reconcile.Unknowable]),
		slog.Int("retriggered", run.Repaired.Retriggered), slog.Int("synthesized", run.Repaired.Synthesized),
		slog.String("waits", s.Waits), slog.String("cause", telemetry.Clean(telemetry.Mask(run.Cause), maxError)), slog.String("error", errorText(s.Err)),
		slog.Int64("duration_ms", took.Milliseconds()),
	}
}

func noteDrift(ctx context.Context, t telemetry.Recorder, drifts *incident.Drifts, judged []scheduled.Campaign) {
	ctx, cancel := context.WithTimeout(ctx, reconcileTime-2*time.Second)
	defer cancel()
	found := make([]incident.Drift, 0, len(judged))
	for _, c := range judged {
		found = append(found, incident.Drift{
			Campaign: c.ID, Missing: c.Now().Of(reconcile.Missing), Arrived: c.Arrived,
			Cause: telemetry.Clean(telemetry.Mask(c.Cause), incident.MaxText),
		})
	}
	if err := drifts.Saw(ctx, found); err != nil {
		t.Line(ctx, slog.LevelWarn, "incidents.looked", nil, slog.String("function", "reconcile"), slog.String("error", errorText(err)))
	}
}
