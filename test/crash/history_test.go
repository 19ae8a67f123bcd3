package crash

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// history is what every write made of an event, in the store's own order, held
// against the state table.
type history struct {
	writes   sync.Mutex
	last     map[string]step
	unheard  map[string]bool // events whose latest write may have taken effect or not
	problems []string
	steps    int
	lost     int // writes whose answer did not come
}

// step is an event as a write left it.
type step struct {
	state, number, nonce      string
	generation, death, effect string
	due, unlisted             bool     // unlisted: as a new event may be, which the index due does not show
	settled                   []string // destinations that have what they were sent
}

func (s step) String() string {
	return fmt.Sprintf("%s (lease %s %q, generation %s, death %s, due %t)", s.state, s.number, s.nonce, s.generation, s.death, s.due)
}

func stepOf(it item) step {
	s := step{
		state: it.text("state"), number: it.count("lease"), nonce: it.text("holder"),
		generation: it.count("generation"), death: it.count("death"), effect: it.count("effect_key"), due: it["due"] != nil, unlisted: it.unlisted(),
	}
	list, _ := it["dests"].(*dynamotypes.AttributeValueMemberL)
	if list == nil {
		return s
	}
	for _, d := range list.Value {
		if p := strings.SplitN(d.(*dynamotypes.AttributeValueMemberS).Value, " ", 3); p[0] == "delivered" {
			s.settled = append(s.settled, p[2])
		}
	}
	return s
}

func newHistory() *history { return &history{last: map[string]step{}, unheard: map[string]bool{}} }

// turn lets one write at a time reach the store.
func (h *history) turn(params any) (done func()) {
	switch params.(type) {
	case *dynamodb.PutItemInput, *dynamodb.UpdateItemInput:
		h.writes.Lock()
		return h.writes.Unlock
	}
	return func() {}
}

// under lists where an event may go under the lease that it has. Under a new
// one it goes to processing.
var under = map[string][]string{
	"pending":    {"pending"},
	"processing": {"processing", "pending", "delivered", "unrouted", "dead"},
	"delivered":  {"delivered", "pending"},
	"unrouted":   {"unrouted", "pending"},
	"dead":       {"dead", "pending", "parked", "discarded"},
	"held":       {"held", "pending", "discarded"},
	"parked":     {"parked", "pending", "discarded"},
	"discarded":  {"discarded"},
}

// claimed is told of an event that was put.
func (h *history) claimed(it item) {
	if !it.isEvent() {
		return
	}
	now := stepOf(it)
	before, known := h.last[it.id()]
	switch {
	case h.unheard[it.id()]:
	case known && before.state == "held" && now.state == "pending" && now.number == "0": // a trusted sender's takes its place
	case known:
		h.problem("%s was put over %s", it.id(), before)
	case now.state != "pending" && now.state != "held" || now.number != "0" && now.number != "":
		h.problem("%s begins as %s", it.id(), now)
	}
	h.keep(it, now)
}

// observe is told the event as an update left it, while the write has its turn.
func (h *history) observe(it item) {
	if !it.isEvent() {
		return
	}
	now := stepOf(it)
	before, known := h.last[it.id()]
	switch {
	case h.unheard[it.id()]: // nobody knows what stood there before
	case !known:
		h.problem("%s was written, and nobody put it", it.id())
	default:
		if why := wrong(before, now); why != "" {
			h.problem("%s went from %s to %s: %s", it.id(), before, now, why)
		}
	}
	h.keep(it, now)
}

// keep remembers a step, and holds it against what is true of a state however
// it was reached.
func (h *history) keep(it item, now step) {
	listed := isListed(now.state)
	switch owes := now.state == "pending" || now.state == "processing"; {
	case owes != now.due && now.state != "dead":
		h.problem("%s is %s, and what it owes does not go with it", it.id(), now)
	case now.state == "dead" && now.death != now.number:
		h.problem("%s is %s: it did not die under its lease", it.id(), now)
	case !now.unlisted && !it.listed("due", "due_shard", now.due):
		h.problem("%s is %s, and the due index does not list it so", it.id(), now)
	case !it.listed("dead_key", "dead_shard", listed) || listed && !strings.HasPrefix(it.text("dead_shard"), now.state+"#"):
		h.problem("%s is %s, and the index of the dead does not list it so", it.id(), now)
	}
	h.last[it.id()] = now
	h.steps++
	delete(h.unheard, it.id())
}

