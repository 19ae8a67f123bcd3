// Package speed holds durations to bounds in `make test/speed` alone, or where the
// machine is seen to have no other work. Anywhere else a busy machine would fail
// a test whose subject is right.
package speed

import (
	"os"
	"slices"
	"testing"
	"time"
)

// held tells whether bounds count: the speed step sets the variable.
var held = os.Getenv("TEST_SPEED") != ""

// AtMost reports a duration above its bound: as a failure in the speed step, in
// the log of the test elsewhere.
func AtMost(t testing.TB, what string, took, bound time.Duration) {
	t.Helper()
	switch {
	case took <= bound:
		t.Logf("%s took %s, at most %s", what, took.Round(time.Millisecond), bound)
	case held:
		t.Errorf("%s took %s, want at most %s", what, took.Round(time.Millisecond), bound)
	default:
		t.Logf("%s took %s, more than %s: only `make test/speed` holds it to that", what, took.Round(time.Millisecond), bound)
	}
}

// Watch measures how late the machine lets a process run that asks for nothing:
// on a machine with other work a test's own durations say little.
type Watch struct {
	stop chan struct{}
	late chan []time.Duration
}

// How often a watch looks, and how late a tenth of its looks may be.
const (
	lookEvery = 10 * time.Millisecond
	mostLate  = 15 * time.Millisecond
)

// NewWatch begins to measure. Busy ends it.
func NewWatch() *Watch {
	w := &Watch{stop: make(chan struct{}), late: make(chan []time.Duration, 1)}
	go func() {
		var late []time.Duration
		for {
			began := time.Now()
			select {
			case <-w.stop:
				w.late <- late
				return
			case <-time.After(lookEvery):
				late = append(late, time.Since(began)-lookEvery)
			}
		}
	}()
	return w
}

// Busy tells whether the machine had other work, and how late the latest tenth of
// the looks was at least.
func (w *Watch) Busy() (bool, time.Duration) {
	close(w.stop)
	late := <-w.late
	if len(late) == 0 {
		return true, 0
	}
	slices.Sort(late)
	tenth := late[len(late)*9/10]
	return tenth > mostLate, tenth
}
