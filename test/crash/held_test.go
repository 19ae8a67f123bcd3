package crash

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"smartlead-receiver/pkg/webhook"
)

// What becomes of held events while others look at them.
var (
	// The trusted receipt has read the held event and is about to take its place.
	discardedMeanwhile = story{name: "a held event is discarded as a trusted receipt is about to take its place", run: func(w *world) {
		w.send(w.untrusted(1))
		w.interrupt(func(_ *life, _ string, params any) bool { return takesOver(params) }, func() { w.discard(webhook.Held) })
		w.send(w.trusted(1))
		w.settle()
		w.deliveredOnce()
	}}

	// The same body came untrusted first, was split off and given up.
	discardedSplit = story{name: "a trusted body that was split off untrusted and discarded", run: func(w *world) {
		w.send(w.untrusted(1))
		w.send(w.receipt(false, true))
		w.split()
		w.discard(webhook.Held)
		w.send(w.receipt(true, true))
		w.settle()
		w.deliveredOnce()
		w.send(w.receipt(true, true))
		w.settle()
		w.deliveredOnce()
	}}

	// Beside a trusted event.
	releasedSplit = story{name: "a trusted body that was split off untrusted", run: func(w *world) {
		w.send(w.trusted(1))
		w.send(w.receipt(false, true))
		w.split()
		w.settle()
		w.deliveredOnce()
		w.send(w.receipt(true, true))
		w.settle()
		if n := len(w.effects); n != 2 {
			w.violate("%d deliveries of two trusted bodies", n)
		}
	}}

	discardedBetween = story{name: "what was split off is discarded as a trusted sender's body is about to release it", run: func(w *world) {
		w.send(w.untrusted(1))
		w.send(w.receipt(false, true))
		w.split()
		w.ahead("receiver", "UpdateItem", func() { w.discard(webhook.Held) }) // the count of the variant
		w.send(w.receipt(true, true))
		w.settle()
		w.deliveredOnce()
	}}
)

// takesOver tells the write that puts an event in the place of a held one.
func takesOver(params any) bool {
	in, ok := params.(*dynamodb.PutItemInput)
	return ok && in.ExpressionAttributeValues[":if_state"] != nil
}

func (w *world) deliveredOnce() {
	w.Helper()
	if n := len(w.effects); n != 1 {
		w.violate("%d deliveries of the trusted body", n)
	}
}

var heldControls = []control{
	{
		"the state in the write that takes a held event's place", discardedMeanwhile,
		func(w *world) {
			w.mutant.in = func(_ *life, params any) {
				if takesOver(params) {
					in := params.(*dynamodb.PutItemInput)
					changed := strings.ReplaceAll(*in.ConditionExpression, " AND #state = :if_state", "")
					in.ConditionExpression = &changed
				}
			}
		},
		"was put over discarded",
	},
	{
		"a sender's trust in an unclaimed message", story{name: "unclaimed, untrusted", run: func(w *world) {
			w.outage = dynamoDBDown
			w.send(w.untrusted(1))
			w.outage = nil
		}},
		func(w *world) {
			w.rewrite = func(l deadLetter, body map[string]any) {
				if receipt, ok := body["receipt"].(map[string]any); ok && l.kind == webhook.KindUnclaimed {
					receipt["held"] = false
				}
			}
		},
		"no trusted sender sent it",
	},
}
