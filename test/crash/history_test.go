package crash

import (
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// history is what every write made of an event, in the store's own order, held
// against the state table.
type history struct {
	writes   sync.Mutex
	last     map[string]step
	problems []string
	steps    int
}

type step struct {
	state, number, nonce string
}

func newHistory() *history { return &history{last: map[string]step{}} }

// turn lets one write at a time reach the store.
func (h *history) turn(params any) (done func()) {
	switch params.(type) {
	case *dynamodb.PutItemInput, *dynamodb.UpdateItemInput:
		h.writes.Lock()
		return h.writes.Unlock
	}
	return func() {}
}

var ended = []string{"processing", "pending", "delivered", "dead"}

// allowed lists where an event may go under the lease that it has, and under a
// new one. The engine on this machine may break the answer of a lease that took
// effect: what is seen next is then how that lease ended.
var allowed = map[string]struct{ same, leased []string }{
	"":           {same: []string{"pending", "held"}, leased: ended}, // its claim was a put
	"pending":    {same: []string{"pending"}, leased: ended},
	"processing": {same: []string{"processing", "pending", "delivered", "dead"}, leased: ended},
	"delivered":  {same: []string{"delivered", "pending"}},
	"dead":       {same: []string{"dead", "pending", "parked"}, leased: ended},
	"held":       {same: []string{"held", "pending"}},
	"parked":     {same: []string{"parked", "pending"}},
}

// observe is told the event as a write left it, while the write has its turn.
func (h *history) observe(it item) {
	if !it.isEvent() {
		return
	}
	now := step{it.text("state"), it.text("lease_number"), it.text("lease_nonce")}
	before := h.last[it.id()]
	h.last[it.id()] = now
	h.steps++
	if before.state == "" {
		return
	}
	next := allowed[before.state].same
	if now.number != before.number {
		next = allowed[before.state].leased
		if now.number != successor(before.number) {
			h.problems = append(h.problems, fmt.Sprintf("%s: lease %s follows %s", it.id(), now.number, before.number))
		}
	}
	for _, s := range next {
		if s == now.state {
			return
		}
	}
	h.problems = append(h.problems, fmt.Sprintf("%s went from %v to %v", it.id(), before, now))
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
	_, _ = fmt.Sscan(number, &n)
	return fmt.Sprint(n + 1)
}
