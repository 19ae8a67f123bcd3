package lambdaio

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sweep"
)

// ScheduleHandler is the signature that Lambda calls for a schedule.
type ScheduleHandler func(context.Context, events.CloudWatchEvent) error

// Sweeper runs one sweep. It fails the invocation only when nothing could be
// done at all, so that the error alarm means something.
func Sweeper(svc *sweep.Service, t Telemetry) ScheduleHandler {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		started := t.Now()
		r := svc.Sweep(ctx)
		t.Metrics.Count("Swept", r.Sent+r.DeadLetters)
		t.Metrics.Count("SweepFailures", r.Failed)
		level := slog.LevelDebug // the ordinary case: nothing was owed
		if r.Sent+r.DeadLetters > 0 || r.Cut {
			level = slog.LevelWarn // a repair was needed
		}
		if r.Err != nil {
			level = slog.LevelError
		}
		t.Log.Log(ctx, level, "sweep.done", "outcome", "swept", "due", r.Due, "sent", r.Sent, "dead_letters", r.DeadLetters,
			"moved_on", r.Moved, "failed", r.Failed, "cut_short", r.Cut, "error", errorText(r.Err),
			"duration_ms", t.Now().Sub(started).Milliseconds())
		err := t.Metrics.Flush()
		if r.Err != nil && r.Sent+r.DeadLetters == 0 {
			return errors.Join(r.Err, err)
		}
		return err
	}
}

// Redrive works on the active redrive job, if there is one.
func Redrive(svc *redrive.Service, t Telemetry) ScheduleHandler {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		started := t.Now()
		s := svc.Run(ctx)
		t.Metrics.Count("LettersCleared", s.DeadLetters.Stale)
		t.Metrics.Count("ForeignLetters", s.DeadLetters.Foreign)
		level := slog.LevelInfo
		if s.Err != nil {
			level = slog.LevelError
		}
		if s.Ticks > 0 || s.Err != nil || s.DeadLetters.Stale+s.DeadLetters.Renewed+s.DeadLetters.Claimed > 0 {
			t.Log.Log(ctx, level, "redrive.run", "outcome", string(s.State), "job", s.JobID, "reason", s.Reason, "ticks", s.Ticks,
				"released", s.Counts.Released, "delivered", s.Counts.Delivered, "died_again", s.Counts.DiedAgain,
				"dead_letters_cleared", s.DeadLetters.Stale, "dead_letters_renewed", s.DeadLetters.Renewed, "dead_letters_claimed", s.DeadLetters.Claimed,
				"dead_letters_foreign", s.DeadLetters.Foreign, "error", errorText(s.Err),
				"duration_ms", t.Now().Sub(started).Milliseconds())
		}
		return errors.Join(s.Err, t.Metrics.Flush())
	}
}
