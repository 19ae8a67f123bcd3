package lambdaio

import (
	"context"
	"log/slog"
	"time"

	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sweep"
	"smartlead-receiver/pkg/telemetry"
)

// watchTime is what a sweep leaves of its invocation to the incidents.
const watchTime = 12 * time.Second

// leaveTime bounds a sweep, so that a backlog does not hide what is wrong.
func leaveTime(ctx context.Context, watcher *incident.Watcher) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || watcher == nil || time.Until(deadline) < 2*watchTime {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-watchTime))
}

// look has the incidents looked at, and tells them what the sweep met.
func look(ctx context.Context, t telemetry.Recorder, watcher *incident.Watcher, started time.Time, r sweep.Report) {
	ctx, cancel := context.WithTimeout(ctx, watchTime-2*time.Second)
	defer cancel()
	began := t.Now()
	done := watcher.Look(ctx, met(r, started.UTC(), began.UTC())...)
	logLook(ctx, t, done, t.Now().Sub(began))
}

// logLook writes a line where something has changed, and counts what there is.
func logLook(ctx context.Context, t telemetry.Recorder, done incident.Report, took time.Duration) {
	level := slog.LevelDebug // the ordinary case: nothing has changed
	switch {
	case done.Err != nil:
		level = slog.LevelError
	case done.Opened+done.Closed+done.Told > 0:
		level = slog.LevelInfo
	}
	t.Line(ctx, level, "incidents.looked", some(byFunction("DestinationsFailing", done.Failing), byFunction("DestinationsPaused", done.Paused),
		byFunction("SourcesSilent", done.Silent), byFunction("HooksSilenced", done.Silenced)),
		slog.String("function", "sweeper"), slog.Int("opened", done.Opened), slog.Int("closed", done.Closed), slog.Int("told", done.Told),
		slog.Bool("skipped", done.Skipped), slog.String("error", errorText(done.Err)), slog.Int64("duration_ms", took.Milliseconds()))
}

// met are the sightings of a sweep.
func met(r sweep.Report, first, last time.Time) []incident.Sighting {
	var seen []incident.Sighting
	add := func(kind incident.Kind, cause, text string, n int) {
		if n > 0 {
			seen = append(seen, incident.Sighting{
				Key: incident.Key{Kind: kind, Cause: cause}, Text: text, Count: n, First: first, Last: last,
			})
		}
	}
	add(incident.KindSweep, "sent again", "messages that a queue should have had, and may have lost", r.Repairs())
	add(incident.KindOutage, "ledger", "the sweeper's calls of DynamoDB failed", r.LedgerSilent)
	add(incident.KindOutage, "queue", "SQS took messages of the sweeper neither at once nor at the next attempt", r.QueueSilent)
	return seen
}

// noteTime bounds the note of a redrive: a run ends a few seconds before its invocation.
const noteTime = 3 * time.Second

func noteRedrive(ctx context.Context, t telemetry.Recorder, incidents *incident.Redrives, sum redrive.Summary) {
	ctx, cancel := context.WithTimeout(ctx, noteTime)
	defer cancel()
	err := incidents.Saw(ctx, incident.Redrive{
		Job: sum.JobID, State: string(sum.State), Reason: sum.Reason, Worked: sum.Ticks > 0, Over: sum.State.Final(),
	})
	if err != nil {
		t.Line(ctx, slog.LevelWarn, "incidents.looked", nil, slog.String("function", "redrive"), slog.String("error", errorText(err)))
	}
}
