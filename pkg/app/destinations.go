package app

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"sync"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/pkg/webhook"
)

// defaultDestination is used while none is configured, so that a fresh
// deployment does something visible.
const defaultDestination = "log"

// destinations builds what is configured, and builds it anew when its
// configuration has changed. It is safe for concurrent use.
type destinations struct {
	parameters *sourcestore.Reader
	log        *slog.Logger
	transport  http.RoundTripper

	mu    sync.Mutex
	forms map[string]string
	built map[string]process.Destination
}

func newDestinations(parameters *sourcestore.Reader, log *slog.Logger) *destinations {
	return &destinations{parameters: parameters, log: log, transport: destination.NewTransport()}
}

// Destinations returns the configured destinations by name. One whose
// configuration is broken is there all the same and fails each attempt, so that
// its events wait for the operator instead of counting as settled.
func (d *destinations) Destinations(ctx context.Context) (map[string]process.Destination, error) {
	forms, err := d.parameters.Destinations(ctx)
	if err != nil {
		return nil, err
	}
	text := make(map[string]string, len(forms)+1)
	for name, form := range forms {
		text[name] = string(form)
	}
	if len(text) == 0 {
		text[defaultDestination] = `{"type":"log"}`
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.built != nil && maps.Equal(text, d.forms) {
		return d.built, nil
	}
	built := make(map[string]process.Destination, len(text))
	for name, form := range text {
		built[name] = d.build(name, form)
	}
	d.forms, d.built = text, built
	return built, nil
}

func (d *destinations) build(name, form string) process.Destination {
	cfg, err := destination.ParseConfig([]byte(form))
	if err == nil {
		var target *destination.Target
		target, err = destination.New(name, cfg, destination.Deps{Transport: d.transport, Logger: d.log})
		if err == nil {
			return target
		}
	}
	d.log.Error("destination.broken", "outcome", "its events are retried", "destination", name,
		"error", telemetry.Clean(err.Error(), 500))
	return broken{}
}

// broken stands for a destination that cannot be built.
type broken struct{}

func (broken) Wants(webhook.Event) bool { return true }

func (broken) Deliver(context.Context, webhook.Delivery) webhook.Outcome {
	return webhook.Outcome{
		Result: webhook.ResultRetry, ErrorClass: "bad_configuration",
		Error: "the destination's configuration is invalid: see smartleadctl destinations list",
	}
}
