package crash

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// What an outage leaves behind, and who repairs it.
var (
	// A sweep would deliver it, too: it is not needed.
	overdueDuplicate = story{name: "a duplicate finds its event overdue", run: func(w *world) {
		w.outage = sqsDown
		w.send(w.event(1))
		w.outage = nil
		w.pass(grace + time.Second)
		w.send(w.event(1))
		w.pump()
		w.deliveredOnce()
	}}

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

	// Nor can the redrive function, once the queue has given up.
	unclaimableLetter = story{name: "the redrive function cannot claim either", run: func(w *world) {
		w.outage = dynamoDBDown
		w.send(w.event(1))
		w.outage = down("redrive", dynamoDBCalls...)
		w.console(w.stores.Live, w.stores.DLQ, false)
		w.janitor()
		w.outage = nil
		w.janitor()
		w.settle()
	}}
)

var outageControls = []control{
	{
		"the overdue event of a duplicate", overdueDuplicate,
		func(w *world) {
			w.mutant.out = func(l *life, _, result any) {
				// The embedded engine returns no item with a failed condition.
				if out, ok := result.(*dynamodb.GetItemOutput); ok && l.function == "receiver" {
					delete(out.Item, "due_at")
				}
			}
		},
		"0 deliveries",
	},
}
