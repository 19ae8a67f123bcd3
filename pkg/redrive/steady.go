package redrive

import (
	"fmt"
	"math"
	"time"
)

// steady is the pace between canary and end. It goes up step by step, and keeps
// the pace that a whole interval sustained; a step too far is taken back, and the
// next one is smaller and comes later.
func (s Settings) steady(p Pace, o Observation) (Pace, string) {
	share := p.excessShare()
	heavy := p.Attempts >= s.MinAttempts && share > s.HoldShare
	switch {
	case heavy && p.HeavySince.IsZero():
		p.HeavySince = o.At
	case !heavy && p.Attempts >= s.MinAttempts: // fewer say nothing
		p.HeavySince = time.Time{}
	}
	if heavy && o.At.Sub(p.HeavySince) >= s.HoldAfter {
		return s.hold(p, o.At, fmt.Sprintf("%.0f %% of the attempts failed", 100*share))
	}
	if !heavy && s.trialShowsNoEffect(&p, o) {
		return p, fmt.Sprintf("%.0f a second: %.1f %% fail whatever the pace", p.Rate, 100*p.BaselineFailureShare)
	}
	if why := s.trouble(p, o, share); why != "" {
		p.SlowCuts = 0
		return s.cut(p, o, heavy, why)
	}
	if s.slow(p, o) {
		return s.slower(p, o)
	}
	if p.Backlogged {
		return p, fmt.Sprintf("%.0f a second: %d are out, and few of them end: waiting", p.Rate, o.Untried)
	}
	if o.At.Sub(p.LookedAt) < s.Interval-s.Interval/10 { // a look may come a little early
		return p, ""
	}
	p.LookedAt, p.Ended = o.At, p.Attempts
	if p.Attempts == 0 {
		return p, fmt.Sprintf("%.0f a second: nothing ended, so nothing was learned", p.Rate)
	}
	if p.excess() >= 3 && share > s.EaseShare {
		return s.ease(p, o, share)
	}
	return s.up(p, o)
}

// up follows an interval without trouble: quickly to the pace that was sustained, a
// step beyond it after a wait, in which the destination can answer.
func (s Settings) up(p Pace, o Observation) (Pace, string) {
	p = p.lowerBaseline()
	if o.P90 > 0 && o.P90 < p.Baseline {
		p.Baseline -= (p.Baseline - o.P90) / 32
	}
	p.Attempts, p.Failed = 0, 0
	if s.cutRecently(p, o.At) {
		return p, ""
	}
	p.Holds, p.HoldFor = 0, s.Hold
	if !p.StillSlow {
		p.SlowCuts = 0
	}
	switch {
	case p.Rate < p.SustainedRate:
		p.Rate = min(p.Rate*s.Grow, p.SustainedRate)
	case o.At.Sub(p.SteppedAt) >= max(p.Wait, s.Interval+o.P90)-s.Interval/10:
		if p.Rate > p.SustainedRate { // the latest step was sustained
			p.Step, p.Wait = min(2*p.Step, s.Add), max(s.Interval, p.Wait/2)
		}
		p.SustainedRate, p.SteppedAt = p.Rate, o.At
		if !p.CutAt.IsZero() {
			p.Step = min(p.Step, max(s.AddMin, p.SustainedRate/4))
		}
		p.Rate += p.Step
	}
	p.Rate = min(p.Rate, s.Ceiling)
	return p, fmt.Sprintf("%.0f a second: all is well", p.Rate)
}

// lowerBaseline lowers the baseline failure share where less fails, once there is enough to tell.
func (p Pace) lowerBaseline() Pace {
	p.RecentTally.add(p.Attempts, p.Failed)
	baseline := p.BaselineFailureShare * float64(p.RecentTally.Attempts)
	if baseline < 10 {
		return p
	}
	if float64(p.RecentTally.Failed)+3*math.Sqrt(baseline) < baseline {
		p.BaselineFailureShare = shareOf(p.RecentTally.Failed, p.RecentTally.Attempts)
	}
	p.RecentTally = Tally{}
	return p
}

// trouble says why the pace must go down; empty when it need not. Live failures
// do not push it below what follows a canary: were it the cause, its own events
// would fail, too.
func (s Settings) trouble(p Pace, o Observation, share float64) string {
	switch {
	case p.Attempts >= s.MinAttempts && share > s.CutShare:
		return fmt.Sprintf("%.0f %% of the attempts failed", 100*share)
	case o.LiveBad && p.Rate > 2*s.CanaryRate:
		return "live deliveries fail"
	}
	return ""
}

// cut slows down on trouble: to half, or to what was delivered of it where that
// is less. After a step too far, what was sustained before it is near.
func (s Settings) cut(p Pace, o Observation, heavy bool, why string) (Pace, string) {
	tried := p.Trial.Share > 0 && !o.LiveBad
	if !heavy && (tried || s.cutRecently(p, o.At)) {
		return p, "" // slowed down already
	}
	to := p.Rate * min(s.Cut, 1-shareOf(p.Failed, p.Attempts))
	if p.Rate > p.SustainedRate && !heavy {
		to = max(to, 0.8*p.SustainedRate)
	} else {
		p.SustainedRate = max(1, to)
	}
	p = s.stepDown(p, o.At, to)
	return p, fmt.Sprintf("slowed down to %.0f a second: %s", p.Rate, why)
}

