package destination

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"smartlead-receiver/pkg/webhook"
)

// DefaultName is the destination of a deployment that has configured none.
const DefaultName = "log"

// Set builds destinations from their stored forms and keeps those whose form
// has not changed, with their connections. It is safe for concurrent use.
type Set struct {
	deps    Deps
	onError func(error)

	mu    sync.Mutex
	built map[string]builtTarget
}

type builtTarget struct {
	form   []byte
	target *Target
}

// NewSet returns an empty set. onError is told once of each form that cannot be
// used, without secrets; nil means that nobody is told.
func NewSet(deps Deps, onError func(error)) *Set {
	if onError == nil {
		onError = func(error) {}
	}
	if deps.Transport == nil {
		deps.Transport = NewTransport()
	}
	return &Set{deps: deps, onError: onError, built: map[string]builtTarget{}}
}

// Targets returns the destinations of these forms, by name; one of the type log
// under DefaultName when there is no form. A form that cannot be used becomes a
// destination that wants every event and fails each attempt for now: were it
// left out, it would count as removed, and its events as settled.
func (s *Set) Targets(forms map[string][]byte) map[string]*Target {
	if len(forms) == 0 {
		forms = map[string][]byte{DefaultName: []byte(`{"type":"log"}`)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	current := make(map[string]builtTarget, len(forms))
	targets := make(map[string]*Target, len(forms))
	for name, form := range forms {
		known, ok := s.built[name]
		if !ok || !bytes.Equal(known.form, form) {
			known = builtTarget{form: bytes.Clone(form), target: s.build(name, form)}
		}
		current[name], targets[name] = known, known.target
	}
	s.built = current
	return targets
}

func (s *Set) build(name string, form []byte) *Target {
	target, err := fromForm(name, form, s.deps)
	if err != nil {
		s.onError(err)
		return &Target{name: name, next: unusable{}}
	}
	return target
}

func fromForm(name string, form []byte, deps Deps) (*Target, error) {
	cfg, err := ParseConfig(form)
	if err != nil {
		return nil, fmt.Errorf("destination %s: %w", clean(name), err)
	}
	return New(name, cfg, deps)
}

// unusable stands in for a destination whose configuration cannot be read.
type unusable struct{}

func (unusable) Deliver(context.Context, webhook.Delivery) webhook.Outcome {
	return webhook.Outcome{
		Result: webhook.ResultRetry, ErrorClass: "bad_config",
		Error: "the destination's configuration cannot be used; the log says why",
	}
}
