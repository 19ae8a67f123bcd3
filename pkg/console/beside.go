package console

import (
	"slices"
	"sync"
)

// A besideRun is work of this console that goes on beside its pages, at an address of its
// own.
type besideRun interface {
	comparable
	address() string
	runs() bool
	halt() // ends it soon
}

// beside is such work of one kind, one at a time. It is safe for concurrent use.
type beside[R besideRun] struct {
	mu      sync.Mutex
	latest  []R // the newest last
	running sync.WaitGroup
	closed  bool
}

// keptRuns is how much of it that has ended is remembered.
const keptRuns = 20

// find returns what has the address.
func (b *beside[R]) find(address string) (r R, found bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range slices.Backward(b.latest) {
		if r.address() == address {
			return r, true
		}
	}
	return r, false
}

// add takes what is about to begin, perhaps once more, and counts it among what runs. It
// takes nothing where another one runs, which it returns, and nothing where the console
// ends.
func (b *beside[R]) add(r R) (other R, taken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, other := range b.latest {
		if other != r && other.runs() {
			return other, false
		}
	}
	if b.closed {
		return other, false
	}
	b.latest = slices.DeleteFunc(b.latest, func(old R) bool { return old == r })
	if b.latest = append(b.latest, r); len(b.latest) > keptRuns {
		b.latest = b.latest[1:]
	}
	b.running.Add(1)
	return r, true
}

// close ends what runs, and waits for it.
func (b *beside[R]) close() {
	b.mu.Lock()
	b.closed = true
	for _, r := range b.latest {
		r.halt()
	}
	b.mu.Unlock()
	b.running.Wait()
}