// isListed tells whether the index of the dead lists an event in that state.
func isListed(state string) bool {
	return slices.Contains([]string{"dead", "held", "parked", "unrouted", "discarded"}, state)
}

// listed tells whether an index has all of an event, or nothing.
func (it item) listed(key, shard string, want bool) bool {
	return (it[key] != nil) == want && (it[shard] != nil) == want
}

// unlisted tells of a new event that the index due does not show yet.
func (it item) unlisted() bool {
	untouched := it.text("state") == "pending" && it["lease"] == nil && it["sweeps"] == nil && it["dests"] == nil
	return untouched && it["due"] != nil && it["due_shard"] == nil
}

// wrong says why a step may not follow another.
func wrong(before, now step) string {
	if now.number != before.number {
		return wrongLease(before, now)
	}
	diedAbandoned := before.state == "processing" && now.state == "dead" && now.nonce == ""
	replayed := (before.state == "delivered" || before.state == "unrouted") && now.state == "pending"
	died := before.state == "processing" && now.state == "dead"
	switch {
	case now.unlisted && !before.unlisted:
		return "its due time is no longer listed"
	case !slices.Contains(under[before.state], now.state):
		return "the state table knows no such step under one lease"
	case now.nonce != before.nonce && !diedAbandoned:
		return "the lease has another holder, and the same number"
	case replayed != (now.generation == successor(before.generation)) || !replayed && now.generation != before.generation:
		return "a replay, and nothing else, begins a generation"
	case !replayed && now.effect != before.effect:
		return "a replay, and nothing else, asks for the effect again"
	case !died && now.death != before.death:
		return "the death's number changed without a death"
	case before.state == "dead" && now.state == "dead" && now.due && !before.due:
		return "it owes a second dead letter"
	case !replayed && !covers(now.settled, before.settled):
		return "a destination that has it is open again"
	}
	return ""
}

// wrongLease is wrong for a step to another lease number. The settlement of a first
// attempt, which had no lease, is one to the number 1.
func wrongLease(before, now step) string {
	first := before.state == "pending" && before.number == "0" && slices.Contains([]string{"pending", "delivered", "unrouted", "dead"}, now.state)
	switch {
	case now.number != successor(before.number):
		return "the number does not follow"
	case now.state != "processing" && !first:
		return "a new lease is processing"
	case before.state != "pending" && before.state != "processing" && before.state != "dead":
		return "nobody may lease it"
	case now.nonce == "" || now.nonce == before.nonce:
		return "the lease has no holder of its own"
	case now.generation != before.generation || now.effect != before.effect:
		return "a lease begins no generation"
	case now.death != before.death && (!first || now.state != "dead"):
		return "the death's number changed without a death"
	case !covers(now.settled, before.settled):
		return "a destination that has it is open again"
	}
	return ""
}

func covers(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

func (h *history) problem(format string, args ...any) {
	h.problems = append(h.problems, fmt.Sprintf(format, args...))
}

// missed is told of a write without an answer: whether it took effect shows
// only in what comes after it. No fault of a plan is one; these are the
// machine's own, such as a request that outlived its function's time.
func (h *history) missed(params any) {
	var key item
	switch in := params.(type) {
	case *dynamodb.PutItemInput:
		key = in.Item
	case *dynamodb.UpdateItemInput:
		key = in.Key
	default:
		return
	}
	h.lost++
	if key.isEvent() {
		h.unheard[key.id()] = true
	}
}

func (h *history) found() []string {
	h.writes.Lock()
	defer h.writes.Unlock()
	return append([]string(nil), h.problems...)
}

// forget is told of an event that has expired.
func (h *history) forget(id string) {
	h.writes.Lock()
	defer h.writes.Unlock()
	delete(h.last, id)
}

func successor(number string) string {
	var n int
	_, _ = fmt.Sscan(strings.TrimSpace(number), &n)
	return fmt.Sprint(n + 1)
}
