package redrive

import (
	"fmt"
	"time"
)

// Settings tune the pace. The defaults won in a simulation against fixed rates
// of 10, 200 and 500 a second (docs/REDRIVE.md).
type Settings struct {
	Canary      int           // events that are tried before anything else
	CanaryRate  float64       // events a second
	Ceiling     float64       // events a second
	Add         float64       // events a second more, for each interval without trouble
	Grow        float64       // factor instead, up to the level of the last cut
	Cut         float64       // factor on trouble
	Interval    time.Duration // between two steps up
	CutEvery    time.Duration // at most one cut, unless failures exceed HoldShare
	CutShare    float64       // of failed attempts: trouble
	HoldShare   float64       // of failed attempts: heavy trouble
	HoldAfter   time.Duration // of heavy trouble without a pause
	Hold        time.Duration // first; doubles
	HoldMax     time.Duration
	MaxHolds    int     // in a row; then the job stops
	Latency     float64 // p90 beyond this multiple of the baseline: trouble
	MinAttempts int     // below, a share says nothing
}

// DefaultSettings are the pacing rules of the simulation.
var DefaultSettings = Settings{
	Canary: 20, CanaryRate: 5, Ceiling: 200, Add: 10, Grow: 1.5, Cut: 0.5,
	Interval: 10 * time.Second, CutEvery: 30 * time.Second,
	CutShare: 0.05, HoldShare: 0.25, HoldAfter: 30 * time.Second,
	Hold: time.Minute, HoldMax: 10 * time.Minute, MaxHolds: 8,
	Latency: 2, MinAttempts: 5,
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
	Phase      Phase         `json:"phase"`
	Rate       float64       `json:"rate"`                   // events a second that may be released
	Released   int           `json:"released"`               // of the current canary
	Attempts   int           `json:"attempts"`               // ended, in the current canary or interval
	Failed     int           `json:"failed"`                 // of them
	StepAt     time.Time     `json:"step_at,omitzero"`       // start of the current interval
	CutAt      time.Time     `json:"cut_at,omitzero"`        // latest cut
	CutRate    float64       `json:"cut_rate,omitempty"`     // level at the latest cut
	HeavySince time.Time     `json:"heavy_since,omitzero"`   // start of heavy trouble
	HoldUntil  time.Time     `json:"hold_until,omitzero"`    //
	HoldFor    time.Duration `json:"hold_for,omitempty"`     // the next hold's length
	Holds      int           `json:"holds,omitempty"`        // in a row
	Baseline   time.Duration `json:"baseline_p90,omitempty"` // latency of the canary, or what it settled at
	SlowCuts   int           `json:"slow_cuts,omitempty"`    // in a row, for latency alone
}

// Observation is what became of released events, and of live ones, since the
// last one.
type Observation struct {
	At       time.Time
	Released int           // since the last observation
	Attempts int           // ended
	Failed   int           // of them
	Died     int           // of them, for the second time
	P90      time.Duration // of the ended attempts; 0: none
	LiveBad  bool          // live deliveries fail too: a replay must not make it worse
}

// NewPace begins with a canary.
func (s Settings) NewPace() Pace {
	return Pace{Phase: Canary, Rate: s.CanaryRate, HoldFor: s.Hold}
}

// Next decides on the pace after an observation, and says why.
func (s Settings) Next(p Pace, o Observation) (Pace, string) {
	p.Attempts += o.Attempts
	p.Failed += o.Failed
	p.Released += o.Released
	switch p.Phase {
	case Hold:
		return s.holding(p, o)
	case Canary:
		return s.canary(p, o)
	case Halt:
		return p, "stopped"
	}
	return s.steady(p, o)
}

func (s Settings) holding(p Pace, o Observation) (Pace, string) {
	if o.At.Before(p.HoldUntil) {
		return p, fmt.Sprintf("holding until %s: the destination fails", p.HoldUntil.UTC().Format(time.TimeOnly))
	}
	p.Phase, p.Rate = Canary, s.CanaryRate
	p.Released, p.Attempts, p.Failed = 0, 0, 0
	return p, "the hold is over: trying a few"
}

func (s Settings) canary(p Pace, o Observation) (Pace, string) {
	share := shareOf(p.Failed, p.Attempts)
	switch {
	case p.Attempts >= min(s.MinAttempts, max(1, s.Canary)) && share > s.HoldShare:
		return s.hold(p, o.At, fmt.Sprintf("%d of the first %d attempts failed", p.Failed, p.Attempts))
	case p.Released < s.Canary:
		p.Rate = s.CanaryRate
		return p, fmt.Sprintf("trying the first %d", s.Canary)
	case p.Attempts < s.Canary:
		p.Rate = 0 // the canary is out: wait for what becomes of it
		return p, fmt.Sprintf("waiting for the first %d: %d have ended", s.Canary, p.Attempts)
	case share > s.CutShare:
		return s.hold(p, o.At, fmt.Sprintf("%d of the first %d attempts failed", p.Failed, p.Attempts))
	}
	p.Phase, p.Rate, p.StepAt, p.Baseline = Steady, 2*s.CanaryRate, o.At, max(p.Baseline, o.P90)
	p.Attempts, p.Failed, p.HeavySince = 0, 0, time.Time{}
	return p, "the first ones were delivered: going on"
}

