package destination

import (
	"context"
	"slices"
	"sync"

	"smartlead-receiver/pkg/webhook"
)

// Batch is what a destination also is that takes several events in one call.
type Batch interface {
	webhook.Destination
	// DeliverBatch hands over events, at least one, and returns an outcome for each, in
	// their order. How many one call of the service takes is the destination's to know.
	DeliverBatch(ctx context.Context, all []webhook.Delivery) []webhook.Outcome
}

// callsAtOnce is how many calls are under way before others wait to go together.
const callsAtOnce = 2

// gatherer lets events that are delivered at the same time share a call. Nothing waits
// for others to come: the first go at once, and what arrives while they are under way
// goes together when one of them has returned.
type gatherer struct {
	next Batch

	mu      sync.Mutex
	running int
	waiting []*gathered
}

type gathered struct {
	delivery webhook.Delivery
	outcome  webhook.Outcome
	done     chan struct{} // closed when there is an outcome
	turn     chan struct{} // closed when it is this one's to make a call
	called   bool          // turn is closed
}

// Deliver implements webhook.Destination.
func (g *gatherer) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	own := &gathered{delivery: d, done: make(chan struct{}), turn: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, own)
	if g.running < callsAtOnce {
		g.running++
		own.call()
	}
	g.mu.Unlock()
	select {
	case <-own.turn:
		g.call(ctx)
	case <-own.done:
		g.decline(own)
	case <-ctx.Done():
		g.decline(own)
	}
	select { // an outcome that is there counts, also where the attempt has ended since
	case <-own.done:
		return own.outcome
	default:
	}
	select { // another call has it
	case <-own.done:
		return own.outcome
	case <-ctx.Done():
		class, text := classify(context.Cause(ctx), "")
		return webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: class, Error: text}
	}
}

// call gives the turn. The caller holds the gatherer's mu.
func (e *gathered) call() {
	e.called = true
	close(e.turn)
}

// call delivers what waits, and gives the turn to the first that has come since.
func (g *gatherer) call(ctx context.Context) {
	g.mu.Lock()
	mine := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	defer func() { // also where the destination's code panics
		for _, e := range mine {
			close(e.done)
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.pass()
	}()
	if len(mine) == 0 {
		return // another call had them
	}
	deliveries := make([]webhook.Delivery, len(mine))
	for i, e := range mine {
		deliveries[i] = e.delivery
		e.outcome = webhook.Outcome{
			Result: webhook.ResultRetry, ErrorClass: "panic", Error: "the destination's code failed with an event of the same call",
		}
	}
	for i, outcome := range g.next.DeliverBatch(ctx, deliveries) {
		mine[i].outcome = outcome
	}
}

// pass gives up a turn to the first that waits. The caller holds mu.
func (g *gatherer) pass() {
	if i := slices.IndexFunc(g.waiting, func(e *gathered) bool { return !e.called }); i >= 0 {
		g.waiting[i].call()
		return
	}
	g.running--
}

// decline takes an event back if it still waits, and passes on the turn that it was given
// meanwhile. An event that is under way may arrive.
func (g *gatherer) decline(own *gathered) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, own); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	if own.called {
		g.pass()
	}
}
