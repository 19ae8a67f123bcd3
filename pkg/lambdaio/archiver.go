package lambdaio

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/telemetry"
)

// archiveStale is for how long the archive has not been up to date when each invocation
// says so.
const archiveStale = 6 * time.Hour

// Archiver archives what is closed, within its time. The invocation fails where a store did
// not answer; the next one goes on. A svc of nil archives nothing, and says so.
func Archiver(svc *archive.Service, t telemetry.Recorder) ScheduleHandler {
	return func(ctx context.Context, _ events.CloudWatchEvent) error {
		started := t.Now()
		if svc == nil {
			t.Line(ctx, slog.LevelInfo, "archive.off", nil, slog.String("function", "archiver"), slog.String("outcome", string(outcomeOff)), slog.String("reason", "ARCHIVE_BUCKET names no bucket"))
			return nil
		}
		sum := svc.Run(ctx)
		logArchive(ctx, t, sum, t.Now().Sub(started))
		return sum.Err
	}
}

// logArchive writes nothing for an invocation that found nothing to do: there is one every
// few minutes.
func logArchive(ctx context.Context, t telemetry.Recorder, s archive.Summary, took time.Duration) {
	stale := s.Age >= archiveStale
	if !s.Worked && s.Err == nil && !stale {
		return
	}
	out, level := outcomeGoesOn, slog.LevelInfo
	switch {
	case s.Waits != "":
		out = outcomeWaits
	case s.Behind == 0 && s.Err == nil:
		out = outcomeEnded
	}
	switch {
	case s.Err != nil:
		level = slog.LevelError
	case stale || s.Unreadable > 0:
		level = slog.LevelWarn
	}
	counts := some(byFunction("ArchiveAge", int(s.Age.Hours())))
	t.Line(ctx, level, "archive.run", counts,
		slog.String("function", "archiver"), slog.String("outcome", string(out)), slog.Time("until", s.Until),
		slog.Int("hours", s.Periods), slog.Int("objects", s.Objects), slog.Int("archived", s.Events), slog.Int("late", s.Late),
		slog.Int64("bytes", s.Bytes), slog.Int("unreadable", s.Unreadable), slog.Int64("behind_s", int64(s.Behind.Seconds())),
		slog.String("waits", s.Waits), slog.String("error", errorText(s.Err)), slog.Int64("duration_ms", took.Milliseconds()))
}