func (s Settings) steady(p Pace, o Observation) (Pace, string) {
	share := shareOf(p.Failed, p.Attempts)
	heavy := p.Attempts >= s.MinAttempts && share > s.HoldShare
	if !heavy {
		p.HeavySince = time.Time{}
	} else if p.HeavySince.IsZero() {
		p.HeavySince = o.At
	}
	if heavy && o.At.Sub(p.HeavySince) >= s.HoldAfter {
		return s.hold(p, o.At, fmt.Sprintf("%.0f %% of the attempts failed", 100*share))
	}
	if why := s.trouble(p, o, share); why != "" {
		p.SlowCuts = 0
		return s.cut(p, o.At, heavy, why)
	}
	if s.slow(p, o) {
		return s.slower(p, o)
	}
	if o.At.Sub(p.StepAt) < s.Interval-s.Interval/10 { // a look may come a little early
		return p, fmt.Sprintf("%.0f a second", p.Rate)
	}
	if p.Attempts == 0 {
		p.StepAt = o.At
		return p, fmt.Sprintf("%.0f a second: nothing ended, so nothing was learned", p.Rate)
	}
	up := p.Rate + s.Add
	if p.Rate < p.CutRate {
		up = min(p.Rate*s.Grow, p.CutRate)
	}
	p.Rate, p.StepAt, p.Holds, p.HoldFor, p.SlowCuts = min(up, s.Ceiling), o.At, 0, s.Hold, 0
	p.Attempts, p.Failed = 0, 0
	return p, fmt.Sprintf("%.0f a second: all is well", p.Rate)
}

// trouble says why the pace must go down; empty when it need not.
func (s Settings) trouble(p Pace, o Observation, share float64) string {
	switch {
	case o.Died > 0:
		return fmt.Sprintf("%d died again", o.Died)
	case p.Attempts >= s.MinAttempts && share > s.CutShare:
		return fmt.Sprintf("%.0f %% of the attempts failed", 100*share)
	case o.LiveBad:
		return "live deliveries fail"
	}
	return ""
}

// minLatency: below, a doubled latency is noise.
const minLatency = 100 * time.Millisecond

func (s Settings) slow(p Pace, o Observation) bool {
	return p.Baseline > 0 && o.P90 > minLatency && o.P90 > time.Duration(s.Latency*float64(p.Baseline))
}

// maxSlowCuts: a latency that stays after so many cuts has another cause than
// the pace.
const maxSlowCuts = 2

// slower answers to latency alone: slow down, and where that changes nothing,
// take the latency for what it is and go on.
func (s Settings) slower(p Pace, o Observation) (Pace, string) {
	if p.SlowCuts >= maxSlowCuts && o.At.Sub(p.CutAt) >= s.CutEvery {
		p.Baseline, p.SlowCuts, p.StepAt = o.P90, 0, o.At
		return p, fmt.Sprintf("%.0f a second: the destination answers in %s whatever the pace", p.Rate, o.P90.Round(time.Millisecond))
	}
	before := p.CutAt
	p, reason := s.cut(p, o.At, false, fmt.Sprintf("the destination answers in %s, %s at first",
		o.P90.Round(time.Millisecond), p.Baseline.Round(time.Millisecond)))
	if p.CutAt != before {
		p.SlowCuts++
	}
	return p, reason
}

func (s Settings) cut(p Pace, now time.Time, heavy bool, why string) (Pace, string) {
	if !p.CutAt.IsZero() && now.Sub(p.CutAt) < s.CutEvery && !heavy {
		return p, fmt.Sprintf("%.0f a second: %s, slowed down already", p.Rate, why)
	}
	p.CutRate, p.CutAt, p.StepAt = p.Rate, now, now
	p.Rate = max(1, p.Rate*s.Cut)
	p.Attempts, p.Failed = 0, 0
	return p, fmt.Sprintf("slowed down to %.0f a second: %s", p.Rate, why)
}

func (s Settings) hold(p Pace, now time.Time, why string) (Pace, string) {
	p.Holds++
	if p.Holds > s.MaxHolds {
		p.Phase, p.Rate = Halt, 0
		return p, fmt.Sprintf("stopped after %d holds in a row: %s", s.MaxHolds, why)
	}
	p.Phase, p.Rate, p.CutRate = Hold, 0, max(p.CutRate, p.Rate)
	p.HoldUntil = now.Add(p.HoldFor)
	reason := fmt.Sprintf("holding for %s: %s", p.HoldFor, why)
	p.HoldFor = min(2*p.HoldFor, s.HoldMax)
	p.HeavySince, p.Attempts, p.Failed = time.Time{}, 0, 0
	return p, reason
}

func shareOf(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
