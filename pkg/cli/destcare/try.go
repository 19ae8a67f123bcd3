package destcare

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// Samples are the types of which a sample is delivered: those that are named, or each that
// a destination takes, which are all where its filter names none; without either, a reply.
func Samples(named []string, each bool, takes []webhook.Type) ([]webhook.Type, error) {
	switch {
	case each && len(named) > 0:
		return nil, problem.Usage("--each-type and --type are not for one test")
	case each && len(takes) > 0:
		return takes, nil
	case each:
		return webhook.Types, nil
	case len(named) == 0:
		return []webhook.Type{webhook.EmailReply}, nil
	}
	var types []webhook.Type
	for _, name := range named {
		typ, err := filter.ParseType(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(types, typ) {
			types = append(types, typ)
		}
	}
	return types, nil
}

// GetToTry reads a destination that a sample can be delivered to from where a person is.
func (d Desk) GetToTry(ctx context.Context, name string) (Stored, error) {
	stored, err := d.Get(ctx, name)
	if err != nil {
		return stored, err
	}
	if typ, _ := registry.Types.Find(stored.Config.Type); typ.NoTest != "" {
		return stored, problem.Usage("destination %s is of kind %s: %s", name, stored.Config.Type, typ.NoTest)
	}
	return stored, nil
}

// Tried is what became of a sample.
type Tried struct {
	Type    webhook.Type
	ID      webhook.EventID
	Outcome webhook.Outcome
	Took    time.Duration
	// Route is what the destination's filter, which is not applied, makes of it.
	Route Route
}

// Try delivers one sample.
func (d Desk) Try(ctx context.Context, s Stored, typ webhook.Type) (Tried, error) {
	t, started := Tried{Type: typ}, d.Now()
	var sample webhook.Event
	var err error
	t.Outcome, sample, err = destination.Try(ctx, s.Name, s.Config, destination.Deps{Now: d.Now, AWS: d.Stack.AWS}, typ, d.Rand)
	if err != nil {
		return t, err
	}
	t.ID, t.Took = sample.ID, d.Now().Sub(started)
	t.Route = routeOf(ctx, sourcestore.Entry{Name: s.Name, Value: s.form}, webhook.Delivery{Event: sample, IdempotencyKey: string(sample.ID)})
	return t, nil
}

// Fate is what would become of a real event that is answered so.
func Fate(r webhook.Result) string {
	if r == webhook.ResultPermanent {
		return "a real event would be refused for good: it is not tried again"
	}
	return "a real event would be tried again"
}

// TookText says how a destination took an event; not every type has a status.
func TookText(out webhook.Outcome) string {
	if out.Status == 0 {
		return "took it"
	}
	return fmt.Sprintf("answered %d", out.Status)
}

// Why says why a destination does not want an event, or why nobody can say; empty where
// it wants it.
func (r Route) Why() string { return strings.Join(r.Reasons, "; ") + r.Error }
