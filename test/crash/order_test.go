package crash

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/webhook"
)

// The order of writes and sends, and what each write must have seen.
var (
	// Somebody moves every dead letter back to the live queue as soon as it is there.
	promptConsole = story{name: "a dead letter is moved back at once", options: options{tries: 1}, run: func(w *world) {
		w.takes("crm", answers(http.StatusBadRequest))
		w.send(w.event(1))
		w.interrupt(func(l *life, _ string, params any) bool {
			return l.function == "worker" && dies(params)
		}, func() {
			w.console(w.stores.DLQ, w.stores.Live, false)
			w.work(w.another(), w.stores.Live, w.take(w.stores.Live))
		})
	}}

	refusedDeadLetters = story{name: "every dead letter is refused for a while", options: options{tries: 1}, run: func(w *world) {
		w.takes("crm", answers(http.StatusBadRequest))
		w.send(w.event(1))
		w.outage = deadLettersDown
		w.pump()
		w.pass(grace + time.Second)
		w.sweep()
		w.outage = nil
	}}

	// One worker has seen the expired lease and is about to mark the event dead. Before
	// it does, another marks it dead, its dead letter is moved back, and a third has leased
	// it and is at the destination.
	diedAbandonedLate = story{name: "a death by abandonment is overtaken by a new lease", run: func(w *world) {
		abandonedLease(w)
		w.takeAll(w.stores.Live)
		release, arrived, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
		w.takes("crm", func(effect) int { close(arrived); <-release; return http.StatusOK })
		w.parallel = true
		seen := 0
		w.interrupt(func(l *life, _ string, params any) bool {
			if _, ok := params.(*dynamodb.UpdateItemInput); ok && l.function == "worker" {
				seen++
			}
			return seen == 2 // its first is the lease that is refused
		}, func() {
			w.work(w.another(), w.stores.Live, w.aMessage())
			w.console(w.stores.DLQ, w.stores.Live, false)
			deadLetters := w.take(w.stores.Live)
			go func() {
				defer close(done)
				w.work(w.another(), w.stores.Live, deadLetters)
			}()
			<-arrived
		})
		w.work(w.another(), w.stores.Live, w.aMessage())
		close(release)
		<-done
		w.parallel = false
		w.heal()
	}}

	// Two operators saw the same generation.
	replayedTwice = story{name: "two replays of the same generation", run: func(w *world) {
		r := w.event(1)
		w.send(r)
		w.settle()
		for _, operator := range []string{"one", "another"} {
			w.replay(w.idOf(r), 0, true, operator)
			w.settle()
		}
		if n := len(w.effects); n != 2 {
			w.violate("%d deliveries, want the first and one replay", n)
		}
	}}

	replayedSame = story{name: "a replay that does not ask for the effect again", run: func(w *world) {
		r := w.event(1)
		w.send(r)
		w.settle()
		w.replay(w.idOf(r), 0, false, "one")
		w.settle()
		if n := len(w.effects); n != 2 || w.effects[0].key != w.effects[1].key {
			w.violate("%d deliveries, want two under one key: %v", n, w.effects)
		}
	}}

	// The operator saw death 1; before the event is parked it comes back by its
	// dead letter, and dies again.
	parkedLate = story{name: "a park is overtaken by a dead letter", options: options{tries: 1}, run: func(w *world) {
		dying(w)
		w.ahead("operator", "UpdateItem", func() {
			w.console(w.stores.DLQ, w.stores.Live, false)
			w.pump()
		})
		w.park()
	}}

	parkedOwing = story{name: "an event is parked that owes its dead letter", options: options{tries: 1}, run: func(w *world) {
		w.takes("crm", answers(http.StatusBadRequest))
		w.send(w.event(1))
		w.outage = deadLettersDown
		w.pump()
		w.outage = nil
		w.park()
		w.pass(grace + time.Second)
		w.sweep()
		if n := len(w.deadLetters()); n != 0 {
			w.violate("%d dead letters of a parked event", n)
		}
		w.unpark()
	}}

	// What the redrive chose comes back by its dead letter, and dies again, before it is
	// revived.
	chosen = story{name: "a redrive is overtaken by a dead letter", options: options{tries: 1}, run: func(w *world) {
		dying(w)
		listed, overtaken := false, false
		w.interrupt(func(l *life, operation string, _ any) bool {
			if l.function != "redrive" {
				return false
			}
			listed = listed || operation == "Query"
			return listed && operation == "GetItem"
		}, func() {
			overtaken = true
			w.console(w.stores.DLQ, w.stores.Live, false)
			w.pump()
		})
		w.redriveAll()
		if n := len(w.attempts); !overtaken || n != 2 {
			w.violate("%d attempts, two budgets: death 2 was revived unasked", n)
		}
	}}

	unparked = story{name: "an event is parked and brought back", options: options{tries: 1}, run: func(w *world) {
		dying(w)
		w.park()
		w.settle()
		w.heal()
		w.unpark()
	}}

	// The dead letter of the second death is about to outlive its queue.
	renewed = story{name: "an old dead letter is renewed", options: options{tries: 1}, run: func(w *world) {
		dying(w)
		w.console(w.stores.DLQ, w.stores.Live, false)
		w.settle()
		w.pass(13 * 24 * time.Hour)
		w.cleaner()
		if n := len(w.deadLetters()); n != 1 {
			w.violate("%d dead letters, want the one of death 2", n)
		}
	}}

	// Every worker that takes the event ends without reporting an outcome.
	killsWorkers = killing("an event that kills its worker", 4, false)

	// What the sweeper sends does not know of the first attempt, which had no lease.
	killsSwept = killing("an event whose message is lost kills its worker", 5, true)
)

