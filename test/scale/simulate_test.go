package scale

import (
	"math"
	"time"
)

// account is what AWS allows an account, as far as events meet it.
type account struct {
	name                 string
	apiRate, apiBurst    float64 // requests a second, and the bucket
	concurrency          float64 // executions of all functions at once
	tableWarm, tableMost float64 // write units a second: of a new table or index, and at most
}

// stack is what the template and the ledger set, and what an event takes.
type stack struct {
	throttleRate, throttleBurst float64
	workers, batch              float64 // MaximumConcurrency and BatchSize of the live queue
	timeShards, dueShards       float64
	receiver, worker            time.Duration // one invocation; the worker's of a full batch
	claimUnits, settleUnits     float64       // of the table alone, without its indexes
}

// What the functions and AWS do, and no setting changes. docs/SCALE.md lists each.
const (
	cold         = 0.3   // seconds that a start takes (assumed)
	perInstance  = 10.0  // requests a second of one environment at most
	startsBucket = 1000. // environments that a function may start at once
	startsRate   = 100.  // and each second from then on
	firstPollers = 5.    // batches that Lambda begins with
	pollersRate  = 5.    // and adds each second: 300 a minute
	pollersMost  = 1250.
	partition    = 1000. // write units a second
	inFlightMost = 120_000.
	grace        = 120 // seconds, then the sweeper sends a message again
	sweepRate    = 150 // messages a second: one update of 5 ms each, for 50 of 60 seconds (assumed)
	halfHour     = 1800
	oldAge       = 600 // of ageAlarm
	oldMinutes   = 3
)

// Alarms of the template.
const (
	throttledAlarm = "ThrottledAlarm"
	intakeAlarm    = "Intake5xxAlarm"
	unclaimedAlarm = "UnclaimedAlarm"
	ageAlarm       = "LiveQueueAgeAlarm"
)

// waits are Smartlead's before each further attempt (core/webhooks); then it gives up.
var waits = []int{60, 300, 900, 3600, 21600}

// hookErrors in a row may disable the webhook.
const hookErrors = 5

// A load is a rate for so many seconds.
type load struct {
	rate    float64
	seconds int
}

// state is the simulation at one second.
type state struct {
	account
	stack
	result
	now int

	tokens    float64
	due       [][]float64 // by attempt and second: requests that come
	running   float64     // environments of the receiver
	active    float64     // its executions of this second
	working   float64     // the worker's of the latest second
	starts    float64     // bucket
	busy      float64     // seconds in which the queue was not emptied
	queue     []chunk
	used      []float64 // write units of the table, by second
	peak      float64   // of those that are half an hour old
	oldFor    int
	unclaimed float64 // in the queue
}

// chunk is what was queued in one second.
type chunk struct {
	at     int
	n      float64
	swept  float64 // of them
	copies bool    // of the sweeper, of events that are before them
}

// result is what became of a load.
type result struct {
	offered, first, accepted, lost float64
	environments, coldStarts       float64
	oldest, backlog                float64
	end                            int // second in which nothing is left
	hookAt                         int // second in which the hook may be disabled; -1: never
	binds                          []bound
	alarms                         []bound
}

// bound is what happened first in that second.
type bound struct {
	what string
	at   int
}

func note(list *[]bound, what string, at int) {
	for _, b := range *list {
		if b.what == what {
			return
		}
	}
	*list = append(*list, bound{what, at})
}

const day = 24 * 60 * 60

// simulate runs a load until nothing is left of it, a day at most.
func simulate(a account, s stack, l load) result {
	st := state{account: a, stack: s, starts: startsBucket, due: make([][]float64, len(waits)+1)}
	st.tokens = min(s.throttleBurst, a.apiBurst)
	st.hookAt = -1
	for i := range st.due {
		st.due[i] = make([]float64, 2*day)
	}
	for t := range l.seconds {
		st.due[0][t] = l.rate
	}
	for st.now = 0; st.now < day; st.now++ {
		served := st.serve(st.admit())
		st.enqueue(served)
		st.work()
		if st.now >= l.seconds && len(st.queue) == 0 && !st.pending() {
			break
		}
	}
	return st.result
}

