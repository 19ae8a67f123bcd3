package redrive

import (
	"math/rand/v2"
	"testing"
	"time"
)

// The simulator drives the real controller against a downstream with a
// capacity, in steps of a second. Overload costs goodput: beyond the capacity C
// an offered load x succeeds with C/x · max(0.2, 1 - 0.5·(x/C - 1)). Live
// traffic comes all the while. A failed attempt comes back after a visibility
// timeout; the third failure is a death.
type simulation struct {
	name     string
	capacity func(t int) float64
	slow     float64 // factor on the latency, from second 300 on; 0: none
	letters  int
	limit    int // seconds
}

const (
	simLive       = 60.0
	simVisibility = 30
	simReceives   = 3
	simWorkers    = 800.0
)

type simResult struct {
	seconds    int // 0: not drained
	failed     int // redriven attempts
	died       int // redriven events, again
	liveFailed int
	holds      int
	left       int
}

// releaser is a fixed rate, or the controller.
type releaser interface {
	rate(t int, o Observation) float64
	holds() int
}

type fixedRate float64

func (f fixedRate) rate(int, Observation) float64 { return float64(f) }
func (f fixedRate) holds() int                    { return 0 }

type controlled struct {
	set   Settings
	pace  Pace
	held  int
	acc   Observation
	phase Phase
}

var simStart = time.Date(2026, 3, 4, 17, 30, 0, 0, time.UTC)

// rate lets the controller look every ten seconds, as the function does.
func (c *controlled) rate(t int, o Observation) float64 {
	c.acc.Attempts += o.Attempts
	c.acc.Failed += o.Failed
	c.acc.Died += o.Died
	c.acc.Released += o.Released
	c.acc.P90 = max(c.acc.P90, o.P90)
	c.acc.LiveBad = c.acc.LiveBad || o.LiveBad
	if t%10 == 0 {
		c.acc.At = simStart.Add(time.Duration(t) * time.Second)
		c.pace, _ = c.set.Next(c.pace, c.acc)
		if c.pace.Phase == Hold && c.phase != Hold {
			c.held++
		}
		c.phase, c.acc = c.pace.Phase, Observation{}
	}
	if c.pace.Phase == Canary {
		return min(c.pace.Rate, float64(c.set.Canary-c.pace.Released-c.acc.Released))
	}
	return c.pace.Rate
}

func (c *controlled) holds() int { return c.held }

type backlog [simReceives]int

func (b *backlog) sum() int { return b[0] + b[1] + b[2] }

func (s simulation) run(r releaser) simResult {
	rnd := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a simulation, seeded on purpose
	var res simResult
	var redriven, live backlog
	waiting := map[int][2]backlog{}
	letters, fraction := s.letters, 0.0
	var o Observation
	for t := range s.limit {
		fraction += max(0, r.rate(t, o))
		n := min(letters, int(fraction))
		fraction -= float64(int(fraction))
		letters -= n
		redriven[0] += n
		live[0] += simLive
		for i := range simReceives {
			redriven[i] += waiting[t][0][i]
			live[i] += waiting[t][1][i]
		}
		delete(waiting, t)
		o = Observation{Released: n}
		back := s.step(t, rnd, &redriven, &live, &o, &res)
		if back != ([2]backlog{}) {
			waiting[t+simVisibility] = back
		}
		pending := 0
		for _, w := range waiting {
			pending += w[0].sum()
		}
		if letters == 0 && redriven.sum() == 0 && pending == 0 {
			res.seconds = t
			break
		}
	}
	res.left, res.holds = letters+redriven.sum(), r.holds()
	return res
}

