package destination

import (
	"context"
	"maps"
	"sync"

	"smartlead-receiver/pkg/webhook"
)

// While nothing is configured, events go to a destination of this name and
// form, so that a fresh deployment does something visible.
const (
	defaultName = "log"
	defaultForm = `{"type":"log"}`
)

// Forms returns the stored form of each destination by name. The error wraps
// webhook.ErrUnavailable.
type Forms interface {
	Destinations(ctx context.Context) (map[string][]byte, error)
}

// Cache holds the destinations that are configured, built from their stored
// forms and built anew when these have changed. It is safe for concurrent use.
type Cache struct {
	types Types
	forms Forms
	deps  Deps

	mu    sync.Mutex
	text  map[string]string // the forms that built was built from
	built map[string]webhook.Destination
}

// NewCache returns a cache that has read nothing yet. Without a transport in
// deps the destinations share a new one.
func NewCache(types Types, forms Forms, deps Deps) *Cache {
	return &Cache{types: types, forms: forms, deps: deps.WithDefaults()}
}

// Destinations returns the configured destinations by name, or the default one
// where none is. One whose configuration cannot be used is there all the same
// and fails each attempt, so that its events wait for the operator instead of
// counting as settled. The map is shared: read only. It returns the error of
// Forms.
func (c *Cache) Destinations(ctx context.Context) (map[string]webhook.Destination, error) {
	forms, err := c.forms.Destinations(ctx)
	if err != nil {
		return nil, err
	}
	text := make(map[string]string, len(forms)+1)
	for name, form := range forms {
		text[name] = string(form)
	}
	if len(text) == 0 {
		text[defaultName] = defaultForm
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.built != nil && maps.Equal(text, c.text) {
		return c.built, nil
	}
	built := make(map[string]webhook.Destination, len(text))
	for name, form := range text {
		built[name] = c.build(name, form)
	}
	c.text, c.built = text, built
	return built, nil
}

func (c *Cache) build(name, form string) webhook.Destination {
	cfg, err := c.types.Parse([]byte(form))
	if err == nil {
		var target *Target
		if target, err = New(name, cfg, c.deps); err == nil {
			return target
		}
	}
	c.deps.Logger.Error("destination.broken", "outcome", "its events are retried", "destination", name,
		"error", Clean(err.Error(), maxLogged))
	return broken{}
}

const maxLogged = 500 // bytes of an error in the log

// broken stands for a destination that cannot be built.
type broken struct{}

func (broken) Deliver(context.Context, webhook.Delivery) webhook.Outcome {
	return webhook.Outcome{
		Result: webhook.ResultRetry, ErrorClass: "bad_configuration",
		Error: "the destination's configuration is invalid: see smartleadctl destinations list",
	}
}
