package redrive

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// PerSecond writes a pace. A canary of a slow redrive releases less than one event a second.
// What no pace can be is written as the nearest that one can.
func PerSecond(rate float64) string {
	if math.IsNaN(rate) {
		rate = 0
	}
	if rate = min(max(0, rate), maxRate); rate < 10 {
		return strings.TrimSuffix(strconv.FormatFloat(rate, 'f', 1, 64), ".0")
	}
	return strconv.FormatFloat(rate, 'f', 0, 64)
}

// maxRate is beyond every ceiling.
const maxRate = 1e6

// Settings tune the pace. The defaults won in a simulation against fixed rates
// of 10, 200 and 500 a second (docs/REDRIVE.md).
type Settings struct {
	Canary      int           // events that are tried before anything else
	CanaryRate  float64       // events a second
	Ceiling     float64       // events a second
	Add         float64       // events a second more, where an interval was sustained
	AddMin      float64       // the least that is added
	AddShare    float64       // of the job's events: what one step too far may cost
	Grow        float64       // factor instead, up to the pace that was sustained
	Interval    time.Duration // between two steps up
	WaitMax     time.Duration // between two steps up, where they keep failing
	Cut         float64       // factor on trouble
	CutShare    float64       // of failed attempts: trouble
	CutEvery    time.Duration // at most one cut, unless failures exceed HoldShare
	Ease        float64       // factor where a few fail
	EaseShare   float64       // of failed attempts: a few
	HoldShare   float64       // of failed attempts: heavy trouble
	HoldAfter   time.Duration // of heavy trouble without a pause
	Hold        time.Duration // first; doubles
	HoldMax     time.Duration
	AskedMax    time.Duration // of a hold at the destination's wish
	MaxHolds    int           // in a row; then the job stops
	Latency     float64       // p90 beyond this multiple of the baseline: trouble
	MinAttempts int           // below, a share says nothing
}

// DefaultSettings are the pacing rules of the simulation.
var DefaultSettings = Settings{
	Canary: 20, CanaryRate: 5, Ceiling: 200,
	Add: 10, AddMin: 1, AddShare: 0.01, Grow: 1.5, Interval: 10 * time.Second, WaitMax: 2 * time.Minute,
	Cut: 0.5, CutShare: 0.05, CutEvery: 30 * time.Second, Ease: 0.9, EaseShare: 0.005,
	HoldShare: 0.25, HoldAfter: 30 * time.Second, Hold: time.Minute, HoldMax: 10 * time.Minute, AskedMax: time.Hour, MaxHolds: 8,
	Latency: 2, MinAttempts: 5,
}

// sized fits the steps to a job of n events: a step too far lasts an interval.
func (s Settings) sized(n int) Settings {
	s.Add = min(s.Add, max(s.AddMin, s.AddShare*float64(n)/s.Interval.Seconds()))
	return s
}

// Phase is what the pace is doing.
type Phase string

// The phases.
const (
	Canary Phase = "canary"
	Steady Phase = "steady"
	Hold   Phase = "hold"
	Halt   Phase = "halt"
)

// Pace is the controller's memory. It is a value: it lives in the job and
// survives the function.
type Pace struct {
	Phase                Phase         `json:"phase"`
	Rate                 float64       `json:"rate"`                             // events a second that may be released
	SustainedRate        float64       `json:"sustained_rate,omitempty"`         // the pace that a whole interval sustained
	Step                 float64       `json:"step,omitempty"`                   // what is added next, events a second
	Wait                 time.Duration `json:"wait,omitempty"`                   // between two steps beyond what was sustained
	Released             int           `json:"released"`                         // of the current canary
	Attempts             int           `json:"attempts"`                         // first attempts, in the current canary or interval
	Failed               int           `json:"failed"`                           // of them
	LookedAt             time.Time     `json:"looked_at,omitzero"`               // start of the current interval
	SteppedAt            time.Time     `json:"stepped_at,omitzero"`              // latest step up or down
	CutAt                time.Time     `json:"cut_at,omitzero"`                  // latest step down
	Trial                Trial         `json:"trial,omitzero"`                   // of the latest step down
	BaselineFailureShare float64       `json:"baseline_failure_share,omitempty"` // of failures that the pace does not change
	RecentTally          Tally         `json:"recent_tally,omitzero"`            // whether that share still holds
	Ended                int           `json:"ended,omitempty"`                  // first attempts, in the latest whole interval
	Backlogged           bool          `json:"backlogged,omitempty"`             // too many are out: nothing is released
	HeavySince           time.Time     `json:"heavy_since,omitzero"`             // start of heavy trouble
	HoldUntil            time.Time     `json:"hold_until,omitzero"`              //
	HoldFor              time.Duration `json:"hold_for,omitempty"`               // the next hold's length
	Holds                int           `json:"holds,omitempty"`                  // in a row
	Baseline             time.Duration `json:"baseline_p90,omitempty"`           // latency of the canary, or what it settled at
	SlowCuts             int           `json:"slow_cuts,omitempty"`              // in a row, for latency alone
	StillSlow            bool          `json:"still_slow,omitempty"`             // after the latest of them
	Accepted             int           `json:"accepted,omitempty"`               // delivered, at any attempt
	AcceptedSince        time.Time     `json:"accepted_since,omitzero"`          // the canary's start, or the latest hold at the destination's wish
	Asked                Asked         `json:"asked,omitzero"`                   //
}

// Trial asks whether a slower pace fails less.
type Trial struct {
	Share float64 `json:"share"` // of failures before it; 0: no trial
	Rate  float64 `json:"rate"`  // before it
	Tally
}

// Tally counts first attempts.
type Tally struct {
	Attempts int `json:"attempts"`
	Failed   int `json:"failed"`
}

