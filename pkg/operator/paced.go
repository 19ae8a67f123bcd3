package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Limits of a paced replay.
const (
	MaxPaced  = 5000 // events of one
	MinRate   = 1    // events a second
	MaxRate   = 50
	PacedRate = 5 // unless the person asks for another

	// maxUnderWay bounds the replayed events that have not ended: a destination that is
	// slow or fails gets no more, whatever the rate.
	maxUnderWay = 20
	// maxDeaths ends a replay: what it brings does not arrive.
	maxDeaths = 5
	// maxFailures bounds the events that a report names.
	maxFailures = 20

	pacedTick = time.Second
	// stalledAfter ends a replay of which nothing ends.
	stalledAfter = 10 * time.Minute
	// lastEnds is how long the last events are waited for; they go on by themselves.
	lastEnds = time.Minute
)

var (
	// ErrRate: the rate is out of bounds.
	ErrRate = fmt.Errorf("the rate is %d to %d events a second", MinRate, MaxRate)
	// ErrDying: too many of the replayed events died.
	ErrDying = fmt.Errorf("stopped: %d of the replayed events died", maxDeaths)
	// ErrStalled: nothing that was replayed ends.
	ErrStalled = fmt.Errorf("stopped: none of %d replayed events has ended for %d minutes", maxUnderWay, stalledAfter/time.Minute)
)

// Paced is a replay of many events as a person has seen them, at a pace. It can be cut
// off at any point, and begun anew with those that Unmoved leaves of the same events.
type Paced struct {
	Events    []webhook.Record // in the order in which they go
	Rate      float64          // events a second
	Again     bool             // as of Request
	Confirmed bool
}

// PacedReport is how far a paced replay has come.
type PacedReport struct {
	Total   int
	Sent    int // replayed
	Left    int // on their way already
	Changed int // moved by somebody else since they were seen
	Failed  int // the move is not for them, or failed, or nobody knows
	Unsent  int // of Sent: the sweeper tells the worker

	Delivered, Unrouted, Died int  // of Sent, that have ended
	UnderWay                  int  // of Sent, that have not
	Waiting                   bool // for those under way, before more go
	Failures                  []Result
	Unread                    error // the latest look at those under way failed; nothing goes meanwhile
}

// Tried counts the events that had their turn.
func (r PacedReport) Tried() int { return r.Sent + r.Left + r.Changed + r.Failed }

// Check returns what cannot be done: ErrNoEvents, *TooManyError, ErrRate.
func (p Paced) Check() error {
	if !(p.Rate >= MinRate && p.Rate <= MaxRate) { // NaN, too
		return ErrRate
	}
	return Request{Move: Replay, Events: p.Events, Limit: MaxPaced}.Check()
}

// Unmoved leaves out the events that have moved since: the latest time at which one of
// them had moved when they were counted. It is the stack's own time, not that of a
// person's machine.
func Unmoved(events []webhook.Record, since time.Time) (rest []webhook.Record) {
	for _, r := range events {
		if !r.UpdatedAt.After(since) {
			rest = append(rest, r)
		}
	}
	return rest
}

// LastMoved is the latest time at which one of the events had moved.
func LastMoved(events []webhook.Record) time.Time {
	var last time.Time
	for _, r := range events {
		if r.UpdatedAt.After(last) {
			last = r.UpdatedAt
		}
	}
	return last
}

// paced is a replay that runs.
type paced struct {
	*Service
	asked   Paced
	rest    []webhook.Record
	open    []webhook.EventID // replayed, and not ended
	credit  float64           // events that may go now
	at      time.Time         // of the latest tick
	moved   time.Time         // when something went or ended
	report  PacedReport
	noticed func(PacedReport)
}

// ReplayPaced replays the events at the rate, and no more than a few while others are
// under way. It returns the error of Check or ErrUnconfirmed, having changed nothing;
// ErrDying or ErrStalled where it gave up; the context's error where it was cut off; and
// the report of all that it did. tell, not concurrently, is told after each step.
func (s *Service) ReplayPaced(ctx context.Context, p Paced, tell func(PacedReport)) (PacedReport, error) {
	if err := p.Check(); err != nil {
		return PacedReport{}, err
	}
	if !p.Confirmed {
		return PacedReport{}, ErrUnconfirmed
	}
	now := s.Now()
	run := paced{
		Service: s, asked: p, rest: slices.Clone(p.Events), at: now, moved: now, credit: 1, noticed: tell,
		report: PacedReport{Total: len(p.Events)},
	}
	for {
		ended, err := run.step(ctx)
		run.noticed(run.report)
		if ended || err != nil {
			return run.report, err
		}
		s.Sleep(ctx, pacedTick)
		if err := ctx.Err(); err != nil {
			return run.report, err
		}
	}
}

// step looks at what is under way, and lets more go.
func (p *paced) step(ctx context.Context) (ended bool, err error) {
	now := p.Now()
	// What a long tick would have let go does not go at once afterwards.
	p.credit = min(p.credit+p.asked.Rate*now.Sub(p.at).Seconds(), max(1, p.asked.Rate*pacedTick.Seconds()))
	p.at = now
	if p.report.Unread = p.look(ctx); p.report.Unread == nil {
		p.send(ctx)
	}
	p.report.UnderWay = len(p.open)
	quiet := p.Now().Sub(p.moved)
	switch {
	case p.report.Died >= maxDeaths:
		return true, ErrDying
	case len(p.rest) == 0 && (len(p.open) == 0 || quiet >= lastEnds):
		return true, nil
	case quiet >= stalledAfter:
		return true, errors.Join(ErrStalled, p.report.Unread)
	}
	return false, nil
}

// look counts those that have ended.
func (p *paced) look(ctx context.Context) error {
	if len(p.open) == 0 {
		return nil
	}
	found, err := p.Events.GetMany(ctx, p.open)
	if err != nil {
		return err
	}
	p.open = slices.DeleteFunc(p.open, func(id webhook.EventID) bool {
		r, there := found[id]
		switch {
		case !there || r.State == webhook.Delivered:
			p.report.Delivered++ // one that is gone has expired since
		case r.State == webhook.Unrouted:
			p.report.Unrouted++
		case r.Finished():
			p.report.Died++
			p.fail(Result{Seen: r, Now: r, Outcome: Done})
		default:
			return false
		}
		p.moved = p.Now()
		return true
	})
	return nil
}

// send lets as many go as the rate and those under way allow.
func (p *paced) send(ctx context.Context) {
	room := maxUnderWay - len(p.open)
	n := min(int(p.credit), room, len(p.rest))
	p.report.Waiting = room <= 0 && len(p.rest) > 0
	if n <= 0 || p.report.Died >= maxDeaths {
		return
	}
	// What Do reports as untried is not: its context has ended, and the caller stops.
	report, err := p.Do(ctx, Request{Move: Replay, Events: p.rest[:n], Again: p.asked.Again, Confirmed: true})
	if err != nil {
		return
	}
	p.credit, p.moved = p.credit-float64(n), p.Now()
	p.rest = p.rest[len(report.Results):]
	p.report.Unsent += report.Unsent()
	for _, r := range report.Results {
		switch r.Outcome {
		case Done:
			p.report.Sent++
			p.open = append(p.open, r.Seen.ID)
		case UnderWay:
			p.report.Left++
		case Changed:
			p.report.Changed++
		case Unfit, Missing, Unclear, Failed:
			p.report.Failed++
			p.fail(r)
		}
	}
}

func (p *paced) fail(r Result) {
	if len(p.report.Failures) < maxFailures {
		p.report.Failures = append(p.report.Failures, r)
	}
}
