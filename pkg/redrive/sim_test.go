package redrive

import (
	"math/rand/v2"
	"testing"
	"time"

	"smartlead-receiver/test/testclock"
)

// The simulator drives the real controller against a downstream with a
// capacity, in steps of a second. Overload costs goodput: beyond the capacity C
// an offered load x succeeds with C/x · max(0.2, 1 - 0.5·(x/C - 1)), and the
// latency warns of it from 0.7·C on; a rate limiter does neither. Live traffic
// comes all the while. A failed attempt comes back after a visibility timeout;
// the third failure is a death.
type simulation struct {
	name        string
	capacity    func(t int) float64
	limiter     bool    // refuses what is beyond, without a warning
	slow        float64 // factor on the latency, from second 300 on; 0: none
	poison      float64 // share of the dead letters that always fail
	random      float64 // share of all attempts that fail by chance, live ones too
	deadLetters int
	live        int // events a second
	limit       int // seconds
}

const (
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

var simStart = testclock.Noon()

// rate lets the controller look as often as the function does.
func (c *controlled) rate(t int, o Observation) float64 {
	c.acc.Attempts += o.Attempts
	c.acc.Failed += o.Failed
	c.acc.Released += o.Released
	c.acc.Untried = o.Untried
	c.acc.Delivered += o.Delivered
	c.acc.Postponed += o.Postponed
	c.acc.AskedUntil = later(c.acc.AskedUntil, o.AskedUntil)
	if o.Postponed > 0 || o.Delivered > 0 {
		c.acc.Refusing = o.Refusing
	}
	c.acc.P90 = max(c.acc.P90, o.P90)
	c.acc.LiveBad = c.acc.LiveBad || o.LiveBad
	if t%int(DefaultPolicy.Tick.Seconds()) == 0 {
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

// The lanes of a simulation: redriven events, those of them that always fail,
// and live ones.
const (
	laneGood = iota
	lanePoison
	laneLive
	lanes
)

type traffic [lanes]backlog

func (w *traffic) redriven() int { return w[laneGood].sum() + w[lanePoison].sum() }

func (s simulation) run(r releaser, seed uint64) simResult {
	rnd := rand.New(rand.NewPCG(seed, 7))
	var res simResult
	var now traffic
	waiting := map[int]traffic{}
	deadLetters, fraction := s.deadLetters, 0.0
	var o Observation
	for t := range s.limit {
		fraction += max(0, r.rate(t, o))
		n := min(deadLetters, int(fraction))
		fraction -= float64(int(fraction))
		deadLetters -= n
		now[laneLive][0] += s.live
		for range n {
			if rnd.Float64() < s.poison {
				now[lanePoison][0]++
			} else {
				now[laneGood][0]++
			}
		}
		for lane, back := range waiting[t] {
			for i, k := range back {
				now[lane][i] += k
			}
		}
		delete(waiting, t)
		o = Observation{Released: n}
		if back := s.step(t, rnd, &now, &o, &res); back != (traffic{}) {
			waiting[t+simVisibility] = back
		}
		pending := 0
		for _, w := range waiting {
			pending += w.redriven()
		}
		if deadLetters == 0 && now.redriven() == 0 && pending == 0 {
			res.seconds = t
			break
		}
	}
	res.left, res.holds = deadLetters+now.redriven(), r.holds()
	return res
}

// answer tells how the downstream answers a load: which share succeeds, and how
// much slower it answers.
func (s simulation) answer(t int, offered float64) (success, latency float64) {
	c := s.capacity(t)
	success, latency = 1, 1
	if offered > c {
		success = c / offered
	}
	success *= 1 - s.random
	if !s.limiter {
		if offered > c {
			success *= max(0.2, 1-0.5*(offered/c-1))
		}
		if offered > 0.7*c {
			latency = 1 + (offered/c-0.7)/0.3*1.5
		}
	}
	if s.slow > 0 && t >= 300 {
		latency *= s.slow
	}
	return success, latency
}

// step lets the workers take what the downstream is offered in one second.
func (s simulation) step(t int, rnd *rand.Rand, now *traffic, o *Observation, res *simResult) (back traffic) {
	total := float64(now.redriven() + now[laneLive].sum())
	offered := min(simWorkers, total)
	success, latency := s.answer(t, offered)
	o.P90 = time.Duration(latency * 200 * float64(time.Millisecond))
	liveFailed, liveAttempts := 0, 0
	for lane := range now {
		for i := range simReceives {
			k := min(now[lane][i], int(float64(now[lane][i])*offered/max(1, total)+rnd.Float64()))
			now[lane][i] -= k
			bad := 0
			for range k {
				if lane == lanePoison || rnd.Float64() >= success {
					bad++
				}
			}
			died := i+1 == simReceives
			if !died {
				back[lane][i+1] += bad
			}
			if lane == laneLive {
				liveFailed, liveAttempts = liveFailed+bad, liveAttempts+k
				continue
			}
			if i == 0 {
				o.Attempts += k
				o.Failed += bad
			}
			if lane == laneGood { // what fails at any pace is no fault of the pace
				res.failed += bad
				if died {
					res.died += bad
				}
			}
		}
	}
	o.Untried = now[laneGood][0] + now[lanePoison][0]
	res.liveFailed += liveFailed
	o.LiveBad = DefaultSettings.tooMany(liveAttempts, liveFailed)
	return back
}

func newControlled(deadLetters int) *controlled {
	return &controlled{set: DefaultSettings.sized(deadLetters), pace: DefaultSettings.NewPace()}
}

func constant(c float64) func(int) float64 { return func(int) float64 { return c } }

// ramp goes from one capacity to another in so many seconds.
func ramp(from, to, seconds float64) func(int) float64 {
	return func(t int) float64 { return from + (to-from)*min(1, float64(t)/seconds) }
}

func relapse(t int) float64 {
	if t >= 900 && t < 1500 {
		return 5
	}
	return ramp(20, 300, 1200)(t)
}

func steps(t int) float64 { return []float64{120, 250, 90, 200}[t/600%4] }

// blips are outages of twenty seconds every ten minutes.
func blips(t int) float64 {
	if t%600 >= 580 {
		return 1
	}
	return 300
}

var (
	large = simulation{deadLetters: 100_000, live: 60}
	small = simulation{deadLetters: 2000, live: 2}
)

func (s simulation) as(name string, change func(*simulation)) simulation {
	s.name, s.limit = name, 20_000
	change(&s)
	return s
}

var simulations = []simulation{
	large.as("healthy", func(s *simulation) { s.capacity = constant(300) }),
	large.as("recovers slowly", func(s *simulation) { s.capacity = ramp(20, 300, 1200) }),
	large.as("relapses", func(s *simulation) { s.capacity = relapse }),
	large.as("half capacity", func(s *simulation) { s.capacity = constant(120) }),
	large.as("fades", func(s *simulation) { s.capacity = ramp(300, 90, 600) }),
	large.as("dead", func(s *simulation) { s.capacity = constant(1) }),
	large.as("slow", func(s *simulation) { s.capacity, s.slow = constant(300), 4 }),
	large.as("limiter", func(s *simulation) { s.capacity, s.limiter = constant(120), true }),
	large.as("limiter recovers", func(s *simulation) { s.capacity, s.limiter = ramp(20, 300, 1200), true }),
	large.as("limiter fades", func(s *simulation) { s.capacity, s.limiter = ramp(300, 90, 600), true }),
	large.as("limiter in steps", func(s *simulation) { s.capacity, s.limiter = steps, true }),
	large.as("blips", func(s *simulation) { s.capacity, s.limiter = blips, true }),
	large.as("random 3%", func(s *simulation) { s.capacity, s.random = constant(300), 0.03 }),
	large.as("poison 1%", func(s *simulation) { s.capacity, s.poison = constant(300), 0.01 }),
	large.as("poison 4%", func(s *simulation) { s.capacity, s.poison = constant(300), 0.04 }),
	large.as("poison 10%", func(s *simulation) { s.capacity, s.poison = constant(300), 0.1 }),
	small.as("small, healthy", func(s *simulation) { s.capacity = constant(300) }),
	small.as("small, weak", func(s *simulation) { s.capacity, s.limiter = constant(30), true }),
	small.as("small, recovers", func(s *simulation) { s.capacity, s.limiter = ramp(10, 100, 120), true }),
	small.as("small, recovers slowly", func(s *simulation) { s.capacity, s.limiter = ramp(10, 100, 300), true }),
}

// compared is one scenario under the controller and under fixed rates.
type compared struct {
	simulation
	controller, fixed10, fixed200 simResult
	alone                         simResult // live traffic without a redrive, as long as the controller took
}

func (s simulation) compare(t *testing.T, seed uint64) compared {
	t.Helper()
	c := compared{simulation: s, controller: s.run(newControlled(s.deadLetters), seed)}
	alone := s
	alone.deadLetters = 1 // never released: the run lasts to its limit
	if c.controller.seconds > 0 {
		alone.limit = c.controller.seconds + 1
	}
	c.alone = alone.run(fixedRate(0), seed)
	c.fixed10, c.fixed200 = s.run(fixedRate(10), seed), s.run(fixedRate(200), seed)
	if seed == simSeeds {
		for _, r := range []struct {
			name string
			simResult
		}{{"10/s", c.fixed10}, {"200/s", c.fixed200}, {"500/s", s.run(fixedRate(500), seed)}, {"controller", c.controller}} {
			t.Logf("%-22s %-10s %6d s  failed %7d  died %6d  live failed %8d (without a redrive %8d)  holds %d  left %d",
				s.name, r.name, r.seconds, r.failed, r.died, r.liveFailed, c.alone.liveFailed, r.holds, r.left)
		}
	}
	return c
}

// extra is what the redrive cost: failed attempts that are the pace's fault,
// and live failures beyond those without a redrive.
func (c compared) extra() int {
	return c.controller.failed + max(0, c.controller.liveFailed-c.alone.liveFailed)
}

// simSeeds: the bounds hold for each of so many seeds.
const simSeeds = 7

// The bounds that docs/REDRIVE.md promises.
func TestControllerKeepsItsBounds(t *testing.T) {
	for _, s := range simulations {
		t.Run(s.name, func(t *testing.T) {
			for seed := range uint64(simSeeds) {
				c := s.compare(t, seed+1)
				if why := c.broken(); why != "" {
					t.Errorf("seed %d: drained in %d s, %d left, %d failures: %s", seed+1, c.controller.seconds, c.controller.left, c.extra(), why)
				}
			}
		})
	}
}

// broken says which bound does not hold.
func (c compared) broken() string {
	within := func(share float64) bool { return float64(c.extra()) <= share*float64(c.deadLetters) }
	got := c.controller
	switch c.name {
	case "dead":
		if got.seconds != 0 || !within(0.01) || got.left < c.deadLetters*99/100 {
			return "it must stop early and keep the rest"
		}
		return ""
	case "healthy":
		if limit := c.fixed200.seconds * 16 / 10; got.seconds > limit || c.extra() > 0 {
			return "no failure, and 1.6 times as long as a fixed 200/s"
		}
	case "relapses":
		if !within(0.03) {
			return "a relapse costs at most 3 %"
		}
	case "poison 1%", "poison 4%", "poison 10%":
		if limit := c.fixed200.seconds * 3; got.seconds > limit || !within(0.001) {
			return "what fails at any pace must not slow down the rest more than three times"
		}
	case "random 3%", "blips":
		if limit := c.fixed200.seconds * 3; got.seconds > limit || !within(0.05) {
			return "what passes must not slow it down more than three times"
		}
		return ""
	case "limiter":
		if limit := 2 * c.deadLetters / (120 - c.live); got.seconds > limit {
			return "it must use half of what is free"
		}
	}
	if got.seconds == 0 {
		return "it does not end"
	}
	if c.name == "limiter fades" && within(0.02) {
		return ""
	}
	if c.name != "relapses" && !within(0.01) {
		return "at most one in a hundred fails"
	}
	return ""
}