// pending tells whether requests are still to come.
func (st *state) pending() bool {
	return st.accepted+st.lost < st.offered-0.5
}

// admit is the API: a bucket of tokens.
func (st *state) admit() (admitted float64) {
	demand := 0.0
	for i := range st.due {
		demand += st.due[i][st.now]
	}
	st.offered += st.due[0][st.now]
	there := st.tokens + min(st.throttleRate, st.apiRate)
	admitted = min(demand, there)
	st.tokens = min(st.throttleBurst, st.apiBurst, there-admitted)
	if admitted < demand {
		note(&st.alarms, throttledAlarm, st.now)
		if st.throttleRate <= st.apiRate {
			note(&st.binds, "`ThrottleRate`", st.now)
		} else {
			note(&st.binds, "API Gateway's quota", st.now)
		}
	}
	return admitted
}

// serve is the receiver's environments. Requests that arrive while one starts start
// others. What is not served is sent again.
func (st *state) serve(admitted float64) (served float64) {
	each := min(perInstance, 1/st.receiver.Seconds())
	room := max(0, st.concurrency-st.working)
	st.starts = min(startsBucket, st.starts+startsRate)
	warm := min(st.running, room)
	wanted := math.Ceil(max(0, (admitted-warm*each)*max(cold, 1/each)))
	started := min(wanted, st.starts, room-warm)
	served = min(admitted, warm*each+started*(1+(1-cold)*each), room*each)
	if served < admitted {
		if started == st.starts {
			note(&st.binds, "Lambda's scaling rate", st.now)
		} else {
			note(&st.binds, "Lambda's concurrency", st.now)
		}
		note(&st.alarms, intakeAlarm, st.now)
	}
	st.starts -= started
	st.coldStarts += started
	st.running += started
	st.active = max(served/each, started)
	st.again(served)
	return served
}

// again gives each attempt its share of what was served, and sends the rest later.
func (st *state) again(served float64) {
	demand := 0.0
	for i := range st.due {
		demand += st.due[i][st.now]
	}
	if demand == 0 {
		return
	}
	for i := range st.due {
		n := st.due[i][st.now]
		good := n * served / demand
		st.accepted += good
		if i == 0 {
			st.first += good
		}
		if i < len(waits) {
			st.due[i+1][st.now+waits[i]] += n - good
		} else {
			st.lost += n - good
		}
	}
	// Refusals spread evenly come so many in a row.
	if refused := demand - served; refused >= hookErrors && refused/max(1, served) >= hookErrors && st.hookAt < 0 {
		st.hookAt = st.now
	}
}

// writesLeft is what the table takes this second: twice the peak of half an hour ago.
func (st *state) writesLeft() float64 {
	if old := st.now - halfHour; old >= 0 {
		st.peak = max(st.peak, st.used[old])
	}
	return min(st.tableMost, max(st.tableWarm, 2*st.peak))
}

// enqueue claims what the table and its indexes take. What they refuse is durable in
// the queue alone.
func (st *state) enqueue(served float64) {
	st.used = append(st.used, 0)
	limits := []struct {
		what string
		most float64
	}{
		{"the table's writes", st.writesLeft() / st.claimUnits},
		{"shards of `time`", st.timeShards * partition},
	}
	claimed := served
	for _, l := range limits {
		claimed = min(claimed, l.most)
	}
	for _, l := range limits {
		if claimed < served && claimed == l.most {
			note(&st.binds, l.what, st.now)
		}
	}
	if claimed < served {
		note(&st.alarms, unclaimedAlarm, st.now)
	}
	st.used[st.now] = claimed * st.claimUnits
	st.unclaimed += served - claimed
	if served > 0 {
		st.queue = append(st.queue, chunk{at: st.now, n: served})
	}
}

// workersNow is how many executions the live queue's event source may have.
func (st *state) workersNow() float64 {
	if len(st.queue) == 0 {
		return 0
	}
	return min(st.workers, pollersMost, firstPollers+pollersRate*st.busy, st.roomForWorkers())
}

