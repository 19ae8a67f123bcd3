package destination

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"smartlead-receiver/pkg/jq"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/pkg/webhook"
)

// MaxRetryAfter caps what a destination asks for, whatever the worker's own limit is:
// a wrong answer must not put an event off for a year.
const MaxRetryAfter = 24 * time.Hour

// Target is a configured destination of any type, with what holds for all of
// them. It is the one place that decides what is unrouted (what its filter does
// not want), what a panic is (a failure that may pass), and which outcomes the
// ledger is given.
type Target struct {
	name   string
	wants  Selection
	next   webhook.Destination
	logger *slog.Logger
}

// New builds a destination. It returns ErrConfig, wrapped with every problem,
// without secrets.
func New(name string, cfg Config, deps Deps) (*Target, error) {
	if err := ValidateName(name); err != nil {
		return nil, fmt.Errorf("destination %s: %w: %w", Clean(name, maxError), ErrConfig, err)
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("destination %s: %w", name, err)
	}
	deps = deps.WithDefaults()
	next, err := cfg.Settings.Open(name, deps)
	if err != nil {
		return nil, fmt.Errorf("destination %s: %w", name, err)
	}
	wants, err := cfg.Selection()
	if err != nil {
		return nil, fmt.Errorf("destination %s: %w: filter.if: %w", name, ErrConfig, err)
	}
	if batch, ok := next.(Batch); ok {
		next = &gatherer{next: batch}
	}
	next = tidied{next}
	if deps.Guard != nil {
		next = deps.Guard(name, cfg.Limits, next)
	}
	return &Target{name: name, wants: wants, next: next, logger: deps.Logger}, nil
}

// tidied is a destination whose outcomes the ledger can be given.
type tidied struct{ webhook.Destination }

func (t tidied) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	return tidy(t.Destination.Deliver(ctx, d))
}

// Deliver hands over the event. One that the filter does not want ends as
// webhook.ResultUnrouted.
func (t *Target) Deliver(ctx context.Context, d webhook.Delivery) (out webhook.Outcome) {
	defer func() {
		if value := recover(); value != nil {
			t.logger.ErrorContext(ctx, "destination panicked", "destination", t.name,
				"event_id", d.Event.ID, "attempt", d.Event.Attempt, "panic", panicText(value), "stack", string(debug.Stack()))
			out = webhook.Outcome{
				Result: webhook.ResultRetry, ErrorClass: "panic",
				Error: Clean("the destination's code failed: "+panicText(value), maxError),
			}
		}
	}()
	switch against, err := t.wants.Against(ctx, d); {
	case errors.Is(err, jq.ErrTime):
		return tidy(webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "condition_slow", Error: "the destination's condition (--if): " + err.Error()})
	case err != nil: // an operator decides, and changes the condition
		return tidy(webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: "condition_failed", Error: "the destination's condition (--if): " + err.Error()})
	case len(against) > 0:
		return webhook.Outcome{Result: webhook.ResultUnrouted}
	}
	return t.next.Deliver(ctx, d)
}

// panicText names the panic. Only the runtime's own text is safe to show: any
// other value may hold what the destination was working on.
func panicText(value any) string {
	if err, ok := value.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("panic of type %T", value)
}

// tidy bounds what an extension returns, and takes an answer that is none for a
// failure that may pass: an event must not count as delivered by accident.
func tidy(out webhook.Outcome) webhook.Outcome {
	switch out.Result {
	case webhook.ResultDelivered, webhook.ResultUnrouted:
		return webhook.Outcome{Result: out.Result, Status: out.Status}
	case webhook.ResultRetry, webhook.ResultPermanent:
	case webhook.ResultRemoved, webhook.ResultAbandoned, webhook.ResultWaiting: // not for a destination to say
		fallthrough
	default:
		out = webhook.Outcome{
			Result: webhook.ResultRetry, ErrorClass: "bad_outcome",
			Error: fmt.Sprintf("the destination returned the result %q", out.Result),
		}
	}
	out.ErrorClass = Clean(out.ErrorClass, maxClass)
	out.Error = Clean(telemetry.Mask(out.Error), maxError) // an answer may quote a credential of its own side
	out.RetryAfter = min(max(out.RetryAfter, 0), MaxRetryAfter)
	return out
}
