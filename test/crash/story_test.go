package crash

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	appworker "smartlead-receiver/pkg/app/worker"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/local"
)

// story is an interleaving that no single fault makes. Where two functions are
// at work at once, the one runs while the other waits for a destination or is
// about to make a call, so that the order is the same every time.
type story struct {
	name    string
	options options
	run     func(w *world)
}

// another is a second environment of the worker.
func (w *world) another() lambdaio.WorkerHandler {
	h, err := appworker.New(w.env("worker"))
	w.must(err)
	return h
}

// leasing makes messages of the receiver into those of the sweeper, which need a
// lease.
func leasing(messages []types.Message) []types.Message {
	for i := range messages {
		messages[i].Body = aws.String(strings.Replace(*messages[i].Body, `,"first":true`, "", 1))
	}
	return messages
}

// copyOf puts a message on a queue once more: SQS delivers at least once.
func (w *world) copyOf(queue local.Queue, messages []types.Message) []types.Message {
	for _, m := range messages {
		w.put(queue, *m.Body)
	}
	return w.take(queue)
}

// ahead runs a function when a life is about to make a call, the first time.
func (w *world) ahead(function, operation string, run func()) {
	w.interrupt(func(l *life, op string, _ any) bool {
		return l.function == function && op == operation
	}, run)
}

// aheadOfUpdate is ahead of an update whose expression begins or goes on so.
func (w *world) aheadOfUpdate(function, expression string, run func()) {
	w.interrupt(func(l *life, _ string, params any) bool {
		in, ok := params.(*dynamodb.UpdateItemInput)
		return ok && l.function == function && strings.Contains(*in.UpdateExpression, expression)
	}, run)
}

// lookLag is more than what the sweeper's first look waits beyond the grace.
const lookLag = 16 * time.Second

var (
	twoWorkers = story{name: "two workers with one message", run: func(w *world) {
		w.send(w.event(1))
		mine := leasing(w.take(w.stores.Live))
		copies := w.copyOf(w.stores.Live, mine)
		w.takes("crm", func(effect) int {
			w.heal()
			w.work(w.another(), w.stores.Live, copies)
			return http.StatusOK
		})
		w.work(w.worker(), w.stores.Live, mine)
		if n := len(w.attempts); n != 1 {
			w.violate("%d attempts: two workers were at work", n)
		}
	}}

	// SQS delivers at least once: each copy of a first message makes an attempt. The
	// destination dedupes them, and one settlement counts.
	firstTwice = story{name: "two workers with one first message", run: func(w *world) {
		w.send(w.event(1))
		mine := w.take(w.stores.Live)
		copies := w.copyOf(w.stores.Live, mine)
		w.takes("crm", func(effect) int {
			w.heal()
			w.work(w.another(), w.stores.Live, copies)
			return http.StatusServiceUnavailable
		})
		w.work(w.worker(), w.stores.Live, mine)
		if n := len(w.attempts); n != 2 {
			w.violate("%d attempts, want one of each copy", n)
		}
		w.deliveredOnce()
	}}

	// The first attempt, which had no lease, ends after the attempt that overtook it.
	outlivedFirst = story{name: "a first attempt outlives its due time", run: func(w *world) {
		w.send(w.event(1))
		mine := w.take(w.stores.Live)
		w.takes("crm", func(effect) int {
			w.takes("crm", answers(http.StatusServiceUnavailable))
			w.pass(10 * grace)
			w.sweep()
			w.work(w.another(), w.stores.Live, w.take(w.stores.Live))
			w.heal()
			return http.StatusOK
		})
		w.work(w.worker(), w.stores.Live, mine)
	}}

	// The successor is at its destination while the first worker ends.
	outlived = story{name: "a worker outlives its lease, its successor at work", run: func(w *world) {
		var successor func()
		w.send(w.event(1))
		mine := leasing(w.take(w.stores.Live))
		w.takes("crm", func(effect) int {
			release := make(chan struct{})
			arrived := make(chan struct{})
			w.takes("crm", func(effect) int { close(arrived); <-release; return http.StatusOK })
			w.pass(10 * grace)
			w.sweep()
			theirs := w.take(w.stores.Live)
			done := make(chan struct{})
			go func() {
				defer close(done)
				w.work(w.another(), w.stores.Live, theirs)
			}()
			<-arrived
			successor = func() { close(release); <-done }
			return http.StatusServiceUnavailable
		})
		w.parallel = true
		w.work(w.worker(), w.stores.Live, mine)
		successor()
		w.parallel = false
		w.heal()
	}}

	outlivedDone = story{name: "a worker outlives its lease, its successor done", run: func(w *world) {
		w.send(w.event(1))
		mine := w.take(w.stores.Live)
		w.takes("crm", func(effect) int {
			w.heal()
			w.pass(10 * grace)
			w.sweep()
			w.pump()
			return http.StatusServiceUnavailable
		})
		w.work(w.worker(), w.stores.Live, mine)
	}}

	sweeperOvertaken = story{name: "the sweeper is overtaken by the worker", run: func(w *world) {
		w.outage = sqsDown
		w.send(w.event(1))
		w.outage = nil
		w.aheadOfUpdate("sweeper", "#sweeps = if_not_exists(", w.pump)
	}}

	// The first look has passed the time at which this receiver believes to receive.
	lateClock = story{name: "a receiver whose clock is behind the sweeper's looks", run: func(w *world) {
		w.send(w.event(1))
		w.pass(time.Hour)
		w.sweep()
		w.skew = map[string]time.Duration{"receiver": -20 * time.Minute}
		w.outage = sqsDown
		w.send(w.event(2))
		w.outage, w.skew = nil, nil
	}}

	lookOvertaken = story{name: "the sweeper's look is overtaken by the worker", run: func(w *world) {
		w.send(w.event(1))
		w.aheadOfUpdate("sweeper", "SET #due_shard = :due_shard", w.pump)
		w.pass(grace + lookLag)
		w.sweep()
		if n := len(w.effects); n != 1 {
			w.violate("%d deliveries: nobody overtook the look", n)
		}
	}}

	staleDeadLetter = story{name: "the dead letter of an earlier death comes late", options: options{tries: 1}, run: func(w *world) {
		dying(w)
		w.console(w.stores.DLQ, w.stores.Live, true) // the copy that stays is the duplicate
		w.pump()
		before, late := len(w.attempts), 0
		w.pass(workVisibility)
		for _, m := range w.take(w.stores.DLQ) {
			if readDeadLetter(*m.Body).death == 1 {
				w.put(w.stores.Live, *m.Body)
				late++
			}
		}
		if late != 1 {
			w.violate("%d dead letters of death 1, want one that comes late", late)
		}
		w.pass(workVisibility)
		w.pump()
		if len(w.attempts) != before {
			w.violate("the dead letter of death 1 revived death 2 unasked")
		}
	}}

	// The first worker clears what the event owed while the event has died again
	// and its second dead letter was refused.
	lateClear = story{name: "a dead letter is cleared late", options: options{tries: 1}, run: func(w *world) {
		w.takes("crm", answers(http.StatusBadRequest))
		w.send(w.event(1))
		updates := 0
		w.interrupt(func(l *life, op string, _ any) bool {
			if op != "UpdateItem" || l.function != "worker" {
				return false
			}
			updates++
			return updates == 2
		}, func() {
			w.console(w.stores.DLQ, w.stores.Live, false)
			w.outage = down("worker", "SendMessageBatch")
			w.work(w.another(), w.stores.Live, w.take(w.stores.Live))
			w.outage = nil
		})
	}}

	lostAtDestination = story{name: "a destination took an event and its answer was lost", run: func(w *world) {
		w.takes("crm", func(e effect) int {
			w.took(e)
			w.heal()
			return 0
		})
		w.send(w.event(1))
	}}

	released = story{name: "a redrive whose queue is down", options: options{tries: 1}, run: func(w *world) {
		dying(w)
		w.heal()
		w.outage = down("redrive", "SendMessageBatch")
		w.redriveAll()
		w.outage = nil
	}}

	expiredMeanwhile = expiring("an event expires while its duplicate is counted", true)
	expiredHere      = expiring("an event expires ahead of the one write of its duplicate", false)

	twiceUntrusted = story{name: "a trusted body that came untrusted before, beside a held event", run: func(w *world) {
		w.send(w.untrusted(1))
		w.send(w.receipt(false, true))
		w.send(w.receipt(true, true))
		w.settle()
		if len(w.effects) != 1 {
			w.violate("%d deliveries of the trusted body", len(w.effects))
		}
	}}

	// What stands alone expires after its delivery, and the body beside the held event
	// as long after its receipt; the held event stays. What comes then is new.
	standsAlone = story{name: "a body that stands alone expires, and comes again", run: func(w *world) {
		w.send(w.untrusted(1))
		w.send(w.receipt(false, true))
		w.split()
		w.send(w.receipt(true, true))
		w.settle()
		if len(w.effects) != 1 {
			w.violate("%d deliveries of the trusted body", len(w.effects))
		}
		w.pass(retention + grace)
		w.expire()
		w.acks, w.effects = nil, nil // its retention is over
		r := w.receipt(true, true)
		w.post(r)
		if !r.done {
			w.violate("the body is refused for ever: answered %d", r.status)
		}
		w.settle()
		w.deliveredOnce()
		w.acks = nil
	}}
)