// roomForWorkers is what the receiver leaves; where both want all, half.
func (st *state) roomForWorkers() float64 {
	return max(st.concurrency-st.active, st.concurrency/2)
}

// work delivers from the queue, the oldest first.
func (st *state) work() {
	st.sweep()
	workers := st.workersNow()
	each := st.batch / st.worker.Seconds()
	left := min(workers*each, inFlightMost)
	if st.unclaimed < 0.5 {
		st.unclaimed = 0
	}
	// The table's writes that the claims left; an event that is unclaimed takes both.
	// What waits for longer than the sweeper's look has been listed as due, and is taken
	// out of that index again: two writes there, and one more of the item.
	waiting, events, listed := 0.0, 0.0, 0.0
	for _, c := range st.queue {
		waiting += c.n
		if !c.copies {
			events += c.n
			if st.now-c.at > lookAge {
				listed += c.n
			}
		}
	}
	if waiting == 0 {
		st.working, st.busy, st.oldFor = 0, 0, 0
		return
	}
	// A copy finds its event delivered: it costs a read and its place.
	share := st.unclaimed / waiting
	units := st.settleUnits*(events+listed)/waiting + share*st.claimUnits
	byTable := max(0, st.writesLeft()-st.used[st.now]) / max(1e-9, units)
	byDue := st.dueShards * partition / max(1e-9, 2*(listed/waiting+share)) // a late claim is listed, too
	done := min(left, byTable, byDue, waiting)
	if rest := events - done; rest > 10*done && rest > 1 {
		switch done {
		case byTable:
			note(&st.binds, "the table's writes", st.now)
		case byDue:
			note(&st.binds, "shards of `due`", st.now)
		default:
			st.noteWorkers(workers)
		}
	}
	st.used[st.now] += done * units
	st.unclaimed -= done * share
	st.take(done)
	st.working = min(workers, done/each)
	st.environments = max(st.environments, st.active+st.working)
	if len(st.queue) > 0 {
		st.busy++
	} else {
		st.busy = 0
	}
	st.backlog = max(st.backlog, events-done)
	st.age()
}

func (st *state) noteWorkers(workers float64) {
	switch workers {
	case st.workers:
		note(&st.binds, "`LiveConcurrency`", st.now)
	case pollersMost:
		note(&st.binds, "pollers at most", st.now)
	case st.roomForWorkers():
		note(&st.binds, "Lambda's concurrency", st.now)
	default:
		note(&st.binds, "growth of pollers", st.now)
	}
}

// take removes the oldest messages.
func (st *state) take(n float64) {
	for len(st.queue) > 0 && n > 0 {
		c := &st.queue[0]
		if !c.copies {
			st.end = st.now + 1
		}
		if c.n > n+1e-6 {
			c.n -= n
			c.swept = min(c.swept, c.n)
			return
		}
		n -= c.n
		st.queue = st.queue[1:]
	}
}

// sweep sends what has waited for longer than the grace once more; what waits on is
// sent again ever later, which is left out.
func (st *state) sweep() {
	left := float64(sweepRate)
	for i := range st.queue {
		c := &st.queue[i]
		if left <= 0 || st.now-c.at < grace {
			break
		}
		if !c.copies {
			sent := min(left, c.n-c.swept)
			c.swept += sent
			left -= sent
		}
	}
	if sent := sweepRate - left; sent > 0 {
		st.queue = append(st.queue, chunk{at: st.now, n: sent, copies: true})
	}
}

// age watches the oldest message, as LiveQueueAgeAlarm does.
func (st *state) age() {
	if len(st.queue) == 0 {
		st.oldFor = 0
		return
	}
	age := float64(st.now - st.queue[0].at)
	st.oldest = max(st.oldest, age)
	if age <= oldAge {
		st.oldFor = 0
		return
	}
	if st.oldFor++; st.oldFor == 60*oldMinutes {
		note(&st.alarms, ageAlarm, st.now)
	}
}
