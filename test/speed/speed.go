// Package speed holds durations to bounds in `make test/speed` alone, and where
// TEST_SPEED=1 asks for it on a machine that has no other work. Anywhere else a
// busy machine would fail a test whose subject is right.
package speed

import (
	"os"
	"testing"
	"time"
)

// held tells whether bounds count: the speed step sets the variable.
var held = os.Getenv("TEST_SPEED") != ""

// Held tells whether this run holds durations to bounds.
func Held() bool { return held }

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
