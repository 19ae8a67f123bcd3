package redrive

import (
	"fmt"
	"time"
)

// belowLimit is the share of what a destination took that it is offered after it
// asked to wait.
const belowLimit = 0.95

// Asked is what the pace remembers of a hold at the destination's wish.
type Asked struct {
	Rate      float64 `json:"rate,omitempty"`      // that the destination postponed; 0: the hold has another reason
	Brief     bool    `json:"brief,omitempty"`     // it asked for less than an interval, and of few
	Fruitless bool    `json:"fruitless,omitempty"` // before the latest such hold nothing was delivered
}

// postponed answers to first attempts that the destination postponed. It holds for
// as long as was asked for, AskedMax at most, and then goes on below the rate that
// was postponed. No number of such holds stops the job; where nothing is delivered
// between two of them they last as long as a first hold, and a canary follows. obeyed is false
// where others pass that began later: those postponed are then like others that
// fail, which a slower pace may make fewer.
func (s Settings) postponed(p Pace, o *Observation) (_ Pace, reason string, obeyed bool) {
	if o.Postponed == 0 || p.Phase == Halt {
		return p, "", false
	}
	asked := o.AskedUntil
	if latest := o.At.Add(s.AskedMax); asked.After(latest) {
		asked = latest
	}
	if p.Phase == Hold {
		p.HoldUntil = later(p.HoldUntil, asked)
		return p, "", false
	}
	if !o.Refusing && shareOf(o.Postponed, o.Attempts) <= s.HoldShare {
		o.Failed += o.Postponed
		p.Failed += o.Postponed
		return p, "", false
	}
	if share := p.excessShare(); p.Attempts >= s.MinAttempts && share > s.HoldShare { // beside those postponed
		p, reason = s.hold(p, o.At, fmt.Sprintf("%.0f %% of the attempts failed", 100*share))
		if p.Phase == Hold {
			p.HoldUntil = later(p.HoldUntil, asked)
		}
		return p, reason, true
	}
	p.Asked.Brief = asked.Sub(o.At) <= s.Interval && shareOf(o.Postponed, o.Attempts) <= s.HoldShare
	if p.Asked.Fruitless && p.Accepted == 0 {
		asked = later(asked, o.At.Add(s.Hold))
	}
	p.Asked.Fruitless = p.Accepted == 0
	p.Asked.Rate = p.Rate
	if p.Phase == Canary {
		p.Asked.Rate = s.CanaryRate
	}
	p.Phase, p.Rate, p.HoldUntil = Hold, 0, later(o.At, asked)
	p.Trial, p.HeavySince, p.Attempts, p.Failed = Trial{}, time.Time{}, 0, 0
	return p, p.waiting(), true
}

// waiting says what a hold waits for.
func (p Pace) waiting() string {
	why := "the destination fails"
	if p.Asked.Rate > 0 {
		why = fmt.Sprintf("at %s a second the destination asked to wait", PerSecond(p.Asked.Rate))
	}
	return fmt.Sprintf("holding until %s: %s", p.HoldUntil.UTC().Format(time.TimeOnly), why)
}

// resume goes on after a hold at the destination's wish. What was delivered from the
// latest such resumption to this one, hold included, is what the destination takes in
// that time: of a limit in windows it is the limit, less what others use of it. Where
// the wait was brief, of few, and the latest step brought it about, the pace before
// that step is nearer the truth, which the steps up to it do not lower.
func (s Settings) resume(p Pace, o Observation) (Pace, string) {
	took := o.At.Sub(p.AcceptedSince)
	takes := float64(p.Accepted) / max(1, took.Seconds())
	if p.Asked.Brief && p.Asked.Rate > p.SustainedRate {
		takes = max(takes, p.SustainedRate)
	}
	p.Phase, p.Rate = Steady, min(max(1, belowLimit*min(p.Asked.Rate, takes)), s.Ceiling)
	p.SustainedRate = p.Rate
	p.Step, p.Wait = min(max(s.AddMin, p.Step/2), p.Rate/4), max(s.Interval, min(max(2*p.Wait, took), s.WaitMax))
	p.CutAt, p.SteppedAt, p.LookedAt = o.At, o.At, o.At
	p.Attempts, p.Failed, p.Ended = 0, 0, 0
	asked := p.Asked.Rate
	p.Asked.Rate, p.Accepted, p.AcceptedSince = 0, 0, o.At
	return p, fmt.Sprintf("%s a second: at %s the destination asked to wait", PerSecond(p.Rate), PerSecond(asked))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
