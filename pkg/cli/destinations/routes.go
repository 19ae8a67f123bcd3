package destinations

import (
	"context"
	"errors"
	"strings"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// route is what one destination makes of an event.
type route struct {
	Destination string   `json:"destination"`
	EventID     string   `json:"event_id"`
	Wants       bool     `json:"wants"`
	Reasons     []string `json:"reasons,omitempty"` // why not
	Error       string   `json:"error,omitempty"`   // why nobody can say
}

// routes says which destinations want an event now. Those of an event that a worker has
// taken are fixed: a replay asks anew.
func routes(ctx context.Context, s *session.Session, arg string) error {
	refs, err := filter.Refs(s, []string{arg})
	if err != nil {
		return err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	ids, err := filter.IDs(ctx, s, st.Ledger, refs)
	if err != nil {
		return err
	}
	if len(ids) != 1 {
		return problem.Usage("one event id is needed")
	}
	d, err := deliveryOf(ctx, st, ids[0])
	if err != nil {
		return err
	}
	entries, err := st.Destinations.List(ctx)
	if err != nil {
		return err
	}
	t := output.NewTable("DESTINATION", "WANTS IT", "+WHY NOT")
	wanted := 0
	for _, e := range entries {
		r := routeOf(ctx, e, d)
		if r.Wants {
			wanted++
		}
		if s.JSON {
			if err := s.Emit(r); err != nil {
				return err
			}
			continue
		}
		answer := map[bool]string{true: "yes", false: "no"}[r.Wants]
		if r.Error != "" {
			answer = "unknown"
		}
		t.Add(r.Destination, answer, output.Clean(strings.Join(r.Reasons, "; ")+r.Error))
	}
	if s.JSON {
		return nil
	}
	if len(entries) == 0 {
		s.Say("there is no destination: %s is written to the worker's log", d.Event.ID)
		return nil
	}
	if err := s.Print(t, ""); err != nil {
		return err
	}
	if wanted == 0 {
		s.Say("No destination wants it for sure: the event is unrouted, or dead where a condition fails.")
	}
	return nil
}

// deliveryOf is an event as destinations would receive it.
func deliveryOf(ctx context.Context, st *stack.Stack, id webhook.EventID) (webhook.Delivery, error) {
	rec, err := st.Ledger.Get(ctx, id)
	if errors.Is(err, webhook.ErrNotFound) {
		return webhook.Delivery{}, problem.NotFound("there is no event %s", id)
	}
	if err != nil {
		return webhook.Delivery{}, err
	}
	body, err := st.Bodies.Load(ctx, rec.Payload)
	if err != nil {
		return webhook.Delivery{}, problem.Failed(err, "the stored body of %s cannot be read", id)
	}
	e, err := smartlead.Normalize(body, smartlead.Options{Account: rec.Account})
	if err != nil {
		return webhook.Delivery{}, problem.Failed(err, "the stored body of %s cannot be read as an event", id)
	}
	return webhook.Delivery{Event: rec.Complete(e, max(rec.LeaseNumber, 1)), IdempotencyKey: rec.IdempotencyKey()}, nil
}

func routeOf(ctx context.Context, e sourcestore.Entry, d webhook.Delivery) route {
	r := route{Destination: e.Name, EventID: string(d.Event.ID)}
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