// killing is an event that ends each worker that delivers it, until it is dead. A batch is
// handled at once, and a process would end between the lease and the attempt of another
// message of the event; so each message has a process of its own.
func killing(name string, attempts int, lost bool) story {
	return story{name: name, options: options{batch: 1}, run: func(w *world) {
		w.takes("crm", func(effect) int { w.current().kill(); return 0 })
		w.send(w.event(1))
		for i := range 12 {
			w.pump()
			if lost && i == 0 {
				w.outlive(w.stores.Live)
			}
			w.pass(workVisibility)
			w.sweep()
		}
		for _, it := range w.items() {
			if it.isEvent() && it.text("state") != "dead" {
				w.violate("%s is not dead after %d attempts: %s", it.id(), len(w.attempts), it.text("state"))
			}
		}
		if n := len(w.attempts); n != attempts {
			w.violate("%d attempts, want %d", n, attempts)
		}
	}}
}

// deadLettersDown refuses what goes to the dead letter queue.
var deadLettersDown = either(down("worker", "SendMessageBatch"), down("sweeper", "SendMessageBatch"))

// takeAll takes what is visible on a queue out of everybody's sight.
func (w *world) takeAll(queue local.Queue) {
	w.Helper()
	for messages := w.take(queue); len(messages) > 0; messages = w.take(queue) {
	}
}

// aMessage is a message about event 1, taken from the live queue.
func (w *world) aMessage() []types.Message {
	w.Helper()
	w.put(w.stores.Live, fmt.Sprintf(`{"v":1,"kind":"event","event_id":%q}`, w.idOf(w.event(1))))
	return w.take(w.stores.Live)
}

// dies tells whether a call is the write of a death by its holder.
func dies(params any) bool {
	in, ok := params.(*dynamodb.UpdateItemInput)
	return ok && in.ExpressionAttributeValues[":if_holder"] != nil && valueIs(in, ":state", webhook.Dead)
}

// owingNothing lets a death take the due time away.
func owingNothing(in *dynamodb.UpdateItemInput) {
	changed := strings.ReplaceAll(*in.UpdateExpression, dueSet, "")
	changed = strings.Replace(changed, "REMOVE ", "REMOVE #due, #due_shard, ", 1)
	in.UpdateExpression = &changed
}

// taken answers a batch of messages as if SQS had taken it.
func taken(in *sqs.SendMessageBatchInput) *sqs.SendMessageBatchOutput {
	out := &sqs.SendMessageBatchOutput{}
	for i, e := range in.Entries {
		id := fmt.Sprint("nowhere-", i)
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id, MessageId: &id})
	}
	return out
}

// deadLetterFirst sends the dead letter, and then writes the death, which owes nothing.
func deadLetterFirst(w *world) {
	w.mutant.in = func(_ *life, params any) {
		if !dies(params) {
			return
		}
		in := params.(*dynamodb.UpdateItemInput)
		pk := in.Key["pk"].(*dynamotypes.AttributeValueMemberS).Value
		death := in.ExpressionAttributeValues[":death"].(*dynamotypes.AttributeValueMemberN).Value
		w.put(w.stores.DLQ, fmt.Sprintf(`{"v":1,"kind":"dead_letter","event_id":%q,"death":%s}`, pk, death))
		owingNothing(in)
	}
	w.mutant.skip = func(l *life, params any) any {
		if in, ok := params.(*sqs.SendMessageBatchInput); ok && l.function == "worker" {
			return taken(in) // it was sent before
		}
		return nil
	}
}