// step lets the workers take what the downstream is offered in one second.
func (s simulation) step(t int, rnd *rand.Rand, redriven, live *backlog, o *Observation, res *simResult) (back [2]backlog) {
	total := float64(redriven.sum() + live.sum())
	offered, c := min(simWorkers, total), s.capacity(t)
	success := 1.0
	if offered > c {
		success = c / offered * max(0.2, 1-0.5*(offered/c-1))
	}
	latency := 1.0
	if offered > 0.7*c {
		latency = 1 + (offered/c-0.7)/0.3*1.5
	}
	if s.slow > 0 && t >= 300 {
		latency *= s.slow
	}
	o.P90 = time.Duration(latency * 200 * float64(time.Millisecond))
	liveFailed, liveAttempts := 0, 0
	for lane, queue := range []*backlog{redriven, live} {
		for i := range simReceives {
			k := int(float64(queue[i])*offered/max(1, total) + rnd.Float64())
			k = min(k, queue[i])
			queue[i] -= k
			bad := 0
			for range k {
				if rnd.Float64() >= success {
					bad++
				}
			}
			died := i+1 == simReceives
			switch {
			case lane == 1:
				liveFailed += bad
				liveAttempts += k
				res.liveFailed += bad
			default:
				o.Attempts += k
				o.Failed += bad
				res.failed += bad
				if died {
					o.Died += bad
					res.died += bad
				}
			}
			if !died {
				back[lane][i+1] += bad
			}
		}
	}
	o.LiveBad = liveAttempts >= 5 && shareOf(liveFailed, liveAttempts) > DefaultSettings.CutShare
	return back
}

func newControlled() *controlled {
	return &controlled{set: DefaultSettings, pace: DefaultSettings.NewPace()}
}

func ramp(t int) float64 { return min(300, 20+280*float64(t)/1200) }

var simulations = []simulation{
	{name: "healthy", capacity: func(int) float64 { return 300 }},
	{name: "recovers slowly", capacity: ramp},
	{name: "relapses", capacity: func(t int) float64 {
		if t >= 900 && t < 1500 {
			return 5
		}
		return ramp(t)
	}},
	{name: "half capacity", capacity: func(int) float64 { return 120 }},
	{name: "dead", capacity: func(int) float64 { return 1 }},
	{name: "slow", capacity: func(int) float64 { return 300 }, slow: 4},
}

func (s simulation) table(t *testing.T) map[string]simResult {
	t.Helper()
	s.letters, s.limit = 100_000, 20_000
	out := map[string]simResult{}
	baseline := s
	baseline.letters = 1 // never released: the run lasts to its limit
	alone := baseline.run(fixedRate(0))
	for _, r := range []struct {
		name string
		releaser
	}{{"fixed 10/s", fixedRate(10)}, {"fixed 200/s", fixedRate(200)}, {"fixed 500/s", fixedRate(500)}, {"controller", newControlled()}} {
		res := s.run(r.releaser)
		out[r.name] = res
		t.Logf("%-16s %-12s %6d s  failed %7d  died %6d  live failed %8d (without a redrive %8d)  holds %d  left %d",
			s.name, r.name, res.seconds, res.failed, res.died, res.liveFailed, alone.liveFailed, res.holds, res.left)
	}
	out["alone"] = alone
	return out
}

// The bounds that docs/REDRIVE.md promises.
func TestControllerKeepsItsBounds(t *testing.T) {
	const onePercent = 100_000 / 100
	for _, s := range simulations {
		t.Run(s.name, func(t *testing.T) {
			all := s.table(t)
			got, alone := all["controller"], all["alone"]
			extra := got.failed + max(0, got.liveFailed-alone.liveFailed)
			switch s.name {
			case "healthy":
				if limit := all["fixed 200/s"].seconds * 16 / 10; got.seconds == 0 || got.seconds > limit || extra > 0 {
					t.Errorf("drained in %d s with %d failures, want at most %d s and none", got.seconds, extra, limit)
				}
			case "recovers slowly":
				if got.seconds == 0 || extra > onePercent {
					t.Errorf("drained in %d s with %d failures, want at most %d", got.seconds, extra, onePercent)
				}
			case "relapses":
				if got.seconds == 0 || got.failed > all["fixed 10/s"].failed {
					t.Errorf("drained in %d s with %d failures; a fixed 10/s has %d", got.seconds, got.failed, all["fixed 10/s"].failed)
				}
			case "half capacity":
				if got.seconds == 0 || extra > onePercent {
					t.Errorf("drained in %d s with %d failures", got.seconds, extra)
				}
			case "dead":
				if got.seconds != 0 || extra > onePercent || got.left < 99_000 {
					t.Errorf("%d failures, %d left: it must stop early and keep the rest", extra, got.left)
				}
			case "slow":
				if got.seconds == 0 || extra > 0 {
					t.Errorf("drained in %d s with %d failures: latency alone must not stop it", got.seconds, extra)
				}
			}
		})
	}
}
