package crash

import (
	"fmt"
	"math/rand/v2"
	"sync"
)

// mode is what happens to a call.
type mode int

const (
	requestLost   mode = iota // the process ends before the call takes effect
	answerLost                // the process ends after it
	failedOnce                // it takes effect, and fails: the caller's SDK repeats it
	throttledOnce             // it is refused, without effect
)

var modeNames = map[mode]string{
	requestLost: "request lost", answerLost: "answer lost", failedOnce: "failed once", throttledOnce: "throttled once",
}

func (m mode) String() string { return modeNames[m] }

// crash tells whether the rest of the process's life is lost with the call.
func (m mode) crash() bool { return m == requestLost || m == answerLost }

// readOnly lists the calls that change nothing. A crash beside one leaves the
// stores as a crash beside the write before it does. An unknown call counts as
// a write.
var readOnly = map[string]bool{
	"GetItem": true, "BatchGetItem": true, "Query": true, "GetObject": true, "GetParametersByPath": true,
}

// fault strikes the at-th point, from 1. A point is a logical call for a crash,
// an attempt of the SDK otherwise.
type fault struct {
	at         int
	mode       mode
	writesOnly bool // count only what is not readOnly
}

func (f fault) String() string { return fmt.Sprintf("%s at %d", f.mode, f.at) }

// plan is the faults of a run, in their order: each counts from the hit of the
// one before.
type plan struct {
	mu     sync.Mutex
	faults []fault
	seen   int
	struck []string // the calls that were hit

	random *rand.Rand // instead of the list: any call, with this chance
	chance float64
}

func newPlan(faults ...fault) *plan { return &plan{faults: faults} }

func randomPlan(seed uint64, chance float64) *plan {
	return &plan{random: rand.New(rand.NewPCG(seed, seed)), chance: chance}
}

// next passes a point and tells what happens at it.
func (p *plan) next(call bool, operation string) (mode, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.random != nil && p.random.Float64() < p.chance {
		m := mode(p.random.IntN(len(modeNames)))
		if m.crash() != call {
			return 0, false
		}
		p.struck = append(p.struck, m.String()+" "+operation)
		return m, true
	}
	if len(p.faults) == 0 {
		return 0, false
	}
	f := p.faults[0]
	if f.mode.crash() != call || f.writesOnly && readOnly[operation] {
		return 0, false
	}
	p.seen++
	if p.seen != f.at {
		return 0, false
	}
	p.faults, p.seen = p.faults[1:], 0
	p.struck = append(p.struck, fmt.Sprintf("%s (%s)", f, operation))
	return f.mode, true
}

// end lets everything pass from now on. It returns how many faults struck.
func (p *plan) end() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults, p.random = nil, nil
	return len(p.struck)
}

func (p *plan) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprint(p.struck)
}
