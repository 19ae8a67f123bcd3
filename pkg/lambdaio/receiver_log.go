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
	*refusals
	req    receive.Request
	source string
	took   time.Duration
}

// logReceived writes one line for each event, or one for a request that brought
// none: refused or empty.
func logReceived(ctx context.Context, to *refusals, req receive.Request, a receive.Answer, err error, took time.Duration) {
	r := received{refusals: to, req: req, source: req.SourceName(), took: took}
	if refusal, ok := errors.AsType[*receive.Error](err); ok && len(a.Results) == 0 {
		r.refused(ctx, refusal)
		return
	}
	untold := make(map[receive.Status]int)
	for i, el := range a.Results {
		if i < maxEventLines || el.Err != nil || el.Unclaimed || el.SecondHook {
			r.element(ctx, el, len(a.Results))
		} else {
			untold[el.Status]++
		}
	}
	for _, status := range receive.Statuses {
		if n := untold[status]; n > 0 {
			r.Line(ctx, slog.LevelInfo, "events.received", byOutcome("Events", n), slog.String("source", r.source),
				slog.String("outcome", string(status)), slog.Int("count", n), slog.Int("of", len(a.Results)), slog.String("request_id", req.RequestID))
		}
	}
	if err == nil && len(a.Results) == 0 {
		r.Line(ctx, slog.LevelInfo, "request.empty", nil, slog.String("source", r.source), slog.String("outcome", string(outcomeEmpty)),
			slog.String("request_id", req.RequestID), slog.Int64("duration_ms", took.Milliseconds()))
	}
}

// element writes the line of one event. Its id says its type, and so the line says
// it only where there is no id.
func (r received) element(ctx context.Context, el receive.Result, of int) {
	level := slog.LevelInfo
	switch {
	case el.Status == receive.Failed:
		level = slog.LevelError
	case el.Err != nil || el.Unclaimed:
		level = slog.LevelWarn
	}
	counts := byOutcome("Events", 1)
	members := []slog.Attr{
		slog.String("event_id", string(el.EventID)), slog.String("source", r.source), slog.String("outcome", string(el.Status)),
		slog.Bool("unsent", el.Status == receive.Accepted && !el.Enqueued), slog.Bool("unclaimed", el.Unclaimed),
		slog.String("error", errorText(el.Err)), slog.String("request_id", r.req.RequestID),
		slog.String("provider_request_id", r.req.ProviderRequestID),
		slog.Int64("duration_ms", r.took.Milliseconds()),
	}
	if el.EventID == "" {
		members = append(members, slog.String("type", string(el.Type)))
	}
	if of > 1 {
		members = append(members, slog.Int("index", el.Index), slog.Int("of", of))
	}
	if el.Unclaimed && el.Status != receive.Failed {
		counts = append(counts, byFunction("Unclaimed", 1))
		members = append(members, slog.String("function", "receiver"))
	}
	if el.SecondHook {
		counts = append(counts, byFunction("SecondHooks", 1))
		members = append(members, slog.Bool("second_hook", true), slog.String("function", "receiver"))
	}
	r.Line(ctx, level, "event.received", counts, members...)
}
