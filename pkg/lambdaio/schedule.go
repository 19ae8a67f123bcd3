package lambdaio

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sweep"
)

// ScheduleHandler is the signature that Lambda calls for a schedule.
type ScheduleHandler func(context.Context, events.CloudWatchEvent) error

// Sweeper runs one sweep. A sweep that sent something fails no invocation, so
// that the error alarm means that nothing could be done at all, or that the
// metrics are missing.
func Sweeper(svc *sweep.Service, t Telemetry) ScheduleHandler {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		started := t.Now()
		report := svc.Sweep(ctx)
		logSweep(ctx, t, report, t.Now().Sub(started))
		err := t.Metrics.Flush()
		if report.Sent+report.DeadLetters > 0 {
			return err
		}
		return errors.Join(report.Err, err)
	}
}

func logSweep(ctx context.Context, t Telemetry, r sweep.Report, took time.Duration) {
	t.Metrics.Count("Swept", r.Sent+r.DeadLetters)
	t.Metrics.Count("SweepFailures", r.Failed)
	level := slog.LevelDebug // the ordinary case: nothing was owed
	switch {
	case r.Err != nil:
		level = slog.LevelError
	case r.Sent+r.DeadLetters > 0 || r.Cut:
		level = slog.LevelWarn // a repair was needed
	}
	t.Log.Log(ctx, level, "sweep.done", "outcome", string(outcomeSwept), "due", r.Due, "sent", r.Sent, "dead_letters", r.DeadLetters,
		"moved_on", r.Moved, "failed", r.Failed, "cut_short", r.Cut, "error", errorText(r.Err),
		"duration_ms", took.Milliseconds())
}

// Redrive works on the active redrive job, if there is one. The invocation
// fails where the run did.
func Redrive(svc *redrive.Service, t Telemetry) ScheduleHandler {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		started := t.Now()
		sum := svc.Run(ctx)
		logRedrive(ctx, t, sum, t.Now().Sub(started))
		return errors.Join(sum.Err, t.Metrics.Flush())
	}
}

// logRedrive writes nothing for a run that found nothing to do: there is one
// every minute.
func logRedrive(ctx context.Context, t Telemetry, s redrive.Summary, took time.Duration) {
	cleaned := s.DeadLetters
	t.Metrics.Count("DeadLettersCleared", cleaned.Stale)
	t.Metrics.Count("ForeignDeadLetters", cleaned.Foreign)
	if s.Ticks == 0 && s.Err == nil && cleaned.Stale+cleaned.Renewed+cleaned.Claimed == 0 {
		return
	}
	level := slog.LevelInfo
	if s.Err != nil {
		level = slog.LevelError
	}
	t.Log.Log(ctx, level, "redrive.run", "outcome", string(s.State), "job", s.JobID, "reason", s.Reason, "ticks", s.Ticks,
		"released", s.Counts.Released, "delivered", s.Counts.Delivered, "died_again", s.Counts.DiedAgain,
		"dead_letters_cleared", cleaned.Stale, "dead_letters_renewed", cleaned.Renewed, "dead_letters_claimed", cleaned.Claimed,
		"dead_letters_foreign", cleaned.Foreign, "error", errorText(s.Err),
		"duration_ms", took.Milliseconds())
}
