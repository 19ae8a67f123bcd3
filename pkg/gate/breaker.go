package gate

import (
	"context"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// When a breaker opens, and for how long. A worker counts its own outcomes: what fails,
// fails for all. The waits are below the time that an event's attempts take (some ten
// minutes), so that few attempts are spent before the breaker opens, and the probe that
// finds the destination well comes soon. (Convoy opens at 70 % of ten or more, too.)
const (
	window       = time.Minute
	minOutcomes  = 10
	openShare    = 0.7
	openFirst    = 30 * time.Second // doubling with each probe that fails
	openLongest  = 5 * time.Minute
	probeTimeout = 90 * time.Second // longer than a destination's longest timeout
	rampLongest  = 64               // at once, in one worker: from then on nothing holds it back
)

// outcome is one that this instance saw.
type outcome struct {
	at     time.Time
	failed bool
	class  string
}

// fails tells whether an outcome speaks of a destination that is down. One that asks to
// come later is up, and one that refuses an event answers.
func fails(o webhook.Outcome) bool {
	asked := (webhook.Attempt{Result: o.Result, Status: o.Status, RetryAfter: o.RetryAfter}).Postponed()
	return o.Result == webhook.ResultRetry && o.Status != 429 && !asked
}

// openFor is how long the breaker stays open, after it opened n times in a row.
func openFor(n int) time.Duration {
	if n > 5 {
		return openLongest
	}
	return min(openFirst<<max(n-1, 0), openLongest)
}

// untilProbe is how long an event waits before an open breaker: until the next probe,
// and spread behind it, so that not all come at once when the destination is back.
func (g *Gate) untilProbe(s State, now time.Time) time.Duration {
	return max(s.NextProbe.Sub(now), time.Second) + time.Duration(g.Random()*float64(openFor(s.Opened)))
}

// takeProbe takes the right to try one event at a destination whose breaker is open.
// Where somebody else has it, or the table does not answer, nobody tries.
func (g *Gate) takeProbe(ctx context.Context, name string, now time.Time) bool {
	s, taken, err := change(ctx, g.Documents, name, now, func(s *State) bool {
		if !s.Open || now.Before(s.NextProbe) || s.Holder != "" && now.Before(s.HeldUntil) {
			return false
		}
		s.Holder, s.HeldUntil = g.Holder, now.Add(probeTimeout)
		return true
	})
	if err == nil {
		g.set(name, s)
	}
	return taken || err == nil && !s.Open
}

// switchOff closes a breaker that was open when it was switched off. Where the table does
// not answer a later delivery does it; this one does not wait for that.
func (g *Gate) switchOff(ctx context.Context, name string, now time.Time) State {
	s, closed, err := change(ctx, g.Documents, name, now, func(s *State) bool {
		open := s.Open
		if open {
			s.close(now)
		}
		return open
	})
	g.changed(ctx, name, s, closed, err)
	return s
}

// note counts an outcome, and opens or closes the breaker where it says so.
func (g *Gate) note(ctx context.Context, l *local, name string, seen State, probe bool, o webhook.Outcome) {
	now := g.Now()
	failed := fails(o)
	if probe && seen.Open {
		g.endProbe(ctx, l, name, now, o)
		return
	}
	if !l.count(now, outcome{at: now, failed: failed, class: o.ErrorClass}) {
		return
	}
	ctx = context.WithoutCancel(ctx) // the attempt may have used its whole time
	s, opened, err := change(ctx, g.Documents, name, now, func(s *State) bool {
		if s.Open || s.Epoch != seen.Epoch {
			return false // others did, or it was opened and closed since
		}
		s.open(now, o.ErrorClass)
		return true
	})
	g.changed(ctx, name, s, opened, err)
}

// endProbe closes the breaker where the probe did not fail, and otherwise waits longer.
func (g *Gate) endProbe(ctx context.Context, l *local, name string, now time.Time, o webhook.Outcome) {
	ctx = context.WithoutCancel(ctx)
	failed := fails(o)
	s, wrote, err := change(ctx, g.Documents, name, now, func(s *State) bool {
		if !s.Open || s.Holder != g.Holder {
			return false
		}
		if failed {
			s.open(now, o.ErrorClass)
		} else {
			s.close(now)
		}
		return true
	})
	if wrote && !failed {
		l.forget()
	}
	g.changed(ctx, name, s, wrote, err)
}

func (g *Gate) changed(ctx context.Context, name string, s State, wrote bool, err error) {
	if err != nil {
		return // the next outcome tries again
	}
	g.set(name, s)
	if wrote && g.Changed != nil {
		g.Changed(ctx, name, s)
	}
}

func (s *State) open(now time.Time, cause string) {
	if !s.Open {
		s.Epoch++
		s.Since = now.UTC().Truncate(time.Millisecond)
	}
	s.Open, s.Cause = true, cause
	s.Opened++
	s.NextProbe = now.Add(openFor(s.Opened)).UTC().Truncate(time.Millisecond)
	s.Holder, s.HeldUntil = "", time.Time{}
}

func (s *State) close(now time.Time) {
	s.Open, s.Cause, s.Opened = false, "", 0
	s.Epoch++
	s.Since = now.UTC().Truncate(time.Millisecond)
	s.NextProbe, s.Holder, s.HeldUntil = time.Time{}, "", time.Time{}
}

// count adds an outcome to those of the window, and tells whether they open the breaker.
func (l *local) count(now time.Time, o outcome) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ramp > 0 && !o.failed {
		if l.ramp *= 2; l.ramp > rampLongest {
			l.ramp = 0
		}
	}
	kept, failed := l.outcomes[:0], 0
	for _, one := range append(l.outcomes, o) {
		if now.Sub(one.at) < window {
			kept = append(kept, one)
			if one.failed {
				failed++
			}
		}
	}
	l.outcomes = kept[max(0, len(kept)-1000):]
	return o.failed && len(kept) >= minOutcomes && float64(failed) >= openShare*float64(len(kept))
}

// forget starts anew, where the destination is well again.
func (l *local) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outcomes = l.outcomes[:0]
}
