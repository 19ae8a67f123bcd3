package lambdaio

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sweep"
	"smartlead-receiver/pkg/telemetry"
)

// ScheduleHandler is the signature that Lambda calls for a schedule.
type ScheduleHandler func(context.Context, events.CloudWatchEvent) error

// Sweeper runs one sweep, and then, unless watcher is nil, has the incidents looked at.
// A sweep that sent something fails no invocation, so that the error alarm means that
// nothing could be done at all; the incidents never fail one.
func Sweeper(svc *sweep.Service, watcher *incident.Watcher, t telemetry.Recorder) ScheduleHandler {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		started := t.Now()
		within, cancel := leaveTime(ctx, watcher)
		report := svc.Sweep(within)
		cancel()
		logSweep(ctx, t, report, t.Now().Sub(started))
		if watcher != nil {
			look(ctx, t, watcher, started, report)
		}
		if report.Sent+report.DeadLetters > 0 {
			return nil
		}
		return report.Err
	}
}

// logSweep counts only what there was: a sweep a minute finds nothing, as a rule,
// and each count makes a document.
func logSweep(ctx context.Context, t telemetry.Recorder, r sweep.Report, took time.Duration) {
	level := slog.LevelDebug // the ordinary case: nothing was owed
	switch {
	case r.Err != nil:
		level = slog.LevelError
	case r.Repairs() > 0 || r.Cut:
		level = slog.LevelWarn
	case r.Waited+r.Listed > 0:
		level = slog.LevelInfo
	}
	t.Line(ctx, level, "sweep.done", some(byFunction("Swept", r.Repairs()), byFunction("WaitsEnded", r.Waited), byFunction("SweepFailures", r.Failed)),
		slog.String("function", "sweeper"), slog.String("outcome", string(outcomeSwept)), slog.Int("looked", r.Looked), slog.Int("listed", r.Listed), slog.Int("due", r.Due), slog.Int("sent", r.Sent),
		slog.Int("waited", r.Waited), slog.Int("dead_letters", r.DeadLetters), slog.Int("moved_on", r.Moved), slog.Int("failed", r.Failed), slog.Bool("cut_short", r.Cut),
		slog.String("error", errorText(r.Err)), slog.Int64("duration_ms", took.Milliseconds()))
}

// some returns the counts that are not zero.
func some(counts ...telemetry.Count) []telemetry.Count {
	return slices.DeleteFunc(counts, func(c telemetry.Count) bool { return c.N == 0 })
}

// Redrive works on the active redrive job, if there is one. The invocation
// fails where the run did.
//
// Then, unless incidents is nil, it notes where the job stands; that fails no run.
func Redrive(svc *redrive.Service, incidents *incident.Redrives, t telemetry.Recorder) ScheduleHandler {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		started := t.Now()
		sum := svc.Run(ctx)
		logRedrive(ctx, t, sum, t.Now().Sub(started))
		if incidents != nil {
			noteRedrive(ctx, t, incidents, sum)
		}
		return sum.Err
	}
}

// logRedrive writes nothing for a run that found nothing to do: there is one
// every minute.
func logRedrive(ctx context.Context, t telemetry.Recorder, s redrive.Summary, took time.Duration) {
	cleaned := s.DeadLetters
	counts := some(byFunction("DeadLettersCleared", cleaned.Stale), byFunction("ForeignDeadLetters", cleaned.Foreign))
	if s.Ticks == 0 && s.Err == nil && len(counts) == 0 && cleaned.Renewed+cleaned.Claimed == 0 {
		return
	}
	level := slog.LevelInfo
	if s.Err != nil {
		level = slog.LevelError
	}
	t.Line(ctx, level, "redrive.run", counts,
		slog.String("function", "redrive"), slog.String("outcome", string(s.State)), slog.String("job", s.JobID), slog.String("reason", s.Reason),
		slog.Int("ticks", s.Ticks), slog.Int("released", s.Counts.Released), slog.Int("delivered", s.Counts.Delivered),
		slog.Int("died_again", s.Counts.DiedAgain), slog.Int("dead_letters_cleared", cleaned.Stale),
		slog.Int("dead_letters_renewed", cleaned.Renewed), slog.Int("dead_letters_claimed", cleaned.Claimed),
		slog.Int("dead_letters_foreign", cleaned.Foreign), slog.String("error", errorText(s.Err)), slog.Int64("duration_ms", took.Milliseconds()))
}
