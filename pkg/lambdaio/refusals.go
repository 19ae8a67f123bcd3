package lambdaio

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/telemetry"
)

// These bound what a flood of refused requests costs in lines, for each running
// instance: so many of each cause are told whole in each window. The rest is
// counted and told in one line, when the window has passed or the count is large.
const (
	wholeRefusals = 10
	refusalWindow = time.Minute
	refusalsATime = 1000
)

// cause is the cause of a refusal. There are few.
type cause string

// noSuchPath is a stranger's: not kept, and never told whole. It is its own
// outcome, so that scanners do not hide senders whose URL is wrong.
const noSuchPath cause = "no_such_path"

// refusals counts what is told later. A frozen instance tells it with the next
// request, whatever that is; what an instance has not told when it ends, up to a
// minute and fewer than refusalsATime of a cause, is in the access log alone.
type refusals struct {
	telemetry.Recorder
	mu     sync.Mutex
	causes map[cause]*refused
}

// refused is one cause in its present window.
type refused struct {
	outcome     string
	began       time.Time
	whole       int
	untold      int
	first, last time.Time // of those untold
}

func newRefusals(t telemetry.Recorder) *refusals {
	return &refusals{Recorder: t, causes: make(map[cause]*refused)}
}

// whole tells whether one more refusal is told in a line of its own; if not, it
// has been counted.
func (r *refusals) whole(ctx context.Context, c cause, outcome string) bool {
	now := r.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.causes[c]
	if seen == nil {
		seen = &refused{outcome: outcome, began: now}
		r.causes[c] = seen
	}
	if c != noSuchPath && seen.whole < wholeRefusals {
		seen.whole++
		return true
	}
	if seen.untold == 0 {
		seen.first = now
	}
	seen.untold, seen.last = seen.untold+1, now
	if seen.untold >= refusalsATime {
		r.tell(ctx, c, seen)
	}
	return false
}

// due tells what was counted in windows that have passed.
func (r *refusals) due(ctx context.Context) {
	now := r.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	passed := make([]cause, 0, len(r.causes))
	for c, seen := range r.causes {
		if now.Sub(seen.began) >= refusalWindow {
			passed = append(passed, c)
		}
	}
	slices.SortFunc(passed, func(a, b cause) int { return strings.Compare(string(a), string(b)) })
	for _, c := range passed {
		if seen := r.causes[c]; seen.untold > 0 {
			r.tell(ctx, c, seen)
		}
		delete(r.causes, c)
	}
}

// tell writes the line of what was counted, at the time of the last. The caller
// holds mu.
func (r *refusals) tell(ctx context.Context, c cause, seen *refused) {
	r.LineAt(ctx, seen.last, slog.LevelWarn, "requests.refused", byOutcome("Refused", seen.untold),
		slog.String("outcome", seen.outcome), slog.String("cause", string(c)), slog.Int("count", seen.untold),
		slog.Time("since", seen.first.UTC().Truncate(time.Millisecond)))
	seen.untold = 0
}

// refused writes the line of one refused request, or counts it. What we failed at
// is always told, and only that is an error.
func (r received) refused(ctx context.Context, refusal *receive.Error) {
	level, outcome := slog.LevelWarn, string(refusal.Kind)
	if refusal.Kind == receive.Unavailable || refusal.Kind == receive.Internal {
		level = slog.LevelError
	} else if !r.refusals.whole(ctx, cause(refusal.Cause), outcome) {
		return
	}
	r.refusals.Line(ctx, level, "request.refused", byOutcome("Refused", 1),
		slog.String("source", r.source), slog.String("outcome", outcome), slog.String("cause", refusal.Cause),
		slog.String("error", errorText(refusal.Err)), slog.String("request_id", r.req.RequestID), slog.Int("bytes", len(r.req.Body)),
		slog.Int64("duration_ms", r.took.Milliseconds()))
}
