package redrive

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A quota takes so many requests in each window, or as a bucket that fills again all
// the while; it answers the others with 429 and Retry-After. What it postpones comes
// back at that time, spread over five seconds behind it, as the worker does. Nothing
// fails here, so nothing dies.
type quota struct {
	name   string
	events int
	live   int // events a second
	limit  int // requests in a window
	window int // seconds
	bucket bool
	away   int // seconds for which it takes nothing, and asks for two minutes
}

const (
	quotaAway   = 120
	quotaSpread = 5
	quotaLimit  = 40_000 // seconds
)

type quotaResult struct {
	seconds   int // 0: not drained
	postponed int // attempts of redriven events
	first     int // of them, first attempts
	live      int // postponed attempts of live events
	stopped   bool
}

// call is one request to the destination.
type call struct{ live, again bool }

// taken is how the quota stands.
type taken struct {
	room    float64 // requests that it takes now
	refills int     // the window it was filled for
}

// ask tells whether the quota takes a request at second t, or for how long it asks to wait.
func (q quota) ask(s *taken, t int) (wait int) {
	rate := float64(q.limit) / float64(q.window)
	switch {
	case t < q.away:
		return quotaAway
	case q.bucket && s.refills != t:
		s.room, s.refills = min(float64(q.limit), s.room+rate), t
	case !q.bucket && s.refills != t/q.window:
		s.room, s.refills = float64(q.limit), t/q.window
	}
	if s.room >= 1 {
		s.room--
		return 0
	}
	if q.bucket {
		return 1
	}
	return q.window - t%q.window
}

// run drives the controller. A deaf one hears of a postponed first attempt that it
// failed, and no more.
func (q quota) run(c *controlled, deaf bool, start int, seed uint64) (res quotaResult) {
	rnd := rand.New(rand.NewPCG(seed, 11))
	state := taken{room: float64(q.limit), refills: start / q.window}
	back, waiting := map[int][]call{}, 0
	left, fraction := q.events, 0.0
	var o Observation
	var live [30][2]int // attempts and those postponed, of the last seconds
	for t := range quotaLimit {
		fraction += max(0, c.rate(t, o))
		n := min(left, int(fraction))
		fraction -= float64(int(fraction))
		left -= n
		calls := back[t]
		delete(back, t)
		for range n {
			calls = append(calls, call{})
		}
		for range q.live {
			calls = append(calls, call{live: true})
		}
		rnd.Shuffle(len(calls), func(i, k int) { calls[i], calls[k] = calls[k], calls[i] })
		o, live[t%30] = Observation{Released: n, P90: 50 * time.Millisecond}, [2]int{}
		waiting += n
		for _, a := range calls {
			wait := q.ask(&state, start+t)
			if a.live {
				live[t%30][0]++
			} else if !a.again {
				o.Attempts++
			}
			switch {
			case wait > 0:
				at := t + wait + rnd.IntN(quotaSpread+1)
				back[at] = append(back[at], call{live: a.live, again: true})
				if a.live {
					live[t%30][1]++
					res.live++
					continue
				}
				res.postponed++
				if !a.again {
					o.Postponed++
					o.AskedUntil = later(o.AskedUntil, simStart.Add(time.Duration(at)*time.Second))
					o.Refusing = true
				}
			case !a.live:
				waiting--
				o.Delivered++
				o.Refusing = false
			}
		}
		res.first += o.Postponed
		if deaf {
			o.Failed, o.Postponed = o.Postponed, 0
		}
		o.LiveBad = liveBad(live)
		if c.pace.Phase == Halt {
			res.stopped = true
			return res
		}
		if left == 0 && waiting == 0 {
			res.seconds = t
			return res
		}
	}
	return res
}

func liveBad(live [30][2]int) bool {
	attempts, failed := 0, 0
	for _, l := range live {
		attempts, failed = attempts+l[0], failed+l[1]
	}
	return DefaultSettings.tooMany(attempts, failed)
}

// least is in how many seconds the quota could take all of them.
func (q quota) least() int {
	return q.away + q.events*q.window/(q.limit-q.live*q.window)
}

var quotas = []quota{
	{name: "600 a minute", events: 10_000, live: 1, limit: 600, window: 60},
	{name: "6,000 a minute", events: 100_000, live: 20, limit: 6000, window: 60},
	{name: "60 a minute", events: 1000, limit: 60, window: 60},
	{name: "36,000 an hour", events: 100_000, live: 1, limit: 36_000, window: 3600},
	{name: "120 a second", events: 100_000, live: 60, limit: 120, window: 1},
	{name: "bucket of 600, 10 a second", events: 10_000, live: 1, limit: 600, window: 60, bucket: true},
	{name: "away for half an hour", events: 10_000, live: 1, limit: 300, window: 1, away: 1800},
}

// The bounds that docs/REDRIVE.md promises of a limit that says when to come again.
func TestControllerObeysRetryAfter(t *testing.T) {
	for _, q := range quotas {
		t.Run(q.name, func(t *testing.T) {
			for seed := range uint64(simSeeds) {
				start := int(seed) * q.window / simSeeds // of the window, that has gone by
				got := q.run(newControlled(q.events), false, start, seed+1)
				if seed == simSeeds-1 {
					before := q.run(newControlled(q.events), true, start, seed+1)
					t.Logf("%-27s at least %5d s; deaf %+v; obeys %+v", q.name, q.least(), before, got)
				}
				if got.stopped || got.seconds == 0 {
					t.Errorf("seed %d: it does not end: %+v", seed+1, got)
				}
				if got.seconds > q.least()*14/10 {
					t.Errorf("seed %d: %d s, and the limit lets all through in %d", seed+1, got.seconds, q.least())
				}
				bearable := q.events / 20
				if q.limit == 60 { // a step of the least is a quarter of it
					bearable = q.events / 10
				}
				if got.first > bearable {
					t.Errorf("seed %d: of %d events, %d were postponed", seed+1, q.events, got.first)
				}
			}
		})
	}
}
