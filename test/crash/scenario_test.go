package crash

import (
	"context"
	"errors"
	"net/http"

	"smartlead-receiver/pkg/webhook"
)

// scenario is one small story. What it prepares is free of faults; each call of
// what it runs, and of the recovery behind it, is lost in its turn.
type scenario struct {
	name    string
	long    bool // left out where the sweep is short
	options options
	prepare func(w *world)
	run     func(w *world)
}

var errDown = errors.New("connection refused")

// down is an outage of one function's calls: of these operations, or of all.
func down(function string, operations ...string) func(context.Context, *life, string) error {
	return func(_ context.Context, l *life, operation string) error {
		if l.function != function {
			return nil
		}
		for _, o := range operations {
			if o == operation {
				return errDown
			}
		}
		return nil
	}
}

// either is an outage of both.
func either(a, b func(context.Context, *life, string) error) func(context.Context, *life, string) error {
	return func(ctx context.Context, l *life, operation string) error {
		return errors.Join(a(ctx, l, operation), b(ctx, l, operation))
	}
}

var (
	sqsDown      = down("receiver", "SendMessageBatch")
	dynamoDBDown = down("receiver", "PutItem", "GetItem", "UpdateItem", "Query", "BatchGetItem")
)

// dying brings event 1 to its death, and the dead letter into the queue.
func dying(w *world) {
	w.takes("crm", answers(http.StatusServiceUnavailable))
	w.send(w.event(1))
	w.settle()
}

// abandonedLease lets the worker of event 1 end without reporting an outcome until its leases are
// used up.
func abandonedLease(w *world) {
	w.takes("crm", func(effect) int { w.current().kill(); return 0 })
	w.send(w.event(1))
	for range 4 {
		w.pump()
		w.pass(workVisibility)
	}
}

func (w *world) idOf(r *request) webhook.EventID { return webhook.NewEventID(keysOf(r)[0], 1) }

// bouncing is a world whose destination wants bounces alone.
var bouncing = options{unwanted: true}

var (
	unrouted = scenario{name: "unrouted", options: bouncing, run: func(w *world) { w.send(w.event(1)); w.pump(); w.send(w.event(1)) }}

	// A second destination stands beside the removed one: without any, events would go
	// to the worker's log.
	destinationRemoved = scenario{
		name: "destination removed", options: options{destinations: []string{"crm"}, tries: 2},
		prepare: func(w *world) {
			w.takes("crm", answers(http.StatusServiceUnavailable))
			w.send(w.event(1))
			w.pump()
			w.configure("slack")
			w.remove("crm")
			w.unwanted = true // by none that is left
		},
		run: func(w *world) { w.pass(workVisibility); w.pump() },
	}

	replayedToAnother = scenario{
		name: "replay of an unrouted event", options: bouncing,
		prepare: func(w *world) {
			w.send(w.event(1))
			w.settle()
			w.unwanted, w.destinations = false, []string{"slack"}
			w.configure("slack")
			w.heal()
			w.forgetParameters()
		},
		run: func(w *world) { w.replay(w.idOf(w.requests[0]), 0, false, "replay") },
	}
)

// handedOver removes the destination that an event waits for, and lets it wait for
// another one; every call of the hand-over is lost in its turn.
func handedOver(name string, waits func(w *world)) scenario {
	return scenario{
		name: name, options: options{tries: 2},
		prepare: func(w *world) {
			waits(w)
			w.destinations = []string{"slack"}
			w.configure("slack")
			w.heal()
		},
		run: func(w *world) {
			w.handOver("crm", "slack")
			w.remove("crm")
		},
	}
}

var scenarios = []scenario{
	{name: "receive", run: func(w *world) { w.send(w.event(1)) }},
	{name: "timeless", run: func(w *world) { w.send(w.timeless(1)); w.send(w.timeless(1)) }},
	{name: "large", run: func(w *world) { w.send(w.large(1)); w.pump(); w.send(w.large(1)) }},
	{name: "array", run: func(w *world) { w.send(w.array(1, 3)) }},
	{name: "duplicate", run: func(w *world) { w.send(w.event(1)); w.send(w.event(1)); w.pump(); w.send(w.event(1)) }},
	{name: "variant", run: func(w *world) { w.send(w.event(1)); w.send(w.variant(1, 2)) }},
	{name: "held", run: func(w *world) { w.send(w.untrusted(1)); w.pump(); w.send(w.trusted(1)) }},
	{name: "a trusted body beside a held event", run: func(w *world) {
		w.send(w.untrusted(1))
		w.send(w.receipt(false, true))
		w.send(w.receipt(true, true))
	}},
	{
		name: "two destinations", options: options{destinations: []string{"crm", "slack"}},
		run: func(w *world) {
			w.takes("slack", func(e effect) int {
				if e.attempt == 1 {
					return http.StatusServiceUnavailable
				}
				return http.StatusOK
			})
			w.send(w.event(1))
		},
	},
	{name: "death", long: true, options: options{tries: 2}, run: dying},
	{name: "refused for good", run: func(w *world) {
		w.takes("crm", answers(http.StatusBadRequest))
		w.send(w.event(1))
	}},
	{name: "abandoned", options: options{tries: 2}, prepare: abandonedLease, run: func(*world) {}},
	{name: "queue down", run: func(w *world) {
		w.outage = sqsDown
		w.send(w.event(1))
		w.outage = nil
	}},
	{name: "unclaimed", run: func(w *world) {
		w.outage = dynamoDBDown
		w.send(w.event(1))
		w.send(w.timeless(2))
		w.outage = nil
	}},
	{name: "unclaimed in the dead letter queue", prepare: func(w *world) {
		w.outage = dynamoDBDown
		w.send(w.event(1))
		w.outage = nil
		w.console(w.stores.Live, w.stores.DLQ, false)
	}, run: (*world).cleaner},
	{name: "redrive", long: true, options: options{tries: 1}, prepare: dying, run: func(w *world) {
		w.heal()
		w.redriveAll()
		w.cleaner()
	}},
	{name: "console redrive", options: options{tries: 1}, prepare: dying, run: func(w *world) {
		w.heal()
		w.console(w.stores.DLQ, w.stores.Live, true)
		w.settle()
		w.cleaner()
	}},
	{name: "superseded", options: options{tries: 1}, prepare: func(w *world) {
		w.takes("crm", answers(http.StatusServiceUnavailable))
		w.send(w.category(1, 10))
		w.settle()
		w.heal()
		w.send(w.category(2, 20))
		w.settle()
	}, run: func(w *world) { w.redriveAll() }},
	unrouted, destinationRemoved, replayedToAnother,
	handedOver("a dead event handed over", dying),
	handedOver("an event handed over between two attempts", func(w *world) {
		w.takes("crm", answers(http.StatusServiceUnavailable))
		w.send(w.event(1))
		w.pump()
	}),
	{name: "replay", prepare: func(w *world) { w.send(w.event(1)); w.settle() }, run: func(w *world) {
		w.replay(w.idOf(w.requests[0]), 0, true, "replay")
	}},
}
