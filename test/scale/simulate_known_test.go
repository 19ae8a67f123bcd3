package scale

import (
	"math"
	"testing"
	"time"
)

// plain is a stack whose numbers are easy to compute with.
func plain() stack {
	return stack{
		throttleRate: 200, throttleBurst: 400, workers: 10, batch: 10, timeShards: 4, dueShards: 8,
		receiver: 20 * time.Millisecond, worker: 250 * time.Millisecond, claimUnits: 2, settleUnits: 2,
	}
}

// What arithmetic answers, the simulation answers alike.
func TestSimulationAgreesWithArithmetic(t *testing.T) {
	open := plain()
	open.throttleRate, open.throttleBurst = 10_000, 5_000
	wide := open
	wide.workers = 1_000
	for _, c := range []struct {
		name    string
		account account
		stack   stack
		load    load
		figure  func(result) float64
		want    float64
		within  float64
	}{
		{"the bucket and 60 seconds at its rate", grown, plain(), load{1_000, 60}, func(r result) float64 { return r.first }, 400 + 60*200, 1},
		{"nothing is lost below every limit", grown, plain(), load{100, 60}, func(r result) float64 { return r.accepted }, 6_000, 1},
		{"ten workers take 400 a second, once they are ten", grown, open, load{1_000, 100}, func(r result) float64 { return float64(r.end) }, 250, 6},
		{"a message waits for those before it", grown, open, load{1_000, 100}, func(r result) float64 { return r.oldest }, 150, 6},
		{"an account of ten executions takes ten requests a second of each", young, open, load{1_000, 60}, func(r result) float64 { return r.first / 60 }, 75, 30},
		{"who is refused six times is given up", grown, plain(), load{100_000, 60}, func(r result) float64 { return r.offered - r.accepted - r.lost }, 0, 1},
		{"four shards of `time` claim 4,000 a second", raised, wide, load{4_001, 2}, func(r result) float64 { return float64(len(r.alarms)) }, 1, 0},
		{"and no more are asked of them", raised, wide, load{4_000, 2}, func(r result) float64 { return float64(len(r.alarms)) }, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := simulate(c.account, c.stack, c.load)
			if got := c.figure(r); math.Abs(got-c.want) > c.within {
				t.Errorf("%g, want %g within %g: %+v", got, c.want, c.within, r)
			}
		})
	}
}
