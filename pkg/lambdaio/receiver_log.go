package lambdaio

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"smartlead-receiver/pkg/receive"
)

// maxEventLines bounds the lines of one request: a large array is counted, not
// told in full.
const maxEventLines = 100

// received is what the lines of one request have in common.
type received struct {
	Telemetry
	req    receive.Request
	source string
	took   time.Duration
}

// logReceived writes one line for each event, or one for a request that brought
// none: refused or empty.
func logReceived(ctx context.Context, t Telemetry, req receive.Request, a receive.Answer, err error, took time.Duration) {
	r := received{Telemetry: t, req: req, source: req.SourceName(), took: took}
	if refusal, ok := errors.AsType[*receive.Error](err); ok && len(a.Results) == 0 {
		r.logRefusal(ctx, refusal)
		return
	}
	for i, el := range a.Results {
		r.count(el)
		if i < maxEventLines || el.Err != nil {
			r.logElement(ctx, el, len(a.Results))
		}
	}
	if err == nil && len(a.Results) == 0 {
		r.Log.InfoContext(ctx, "request.empty", "source", r.source, "outcome", string(outcomeEmpty), "request_id", req.RequestID,
			"duration_ms", took.Milliseconds())
	}
	r.Metrics.Duration("ReceiveTime", took)
}

// logRefusal tells our own failures from the sender's by the level: only ours
// are errors.
func (r received) logRefusal(ctx context.Context, refusal *receive.Error) {
	r.Metrics.Count("Refused", 1, "cause", refusal.Cause)
	level := slog.LevelWarn
	if refusal.Kind == receive.Unavailable || refusal.Kind == receive.Internal {
		level = slog.LevelError
	}
	r.Log.Log(ctx, level, "request.refused", "source", r.source, "outcome", string(refusal.Kind), "cause", refusal.Cause,
		"error", errorText(refusal.Err), "request_id", r.req.RequestID, "bytes", len(r.req.Body),
		"duration_ms", r.took.Milliseconds())
}

func (r received) count(el receive.Result) {
	r.Metrics.Count("Events", 1, "outcome", string(el.Status))
	if el.Unclaimed && el.Status != receive.Failed {
		r.Metrics.Count("Unclaimed", 1)
	}
	if el.Status == receive.Held {
		r.Metrics.Count("Held", 1)
	}
	if el.Status == receive.Variant {
		r.Metrics.Count("Variants", 1)
	}
}

func (r received) logElement(ctx context.Context, el receive.Result, of int) {
	level := slog.LevelInfo
	switch {
	case el.Status == receive.Failed:
		level = slog.LevelError
	case el.Err != nil || el.Unclaimed:
		level = slog.LevelWarn
	}
	r.Log.Log(ctx, level, "event.received", "event_id", string(el.EventID), "source", r.source, "type", string(el.Type),
		"outcome", string(el.Status), "index", el.Index, "of", of, "enqueued", el.Enqueued, "unclaimed", el.Unclaimed,
		"error", errorText(el.Err), "request_id", r.req.RequestID, "provider_request_id", r.req.ProviderRequestID,
		"bytes", len(r.req.Body), "duration_ms", r.took.Milliseconds())
}
