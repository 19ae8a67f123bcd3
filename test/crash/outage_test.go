package crash

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"smartlead-receiver/pkg/redrive"
)

// What an outage leaves behind, and who repairs it.
var (
	// A sweep would deliver it, too: it is not needed.
	overdueDuplicate = overdue("a duplicate finds its event overdue", false)
	overdueElsewhere = overdue("a duplicate at another instance finds its event overdue", true)

	// The message is the only copy, in the queue and in the worker's hands.
	unclaimable = story{name: "the worker cannot claim either", run: func(w *world) {
		w.outage = dynamoDBDown
		w.send(w.event(1))
		w.send(w.timeless(2))
		w.outage = down("worker", dynamoDBCalls...)
		for range 3 {
			w.pump()
			w.pass(workVisibility)
		}
		w.outage = nil
		w.settle()
	}}

	// The old dead letter is the only one, and the new one is refused.
	renewalRefused = story{name: "the renewal of a dead letter is refused", options: options{tries: 1}, run: func(w *world) {
		dying(w)
		w.pass(13 * 24 * time.Hour)
		w.outage = down("redrive", "SendMessageBatch")
		w.cleaner()
		w.outage = nil
		if n := len(w.deadLetters()); n != 1 {
			w.violate("%d dead letters, want the one of death 1", n)
		}
	}}

	// The store does not answer while the redrive brings the first of two back.
	revivalUnheard = story{name: "a redrive whose store does not answer", options: options{tries: 1}, run: func(w *world) {
		w.takes("crm", answers(http.StatusServiceUnavailable))
		w.send(w.event(1))
		w.send(w.event(2))
		w.settle()
		w.heal()
		w.outage = first(down("redrive", "UpdateItem"))
		w.redriveAll()
		w.outage = nil
		if n := len(w.effects); n != 2 {
			w.violate("%d deliveries by a redrive of two events", n)
		}
	}}

	// It dies again, whatever brings it back.
	redrivenTooOften = story{name: "an event that no redrive fixes", options: options{tries: 1}, run: func(w *world) {
		dying(w)
		for range redrive.DefaultPolicy.ParkAfter + 2 {
			w.redriveAll()
		}
		for _, it := range w.items() {
			if it.isEvent() && it.text("state") != "parked" {
				w.violate("%s is %s after %s redrives", it.id(), it.text("state"), it.count("redrives"))
			}
		}
		if n := len(w.attempts); n != redrive.DefaultPolicy.ParkAfter+1 {
			w.violate("%d attempts", n)
		}
	}}

	// Nor can the redrive function, once the queue has given up.
	unclaimableDeadLetter = story{name: "the redrive function cannot claim either", run: func(w *world) {
		w.outage = dynamoDBDown
		w.send(w.event(1))
		w.outage = down("redrive", dynamoDBCalls...)
		w.console(w.stores.Live, w.stores.DLQ, false)
		w.cleaner()
		w.outage = nil
		w.cleaner()
		w.settle()
	}}
)

// first is an outage of one call alone.
func first(outage func(context.Context, *life, string) error) func(context.Context, *life, string) error {
	var over atomic.Bool
	return func(ctx context.Context, l *life, operation string) error {
		if err := outage(ctx, l, operation); err != nil && over.CompareAndSwap(false, true) {
			return err
		}
		return nil
	}
}

// overdue is an event whose message was refused, and its duplicate, which the instance that
// received it meets with one write, and another one with a claim.
func overdue(name string, elsewhere bool) story {
	return story{name: name, run: func(w *world) {
		w.outage = sqsDown
		w.send(w.event(1))
		w.outage = nil
		w.pass(grace + time.Second)
		if elsewhere {
			w.replace("receiver")
		}
		w.send(w.event(1))
		w.pump()
		w.deliveredOnce()
	}}
}

var outageControls = []control{
	{
		"the overdue event of a duplicate", overdueDuplicate,
		func(w *world) {
			w.mutant.out = func(l *life, _, result any) {
				if out, ok := result.(*dynamodb.UpdateItemOutput); ok && l.function == "receiver" {
					delete(out.Attributes, "due")
				}
			}
		},
		"0 deliveries",
	},
	{
		"the overdue event of a duplicate elsewhere", overdueElsewhere,
		func(w *world) {
			w.mutant.out = func(l *life, _, result any) {
				// The embedded engine returns no item with a failed condition.
				if out, ok := result.(*dynamodb.GetItemOutput); ok && l.function == "receiver" {
					delete(out.Item, "due")
				}
			}
		},
		"0 deliveries",
	},
}
