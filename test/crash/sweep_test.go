package crash

import (
	"testing"
	"time"
)

// outcome of one run.
type outcome struct {
	struck     int
	violations []string
	story      string
}

// play runs a scenario under a plan to its end: the recovery, the checks, then
// healed destinations, a redrive, and the checks again.
func play(t *testing.T, s scenario, table string, faults ...fault) outcome {
	t.Helper()
	w := newWorld(t, table, s.options)
	defer w.close()
	if s.prepare != nil {
		s.prepare(w)
	}
	w.plan = newPlan(faults...)
	s.run(w)
	w.settle()
	struck := w.plan.end()
	w.finish()
	return outcome{struck, w.violations, w.plan.String()}
}

// finish checks a world at rest, makes the outside well, redrives what is dead
// and checks again.
func (w *world) finish() {
	w.Helper()
	w.settle()
	w.check(false)
	w.heal()
	// A job that was under way takes what died before it began; the next one
	// takes the rest.
	for range 4 {
		if !w.redriveAll() {
			break
		}
	}
	w.cleaner()
	w.settle()
	w.check(true)
}

// counts of a sweep.
type counts struct{ points, runs int }

// once loses every call of a scenario in one mode, one after the other; every third where
// the sweep is short.
func once(t *testing.T, s scenario, table string, m mode) (c counts) {
	t.Helper()
	step := 3
	if whole() {
		step = 1
	}
	for at := 1; ; at += step {
		// A read whose answer is lost is a read that was never made.
		out := play(t, s, table, fault{at: at, mode: m, writesOnly: m == answerLost})
		c.runs++
		report(t, out)
		if out.struck == 0 {
			return c
		}
		c.points++
	}
}

// twice loses two writes of a scenario, the second in the recovery from the
// first.
func twice(t *testing.T, s scenario, table string) (c counts) {
	t.Helper()
	for first := 1; ; first++ {
		for second := 1; ; second++ {
			out := play(t, s, table, fault{first, answerLost, true}, fault{second, answerLost, true})
			c.runs++
			report(t, out)
			if out.struck == 0 {
				return c
			}
			if out.struck == 1 {
				break
			}
			c.points++
		}
	}
}

func report(t *testing.T, out outcome) {
	t.Helper()
	for _, v := range out.violations {
		t.Errorf("%s: %s", out.story, v)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// modes are those of the sweep over an engine. Where it is short, and over the local
// stack's engine, which differs in what a write leaves behind and not in how it fails, it
// is the one that leaves a write behind of which nobody knows.
func modes(e engine) []mode {
	if whole() && e.name == dynoxideEngine.name {
		return []mode{requestLost, answerLost, failedOnce, throttledOnce}
	}
	return []mode{answerLost}
}

// TestSweep loses every call of every scenario, before and after it took
// effect, and lets every attempt of the SDK fail once with the effect done, or
// be throttled once.
func TestSweep(t *testing.T) {
	for _, e := range []engine{kumoEngine, dynoxideEngine} {
		t.Run(e.name, func(t *testing.T) {
			table := e.url(t)
			for _, s := range scenarios {
				if s.long && !whole() {
					continue
				}
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					for _, m := range modes(e) {
						t.Run(m.String(), func(t *testing.T) {
							began := time.Now()
							c := once(t, s, table, m)
							t.Logf("%d points, %d runs, %s", c.points, c.runs, time.Since(began).Round(time.Millisecond))
						})
					}
				})
			}
		})
	}
}

// TestSecondCrash loses a write, and then every write of the recovery. A crash
// beside a read, and a request that is lost, leave the stores as the lost
// answer of the write before does.
func TestSecondCrash(t *testing.T) {
	table := dynoxideEngine.url(t)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			c := twice(t, s, table)
			t.Logf("%d pairs, %d runs, %s", c.points, c.runs, time.Since(began).Round(time.Millisecond))
		})
	}
}
