package console

import (
	"context"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

const (
	// eventsTick is how often what arrived is looked for.
	eventsTick = 2 * time.Second
	// overlap is how far back each look reaches again: the index is read a moment after
	// it is written, and receivers' clocks differ.
	overlap = 30 * time.Second
	// maxOpen bounds how many events that have not ended are read again at each look.
	maxOpen = 100
	// maxArrivals bounds what one look reads; what is beyond it is in the list.
	maxArrivals = 200
)

// arrivals follows what a filter matches: events that arrive, and those on their way
// until they have ended.
type arrivals struct {
	stack *stack.Stack
	query ledger.Query
	now   func() time.Time
	from  time.Time // of the latest look that succeeded
	seen  map[webhook.EventID]time.Time
	open  map[webhook.EventID]stood // what has not ended
}

// stood is how an event stood, and whether it is in the list.
type stood struct {
	at    string
	shown bool
}

// liveEvents follows a list of events.
func liveEvents(q *request) (topic, error) {
	query, err := q.filterOf().Query(q.clock.Now().In(q.zone))
	if err != nil {
		return topic{}, err
	}
	// What has just arrived is in no state that a filter names: it is looked at when it
	// arrives, and matched when it is shown.
	a := &arrivals{
		stack: q.st, query: query, now: q.Now, from: q.clock.Now(),
		seen: map[webhook.EventID]time.Time{}, open: map[webhook.EventID]stood{},
	}
	return topic{key: q.filterValues().Encode(), every: eventsTick, look: func(ctx context.Context) ([]message, error) {
		arrived, changed, err := a.look(ctx)
		if err != nil {
			return nil, err
		}
		return rowMessages(q.now(ctx), arrived, changed)
	}}, nil
}

// look reads what arrived since the last look, the newest first, and what of the
// others has changed.
func (a *arrivals) look(ctx context.Context) (arrived, changed []webhook.Record, err error) {
	now := a.now()
	if changed, err = a.again(ctx); err != nil {
		return nil, nil, err
	}
	look := a.query
	look.State, look.Dead, look.ErrorClass, look.Destination = "", false, "", ""
	look.Since, look.Until, look.Now = a.from.Add(-overlap), time.Time{}, now
	look.Skip = func(id webhook.EventID) bool { return !a.seen[id].IsZero() }
	_, err = filter.Walk(ctx, a.stack.Ledger, look, maxArrivals, maxLook, func(r webhook.Record) error {
		a.seen[r.ID] = r.ReceivedAt
		matches := a.query.Matches(r)
		if matches {
			arrived = append(arrived, r)
		}
		if !r.Finished() && len(a.open) < maxOpen {
			a.open[r.ID] = stood{standsAt(r), matches}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	a.from = now
	for id, at := range a.seen {
		if at.Before(now.Add(-2 * overlap)) {
			delete(a.seen, id)
		}
	}
	return arrived, changed, nil
}

// again reads anew what has not ended. One that came to match is new to the list.
func (a *arrivals) again(ctx context.Context) (changed []webhook.Record, err error) {
	ids := make([]webhook.EventID, 0, len(a.open))
	for id := range a.open {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	found, err := a.stack.Ledger.GetMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r, there := found[id]
		was := a.open[id]
		if !there || standsAt(r) == was.at {
			continue
		}
		shown := was.shown || a.query.Matches(r)
		if delete(a.open, id); !r.Finished() {
			a.open[id] = stood{standsAt(r), shown}
		}
		if shown {
			changed = append(changed, r)
		}
	}
	return changed, nil
}

// standsAt differs whenever a row of the event would.
func standsAt(r webhook.Record) string {
	return strings.Join([]string{string(r.State), r.UpdatedAt.String(), r.LastSeenAt.String(), r.LeaseNonce}, " ")
}

// rowMessages are the rows to add, oldest first, and those to show anew.
func rowMessages(q *request, arrived, changed []webhook.Record) ([]message, error) {
	var all []message
	for _, r := range slices.Backward(arrived) {
		text, err := q.part("events.html", "event-row", q.pickedRow(r))
		if err != nil {
			return nil, err
		}
		all = append(all, message{event: "arrived", data: text})
	}
	for _, r := range changed {
		text, err := q.part("events.html", "event-row", q.pickedRow(r))
		if err != nil {
			return nil, err
		}
		all = append(all, message{event: "changed", data: text})
	}
	return all, nil
}

// pickedRow is a row with its box, which a list without a selection leaves out.
func (q *request) pickedRow(r webhook.Record) eventRow {
	row := q.row(r)
	row.Pick = true
	return row
}