// expiring is an event that expires ahead of the write that counts its duplicate, which
// another instance makes behind a claim.
func expiring(name string, elsewhere bool) story {
	return story{name: name, run: func(w *world) {
		w.send(w.event(1))
		w.settle()
		w.pass(retention + grace)
		if elsewhere {
			w.replace("receiver")
		}
		w.ahead("receiver", "UpdateItem", w.expire)
		w.acks = nil // its retention is over
		r := w.event(1)
		w.post(r)
		w.acks, w.requests = nil, append(w.requests, r)
	}}
}

var stories = []story{poison,
	twoWorkers, firstTwice, outlived, outlivedFirst, outlivedDone, sweeperOvertaken, lookOvertaken, lateClock, staleDeadLetter, lateClear, lostAtDestination, released, expiredMeanwhile, expiredHere,
	twiceUntrusted, standsAlone,
	promptConsole, refusedDeadLetters, diedAbandonedLate, replayedTwice, replayedSame, parkedLate, parkedOwing, chosen, unparked, renewed, killsWorkers, killsSwept,
	discardedMeanwhile, discardedSplit, discardedBetween, releasedSplit,
	overdueDuplicate, overdueElsewhere, unclaimable, unclaimableDeadLetter, renewalRefused, revivalUnheard, redrivenTooOften,
}

// tell runs a story to its end and returns what was wrong.
func tell(t *testing.T, s story, table string, change func(w *world)) []string {
	t.Helper()
	w := newWorld(t, table, s.options)
	defer w.close()
	if change != nil {
		change(w)
	}
	s.run(w)
	w.finish()
	return w.violations
}

func TestStories(t *testing.T) {
	for _, e := range []engine{kumoEngine, dynoxideEngine} {
		t.Run(e.name, func(t *testing.T) {
			table := e.url(t)
			for _, s := range stories {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					for _, v := range tell(t, s, table, nil) {
						t.Error(v)
					}
				})
			}
		})
	}
}