func (t *Tally) add(attempts, failed int) {
	t.Attempts, t.Failed = t.Attempts+attempts, t.Failed+failed
}

// Observation is what became of released events, and of live ones, since the
// last one. Of a released event the first attempt counts: its retries fail again
// where the event itself is the cause, and say late what the first said.
type Observation struct {
	At       time.Time
	Released int // since the last observation
	Attempts int // first attempts that ended
	Failed   int // of them
	// Postponed are those of them, and not of the failed, that the destination asked to
	// make later: at AskedUntil or before. Refusing: none that began after them was
	// delivered.
	Postponed  int
	AskedUntil time.Time
	Refusing   bool
	Delivered  int           // at any attempt
	Untried    int           // released, and their first attempt has not ended
	P90        time.Duration // of the attempts that ended; 0: none
	LiveBad    bool          // live deliveries fail too: a replay must not make it worse
	// Of the live events that were looked at.
	LiveAttempts, LiveFailed int
}

// NewPace begins with a canary.
func (s Settings) NewPace() Pace {
	return Pace{Phase: Canary, Rate: s.CanaryRate, HoldFor: s.Hold}
}

// Released events whose first attempt has not ended: so many are none too many,
// or so many times what ended in the latest interval.
const (
	maxUntried       = 100
	maxUntriedFactor = 3
)

// Next decides on the pace after an observation, and says why; it says nothing
// where the decision stands.
func (s Settings) Next(p Pace, o Observation) (Pace, string) {
	p.Attempts += o.Attempts
	p.Failed += o.Failed
	p.Released += o.Released
	if p.Accepted += o.Delivered; p.AcceptedSince.IsZero() {
		p.AcceptedSince = o.At
	}
	p.Backlogged = p.Phase == Steady && o.Untried > max(maxUntried, maxUntriedFactor*max(p.Ended, p.Attempts))
	p, reason, obeyed := s.postponed(p, &o)
	if obeyed {
		p.Backlogged = false
		return p, reason
	}
	switch p.Phase {
	case Hold:
		return s.holding(p, o)
	case Canary:
		return s.canary(p, o)
	case Halt:
		return p, "stopped"
	case Steady:
	}
	return s.steady(p, o)
}

func (s Settings) holding(p Pace, o Observation) (Pace, string) {
	if o.At.Before(p.HoldUntil) {
		return p, p.waiting()
	}
	if p.Asked.Rate > 0 && p.Accepted > 0 {
		return s.resume(p, o)
	}
	p.Phase, p.Rate, p.Asked.Rate, p.Accepted, p.AcceptedSince = Canary, s.CanaryRate, 0, 0, o.At
	p.Released, p.Attempts, p.Failed = 0, 0, 0
	return p, "the hold is over: trying a few"
}

func (s Settings) canary(p Pace, o Observation) (Pace, string) {
	if o.P90 > 0 && (p.Baseline == 0 || o.P90 < p.Baseline) {
		p.Baseline = o.P90
	}
	share := p.excessShare()
	switch {
	case p.Attempts >= min(s.MinAttempts, max(1, s.Canary)) && share > s.HoldShare:
		return s.hold(p, o.At, fmt.Sprintf("%d of the first %d attempts failed", p.Failed, p.Attempts))
	case p.Released < s.Canary:
		p.Rate = s.CanaryRate
		return p, fmt.Sprintf("trying the first %d", s.Canary)
	case o.Untried > 0:
		p.Rate = 0 // the canary is out: wait for what becomes of it
		return p, fmt.Sprintf("waiting for the first %d: %d have ended", s.Canary, p.Attempts)
	case p.Attempts == 0: // they are gone from the ledger
		p.Rate, p.Released = s.CanaryRate, 0
		return p, "none of the first ones was tried: trying others"
	}
	p.Phase, p.Rate, p.Step, p.Wait, p.Trial = Steady, 2*s.CanaryRate, s.Add, s.Interval, Trial{}
	p.LookedAt, p.SteppedAt, p.HeavySince = o.At, o.At, time.Time{}
	reason := "the first ones were delivered: going on"
	if share > s.CutShare {
		// Perhaps some fail whatever the pace: at the canary's pace that is tried.
		reason = fmt.Sprintf("%d of the first %d attempts failed: going on slowly", p.Failed, p.Attempts)
		p.Trial, p.CutAt = Trial{Share: shareOf(p.Failed, p.Attempts), Rate: p.Rate}, o.At
		p.Rate = s.CanaryRate
	}
	p.SustainedRate, p.Attempts, p.Failed, p.Ended = p.Rate, 0, 0, 0
	return p, reason
}

func (s Settings) hold(p Pace, now time.Time, why string) (Pace, string) {
	p.Holds++
	if p.Holds > s.MaxHolds {
		p.Phase, p.Rate = Halt, 0
		return p, fmt.Sprintf("stopped after %d holds in a row: %s", s.MaxHolds, why)
	}
	p.Phase, p.Rate, p.HoldUntil = Hold, 0, now.Add(p.HoldFor)
	reason := fmt.Sprintf("holding for %s: %s", p.HoldFor, why)
	p.HoldFor = min(2*p.HoldFor, s.HoldMax)
	p.HeavySince, p.Attempts, p.Failed = time.Time{}, 0, 0
	return p, reason
}

// excess is how many first attempts failed beyond the baseline failure share, and beyond
// what chance adds to it (three standard deviations).
func (p Pace) excess() float64 {
	baseline := p.BaselineFailureShare * float64(p.Attempts)
	return max(0, float64(p.Failed)-baseline-3*math.Sqrt(baseline))
}

func (p Pace) excessShare() float64 { return p.excess() / float64(max(1, p.Attempts)) }

func shareOf(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