// takenForSent lets a function take a refusal of SQS for its consent.
func takenForSent(function string) func(w *world) {
	return func(w *world) {
		w.mutant.skip = func(l *life, params any) any {
			in, ok := params.(*sqs.SendMessageBatchInput)
			if ok && l.function == function && w.outage != nil && w.outage(w.Context(), l, "SendMessageBatch") != nil {
				return taken(in)
			}
			return nil
		}
	}
}

// olderThanTheDeadLetter lets the dead letter cleaner read events as they were when they first
// died.
func olderThanTheDeadLetter(w *world) {
	first := map[string]item{}
	w.mutant.out = func(l *life, _, result any) {
		switch out := result.(type) {
		case *dynamodb.UpdateItemOutput:
			it := item(out.Attributes)
			if it.isEvent() && it.text("state") == "dead" && first[it.id()] == nil {
				first[it.id()] = maps.Clone(it)
			}
		case *dynamodb.BatchGetItemOutput:
			for _, items := range out.Responses {
				for i, read := range items {
					if it := item(read); l.function == "redrive" && it.isEvent() && first[it.id()] != nil {
						items[i] = first[it.id()]
					}
				}
			}
		}
	}
}

var orderControls = []control{
	{"ledger before dead letter", promptConsole, deadLetterFirst, "has no dead letter and owes none"},
	{"only after SQS accepted it, by the worker", refusedDeadLetters, takenForSent("worker"), "has no dead letter and owes none"},
	{"only after SQS accepted it, by the sweeper", refusedDeadLetters, takenForSent("sweeper"), "has no dead letter and owes none"},
	{
		"the condition on the death of an abandoned lease", diedAbandonedLate,
		withUpdate("#lease_until, #holder", without(" AND #lease = :if_lease AND #lease_until < :if_lease_until")),
		"it did not die under its lease",
	},
	{
		"the generation in a forced replay", replayedTwice,
		withUpdate("#generation = :generation", without(" AND #generation = :if_generation", " AND attribute_not_exists(#generation)")),
		"a replay, and nothing else, begins a generation",
	},
	{
		"that only who asks has the effect again", replayedSame,
		withUpdate("#generation = :generation", func(in *dynamodb.UpdateItemInput) {
			changed := strings.Replace(*in.UpdateExpression, "#generation = :generation", "#generation = :generation, effect_key = :generation", 1)
			in.UpdateExpression = &changed
		}),
		"want two under one key",
	},
	{
		"the death in a park", parkedLate,
		withMove(webhook.Dead, webhook.Parked, without(" AND #death = :if_death")),
		"is parked after 1 redrives",
	},
	{
		"that what is parked owes nothing", parkedOwing,
		withMove(webhook.Dead, webhook.Parked, func(in *dynamodb.UpdateItemInput) {
			changed := strings.Replace(*in.UpdateExpression, "REMOVE #due, #due_shard", "", 1)
			in.UpdateExpression = &changed
		}),
		"what it owes does not go with it",
	},
	{
		"the death in a revival", chosen,
		withUpdate("#move_nonce = :move_nonce", without(" AND #death = :if_death")),
		"was revived unasked",
	},
	{
		"that what was parked goes back to pending", unparked,
		withMove(webhook.Parked, webhook.Pending, func(in *dynamodb.UpdateItemInput) {
			in.ExpressionAttributeValues[":state"] = &dynamotypes.AttributeValueMemberS{Value: "dead"}
		}),
		"is dead although the destinations are well",
	},
	{"the dead letter cleaner's read after the dead letter's receipt", renewed, olderThanTheDeadLetter, "has no dead letter and owes none"},
	{
		"the cap on leases that end without reporting an outcome", killsWorkers,
		func(w *world) {
			w.mutant.out = func(l *life, _, result any) {
				// The embedded engine returns no item with a failed condition.
				if out, ok := result.(*dynamodb.GetItemOutput); ok && l.function == "worker" && out.Item != nil {
					out.Item["abandoned"] = &dynamotypes.AttributeValueMemberN{Value: "0"}
				}
			}
		},
		"is not dead after",
	},
}
