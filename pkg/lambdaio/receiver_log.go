package lambdaio

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/telemetry"
)

// maxEventLines bounds the lines of one request: a large array is counted, not
// told in full.
const maxEventLines = 100

// logReceived writes one line for each event, or one for a refused request.
func logReceived(ctx context.Context, t Telemetry, req receive.Request, a receive.Answer, err error, took time.Duration) {
	source := req.SourceName()
	if refusal, ok := errors.AsType[*receive.Error](err); ok && len(a.Results) == 0 {
		t.Metrics.Count("Refused", 1, "cause", refusal.Cause)
		level := slog.LevelWarn
		if refusal.Kind == receive.Unavailable || refusal.Kind == receive.Internal {
			level = slog.LevelError
		}
		t.Log.Log(ctx, level, "request.refused", "source", source, "outcome", string(refusal.Kind), "cause", refusal.Cause,
			"error", errorText(refusal.Err), "request_id", req.RequestID, "bytes", len(req.Body),
			"duration_ms", took.Milliseconds())
		return
	}
	for i, r := range a.Results {
		t.Metrics.Count("Events", 1, "outcome", string(r.Status))
		if r.Unclaimed && r.Status != receive.Failed {
			t.Metrics.Count("Unclaimed", 1)
		}
		if r.Status == receive.Held {
			t.Metrics.Count("Held", 1)
		}
		if i >= maxEventLines && r.Err == nil {
			continue
		}
		level := slog.LevelInfo
		if r.Status == receive.Failed {
			level = slog.LevelError
		} else if r.Err != nil || r.Unclaimed {
			level = slog.LevelWarn
		}
		t.Log.Log(ctx, level, "event.received", "event_id", string(r.EventID), "source", source, "type", string(r.Type),
			"outcome", string(r.Status), "index", r.Index, "of", len(a.Results), "enqueued", r.Enqueued, "unclaimed", r.Unclaimed,
			"error", errorText(r.Err), "request_id", req.RequestID, "provider_request_id", req.ProviderRequestID,
			"bytes", len(req.Body), "duration_ms", took.Milliseconds())
	}
	if err == nil && len(a.Results) == 0 {
		t.Log.InfoContext(ctx, "request.empty", "source", source, "outcome", "empty", "request_id", req.RequestID,
			"duration_ms", took.Milliseconds())
	}
	t.Metrics.Duration("ReceiveTime", took)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return telemetry.Clean(err.Error(), 500)
}
