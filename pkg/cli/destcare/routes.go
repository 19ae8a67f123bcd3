package destcare

import (
	"context"
	"errors"

	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// Route is what one destination makes of an event.
type Route struct {
	Destination string   `json:"destination"`
	EventID     string   `json:"event_id"`
	Wants       bool     `json:"wants"`
	Reasons     []string `json:"reasons,omitempty"` // why not
	Error       string   `json:"error,omitempty"`   // why nobody can say
}

// Routes says which destinations want an event now. Those of an event that a worker has
// taken are fixed: a replay asks anew.
func (d Desk) Routes(ctx context.Context, id webhook.EventID) ([]Route, error) {
	delivery, err := d.deliveryOf(ctx, id)
	if err != nil {
		return nil, err
	}
	entries, err := d.Stack.Destinations.List(ctx)
	if err != nil {
		return nil, err
	}
	routes := make([]Route, 0, len(entries))
	for _, e := range entries {
		routes = append(routes, routeOf(ctx, e, delivery))
	}
	return routes, nil
}

// deliveryOf is an event as destinations would receive it.
func (d Desk) deliveryOf(ctx context.Context, id webhook.EventID) (webhook.Delivery, error) {
	rec, err := d.Stack.Ledger.Get(ctx, id)
	if errors.Is(err, webhook.ErrNotFound) {
		return webhook.Delivery{}, problem.NotFound("there is no event %s", id)
	}
	if err != nil {
		return webhook.Delivery{}, err
	}
	body, err := d.Stack.Bodies.Load(ctx, rec.Payload)
	if err != nil {
		return webhook.Delivery{}, problem.Failed(err, "the stored body of %s cannot be read", id)
	}
	e, err := smartlead.Normalize(body, smartlead.Options{Account: rec.Account})
	if err != nil {
		return webhook.Delivery{}, problem.Failed(err, "the stored body of %s cannot be read as an event", id)
	}
	return webhook.Delivery{Event: rec.Complete(e, max(rec.LeaseNumber, 1)), IdempotencyKey: rec.IdempotencyKey()}, nil
}

func routeOf(ctx context.Context, e sourcestore.Entry, d webhook.Delivery) Route {
	r := Route{Destination: e.Name, EventID: string(d.Event.ID)}
	cfg, err := registry.Types.Parse(e.Value)
	if err != nil {
		r.Error = "its configuration is broken: its events wait"
		return r
	}
	wants, err := cfg.Selection()
	if err == nil {
		r.Reasons, err = wants.Against(ctx, d)
	}
	if err != nil {
		r.Error = err.Error()
		return r
	}
	r.Wants = len(r.Reasons) == 0
	return r
}
