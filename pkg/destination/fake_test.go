package destination

import (
	"errors"
	"flag"

	"smartlead-receiver/pkg/webhook"
)

// fakeTypes are a type with settings of every shape, and one without any.
var fakeTypes = Types{
	{Name: "fake", New: func() Settings { return new(fakeSettings) }},
	{Name: "log", New: func() Settings { return new(noSettings) }},
}

type noSettings struct{}

func (*noSettings) Validate(func(field, problem string)) {}
func (*noSettings) Flags(*flag.FlagSet)                  {}
func (*noSettings) String() string                       { return "" }
func (*noSettings) Summary() map[string]any              { return nil }

func (*noSettings) Open(string, Deps) (webhook.Destination, error) {
	return deliverFunc(delivered), nil
}

func delivered() webhook.Outcome { return webhook.Outcome{Result: webhook.ResultDelivered} }

type fakeSettings struct {
	noSettings
	To     string            `json:"to"`
	Wait   Duration          `json:"wait,omitzero"`
	Labels map[string]string `json:"labels,omitempty"`
	Parts  []part            `json:"parts,omitempty"`
	hidden string
}

type part struct {
	Name string `json:"name"`
}

func (s *fakeSettings) Validate(report func(field, problem string)) {
	if s.To == "" {
		report("to", "is needed")
	}
	if s.Wait < 0 {
		report("wait", "is negative")
	}
}

func (s *fakeSettings) String() string          { return s.To }
func (s *fakeSettings) Summary() map[string]any { return map[string]any{"to": s.To} }

func (s *fakeSettings) Open(name string, _ Deps) (webhook.Destination, error) {
	if s.To == "nowhere" {
		return nil, errors.New("there is no way")
	}
	return deliverFunc(func() webhook.Outcome {
		return webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: name, Error: s.To}
	}), nil
}
