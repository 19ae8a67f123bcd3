package operator

import (
	"context"
	"errors"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Outcome is what became of the move of one event.
type Outcome string

const (
	// Done: it is moved.
	Done Outcome = "done"
	// UnderWay: it was left alone, because it is on its way already.
	UnderWay Outcome = "under_way"
	// Unfit: the move is not for an event in its state. Nothing was changed.
	Unfit Outcome = "unfit"
	// Changed: somebody moved it since it was seen. Nothing was changed.
	Changed Outcome = "changed"
	// Missing: there is no such event.
	Missing Outcome = "missing"
	// Unclear: the ledger did not answer. Whether the event was moved must be
	// looked up; one that was moved is due, and the sweeper sends it.
	Unclear Outcome = "unclear"
	// Failed: it could not be tried.
	Failed Outcome = "failed"
)

// Result is what became of one event.
type Result struct {
	Seen    webhook.Record // as the person saw it
	Now     webhook.Record // as it stands after the move; Changed: as somebody else left it; else as seen
	Outcome Outcome
	Err     error // of Changed, Missing, Unclear and Failed

	Unsent   error // why the worker could not be told: the sweeper does it after the grace
	BodyKept error // why the large body of a discarded event was not marked for deletion
}

// Report is what became of a request.
type Report struct {
	Results []Result
	Untried []webhook.Record // left as they were, because the context ended before
}

// Unsent counts the moved events of which the worker could not be told.
func (r Report) Unsent() int {
	n := 0
	for _, one := range r.Results {
		if one.Unsent != nil {
			n++
		}
	}
	return n
}

// Do makes the move of each event by itself: one that cannot be moved keeps no
// other back. It returns the error of Check, or ErrUnconfirmed, before it changed
// anything; else the error is nil and the report says the rest.
func (s *Service) Do(ctx context.Context, req Request) (Report, error) {
	if err := req.Check(); err != nil {
		return Report{}, err
	}
	if req.NeedsConfirmation() && !req.Confirmed {
		return Report{}, ErrUnconfirmed
	}
	var report Report
	for i, seen := range req.Events {
		if ctx.Err() != nil {
			report.Untried = slices.Clone(req.Events[i:])
			break
		}
		report.Results = append(report.Results, s.move(ctx, req, seen))
	}
	s.enqueue(ctx, rules[req.Move].lane, report.Results)
	return report, nil
}

func (s *Service) move(ctx context.Context, req Request, seen webhook.Record) Result {
	r := Result{Seen: seen, Now: seen, Outcome: Done}
	rule := rules[req.Move]
	act := rule.from(seen.State)
	switch {
	case seen.Erased():
		r.Outcome = Unfit
		return r
	case act == nil && rule.leaves && !seen.Finished():
		r.Outcome = UnderWay
		return r
	case act == nil:
		r.Outcome = Unfit
		return r
	}
	if r.Err = act(s, ctx, &r, req.Again); r.Err == nil {
		return r
	}
	r.Now = seen
	switch {
	case errors.Is(r.Err, webhook.ErrChanged):
		r.Outcome = Changed
		if found, err := s.Events.GetMany(ctx, []webhook.EventID{seen.ID}); err == nil {
			r.Now = found[seen.ID]
		}
	case errors.Is(r.Err, webhook.ErrNotFound):
		r.Outcome = Missing
	case errors.Is(r.Err, webhook.ErrUnavailable):
		r.Outcome = Unclear
	default:
		r.Outcome = Failed
	}
	return r
}

// enqueue tells the worker what was moved, after every move: one send carries many.
func (s *Service) enqueue(ctx context.Context, lane webhook.Lane, results []Result) {
	if lane == "" {
		return
	}
	var msgs []webhook.Message
	var moved []*Result
	for i := range results {
		if r := &results[i]; r.Outcome == Done {
			msgs = append(msgs, webhook.Message{Kind: webhook.KindEvent, ID: r.Seen.ID})
			moved = append(moved, r)
		}
	}
	if len(msgs) == 0 {
		return
	}
	for i, err := range s.Queue.Send(ctx, lane, msgs) {
		moved[i].Unsent = err
	}
}

// Await looks this often, and less often at many events: at about 100 a second.
const (
	pollEvery = 500 * time.Millisecond
	pollEach  = 10 * time.Millisecond
)

// Await waits until each event that was moved has ended, the time is up or ctx
// ends, and notes in the report how they stand. It returns how many have not
// ended; they go on by themselves. A look that failed is told to unread, and
// repeated.
func (s *Service) Await(ctx context.Context, r *Report, timeout time.Duration, unread func(error)) (open int) {
	deadline := s.Now().Add(timeout)
	for {
		ids := r.open()
		if len(ids) == 0 || ctx.Err() != nil {
			return len(ids)
		}
		found, err := s.Events.GetMany(ctx, ids)
		if err != nil {
			unread(err)
		}
		for i := range r.Results {
			if rec, ok := found[r.Results[i].Seen.ID]; ok && r.Results[i].Outcome == Done {
				r.Results[i].Now = rec
			}
		}
		if !s.Now().Before(deadline) {
			return len(r.open())
		}
		s.Sleep(ctx, max(pollEvery, time.Duration(len(ids))*pollEach))
	}
}

// open lists what was moved and has not ended.
func (r *Report) open() []webhook.EventID {
	var ids []webhook.EventID
	for _, one := range r.Results {
		if one.Outcome == Done && !one.Now.Finished() {
			ids = append(ids, one.Seen.ID)
		}
	}
	return ids
}
