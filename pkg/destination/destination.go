// Package destination delivers events to where a customer wants them, and
// decides what an answer means. A new type of destination is one file here and
// one line in the registry.
package destination

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Destination is the extension point. Deliver returns how the attempt ended and
// never an error: what went wrong, and whether to try again, is in the Outcome.
// Event.Attempt counts from 1; IdempotencyKey is the same on every retry and
// redrive. It must honour ctx and be safe for concurrent use.
type Destination interface {
	Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome
}

// Deps are what destinations are built from; shared by all of them.
type Deps struct {
	Transport http.RoundTripper // nil means NewTransport, one per destination
	Logger    *slog.Logger      // nil discards
	Now       func() time.Time  // nil means time.Now
}

// builders is the registry: one line a type.
var builders = map[string]func(name string, cfg Config, deps Deps) (Destination, error){
	"http": newHTTP,
	"log":  newLog,
}

// Types returns the known types, sorted.
func Types() []string { return slices.Sorted(maps.Keys(builders)) }

// New builds a destination of a registered type. It returns ErrConfig, wrapped
// with every problem, without secrets.
func New(name string, cfg Config, deps Deps) (*Target, error) {
	if err := ValidateName(name); err != nil {
		return nil, fmt.Errorf("destination %s: %w: %w", clean(name), ErrConfig, err)
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("destination %s: %w", name, err)
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Transport == nil {
		deps.Transport = NewTransport()
	}
	d, err := builders[cfg.Type](name, cfg, deps)
	if err != nil {
		return nil, fmt.Errorf("destination %s: %w", name, err)
	}
	return &Target{name: name, filter: cfg.Filter, next: d, logger: deps.Logger}, nil
}

// Target is a configured destination of any type, with what holds for all of
// them: it takes only what its filter wants, survives a panic, and never
// returns an outcome that the ledger cannot keep. It is safe for concurrent
// use.
type Target struct {
	name   string
	filter Filter
	next   Destination
	logger *slog.Logger
}

// Wants tells whether the filter selects the event.
func (t *Target) Wants(e webhook.Event) bool { return t.filter.Match(e) }

// Deliver hands over the event. One that the filter does not want ends as
// webhook.ResultUnrouted, whether or not the caller asked Wants.
func (t *Target) Deliver(ctx context.Context, d webhook.Delivery) (out webhook.Outcome) {
	if !t.Wants(d.Event) {
		return webhook.Outcome{Result: webhook.ResultUnrouted}
	}
	defer func() {
		if value := recover(); value != nil {
			t.logger.ErrorContext(ctx, "destination panicked", "destination", t.name,
				"event_id", d.Event.ID, "attempt", d.Event.Attempt, "panic", panicText(value), "stack", string(debug.Stack()))
			out = webhook.Outcome{
				Result: webhook.ResultRetry, ErrorClass: "panic",
				Error: clean("the destination's code failed: " + panicText(value)),
			}
		}
	}()
	return tidy(t.next.Deliver(ctx, d))
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
	case webhook.ResultRemoved, webhook.ResultAbandoned: // not for a destination to say
		fallthrough
	default:
		out = webhook.Outcome{
			Result: webhook.ResultRetry, ErrorClass: "bad_outcome",
			Error: fmt.Sprintf("the destination returned the result %q", out.Result),
		}
	}
	out.ErrorClass = cleanTo(out.ErrorClass, maxClass)
	out.Error = clean(out.Error)
	out.RetryAfter = min(max(out.RetryAfter, 0), MaxRetryAfter)
	return out
}