// ease takes a step back where a few attempts fail, too few to be trouble.
func (s Settings) ease(p Pace, o Observation, share float64) (Pace, string) {
	if p.Trial.Share > 0 || s.cutRecently(p, o.At) {
		p.Attempts, p.Failed = 0, 0
		return p, ""
	}
	to := p.Rate * s.Ease
	if p.Rate > p.SustainedRate {
		to = 0.95 * p.SustainedRate
	}
	p = s.stepDown(p, o.At, to)
	p.SustainedRate = p.Rate
	return p, fmt.Sprintf("slowed down to %.0f a second: %.1f %% of the attempts failed", p.Rate, 100*share)
}

// stepDown goes down to a pace, and begins a trial of it where failures are the
// reason. The next step up is smaller and comes later.
func (s Settings) stepDown(p Pace, now time.Time, to float64) Pace {
	p.Trial = Trial{}
	if p.excess() > 0 {
		p.Trial = Trial{Share: shareOf(p.Failed, p.Attempts), Rate: p.Rate}
	}
	if !s.cutRecently(p, now) {
		p.Step, p.Wait = max(s.AddMin, p.Step/2), min(2*p.Wait, s.WaitMax)
	}
	p.Rate, p.CutAt, p.SteppedAt, p.LookedAt = max(1, to), now, now, now
	p.Attempts, p.Failed = 0, 0
	return p
}

func (s Settings) cutRecently(p Pace, now time.Time) bool {
	return !p.CutAt.IsZero() && now.Sub(p.CutAt) < s.CutEvery
}

// What a trial needs: so many failures, were the share the same as before, or
// what there is after so long.
const (
	trialFailures = 12
	trialTime     = 2 * time.Minute
)

// trialShowsNoEffect ends the trial of a slower pace when enough attempts have ended. Where
// they fail as before, the pace is not the cause (some events fail whatever one
// does): their share is the baseline from then on, and the pace is what it was.
func (s Settings) trialShowsNoEffect(p *Pace, o Observation) bool {
	if p.Trial.Share == 0 || o.At.Sub(p.CutAt) <= s.Interval { // what ends now was released before
		return false
	}
	p.Trial.add(o.Attempts, o.Failed)
	expected := p.Trial.Share * float64(p.Trial.Attempts)
	if expected < trialFailures && o.At.Sub(p.CutAt) < trialTime {
		return false
	}
	t := p.Trial
	p.Trial = Trial{}
	seen := shareOf(t.Failed, t.Attempts)
	if expected < trialFailures/2 || float64(t.Failed) < expected/3 || seen > s.HoldShare || o.LiveBad {
		return false
	}
	p.BaselineFailureShare = max(p.BaselineFailureShare, seen)
	p.Rate, p.SustainedRate, p.Step, p.Wait = t.Rate, t.Rate, s.Add, s.Interval
	p.LookedAt, p.SteppedAt = o.At, o.At
	p.Attempts, p.Failed, p.RecentTally = 0, 0, Tally{}
	return true
}

// Below that latency, and with fewer answers, a doubled latency is noise.
const (
	minLatency = 100 * time.Millisecond
	minAnswers = 20
)

func (s Settings) slow(p Pace, o Observation) bool {
	return o.Attempts >= minAnswers && p.Baseline > 0 && o.P90 > minLatency && o.P90 > time.Duration(s.Latency*float64(p.Baseline))
}

// maxSlowCuts: a latency that stays after so many cuts has another cause than
// the pace.
const maxSlowCuts = 2

// slower answers to latency alone: slow down, and where that changes nothing, or
// the pace is no more than what follows a canary, take the latency for what it
// is and go on.
func (s Settings) slower(p Pace, o Observation) (Pace, string) {
	if s.cutRecently(p, o.At) {
		p.StillSlow = p.StillSlow || o.At.Sub(p.CutAt) > s.Interval
		return p, ""
	}
	if p.Rate <= 2*s.CanaryRate || p.StillSlow && p.SlowCuts >= maxSlowCuts {
		p.Baseline, p.SlowCuts, p.StillSlow, p.LookedAt = o.P90, 0, false, o.At
		return p, fmt.Sprintf("%.0f a second: the destination answers in %s whatever the pace", p.Rate, o.P90.Round(time.Millisecond))
	}
	before := p.CutAt
	p, reason := s.cut(p, o, false, fmt.Sprintf("the destination answers in %s, %s at first",
		o.P90.Round(time.Millisecond), p.Baseline.Round(time.Millisecond)))
	if p.CutAt != before {
		p.SlowCuts, p.StillSlow = p.SlowCuts+1, false
	}
	return p, reason
}
