package redrive

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Summary is what one run of the function did.
type Summary struct {
	JobID       string
	State       State
	Reason      string
	Ticks       int
	Counts      Counts
	DeadLetters DeadLetterCounts
	Err         error
}

// holdTicks is how long a run holds the job after its latest tick began: more
// than a tick takes where a store is slow.
const holdTicks = 7

// runMargin is kept back of an invocation for the last write.
const runMargin = 5 * time.Second

// Run works on the active job, tick by tick, until it is over or the context
// is about to end; another run goes on from there. Only one run holds the job
// at a time. Without an active job it looks after the dead letters, for as long as
// it finds some that may go.
func (s *Service) Run(ctx context.Context) Summary {
	var sum Summary
	holder := s.Nonce()
	seen := recorder{Service: s}
	for {
		began, gone := s.Now(), sum.DeadLetters.gone()
		ended, err := s.step(ctx, holder, &sum, &seen)
		if err != nil {
			sum.Err = err
			return sum
		}
		if ended {
			for !sum.State.Active() && sum.DeadLetters.gone() > gone && s.timeFor(ctx, runMargin) {
				gone = sum.DeadLetters.gone()
				s.clearDeadLetters(ctx, &sum)
			}
			return sum
		}
		if !s.timeFor(ctx, s.policy.Tick+runMargin) {
			sum.Err = errors.Join(sum.Err, s.releaseHold(ctx, holder))
			return sum
		}
		s.Sleep(ctx, max(0, s.policy.Tick-s.Now().Sub(began)))
	}
}

// releaseHold ends the hold of a run whose time is over, so that the next one goes on
// at once. A run that crashes holds the job a little longer. (Time of
// docs/model/redrive.pml.)
func (s *Service) releaseHold(ctx context.Context, holder string) error {
	j, err := s.Status(ctx)
	if err != nil || j.Holder != holder || j.State.Final() {
		return err
	}
	j.Holder, j.HeldUntil = "", time.Time{}
	if err := s.save(ctx, &j); !errors.Is(err, webhook.ErrChanged) { // an operator was faster: the hold passes by itself
		return err
	}
	return nil
}

func (s *Service) timeFor(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > d)
}

// step is one tick: take the job, see what became of what was released, decide
// on the pace, release, note it down. (Run of docs/model/redrive.pml.)
func (s *Service) step(ctx context.Context, holder string, sum *Summary, seen *recorder) (ended bool, err error) {
	s.clearDeadLetters(ctx, sum)
	j, err := s.Status(ctx)
	if errors.Is(err, ErrNoJob) {
		return true, nil
	}
	if err != nil {
		return true, err
	}
	now := s.Now().UTC()
	sum.JobID, sum.State, sum.Reason, sum.Counts = j.ID, j.State, j.Reason, j.Counts
	if !j.State.Active() || (j.Holder != holder && j.HeldUntil.After(now)) {
		return true, nil
	}
	j.Holder, j.HeldUntil = holder, now.Add(holdTicks*s.policy.Tick)
	sum.Ticks++

	watched, err := s.watch(ctx, &j)
	if err != nil {
		return true, err
	}
	s.decide(&j, watched)
	// The job is written before anything is released: a run that lost the job
	// (paused, cancelled, another holder) releases nothing.
	if err := s.save(ctx, &j); err != nil {
		return s.lostJob(err)
	}
	if j.State == Running {
		if err := s.release(ctx, &j); err != nil {
			return true, err
		}
		if err := s.save(ctx, &j); err != nil {
			return s.lostJob(err)
		}
	}
	sum.State, sum.Reason, sum.Counts = j.State, j.Reason, j.Counts
	if err := seen.note(ctx, j, watched); err != nil { // it is for the eye: the job goes on
		sum.Err = err
	}
	return !j.State.Active(), nil
}

// clearDeadLetters looks after some dead letters. They inform: whatever fails here, the
// job goes on.
func (s *Service) clearDeadLetters(ctx context.Context, sum *Summary) {
	if s.DeadLetters == nil {
		return
	}
	counts, err := s.DeadLetters.Clear(ctx)
	sum.DeadLetters.add(counts)
	if err != nil {
		sum.Err = err
	}
}

// lostJob: somebody else wrote the job. What this run released is in the
// ledger, due and counted there; the job's own counts miss it.
func (s *Service) lostJob(err error) (bool, error) {
	if errors.Is(err, webhook.ErrChanged) {
		return false, nil
	}
	return true, err
}

// decide lets the pace speak, and ends a job that has nothing left to do.
func (s *Service) decide(j *Job, o Observation) {
	set := s.settings(j.Request, j.Counts.Planned)
	var reason string
	if j.Pace, reason = set.Next(j.Pace, o); reason == "" {
		reason = j.Reason
	}
	switch {
	case j.Exhausted && len(j.Watched) == 0:
		j.note(o.At, Done, "done: "+j.Counts.ends())
	case j.Exhausted && o.At.Sub(j.LastOut) > s.policy.Watch:
		j.note(o.At, Done, fmt.Sprintf("done: %s, %d still retrying by themselves",
			j.Counts.ends(), len(j.Watched)))
	case j.Pace.Phase == Halt:
		j.note(o.At, Stopped, reason)
	case j.Pace.Phase == Hold:
		j.note(o.At, Holding, reason)
	default:
		j.note(o.At, Running, reason)
	}
}

// deadPage is how many dead events one read of a release asks for.
const deadPage = 200

// release brings back as many events as the pace allows for one tick. Events
// that die from now on are not this job's: the cut-off is its start. (rel of
// docs/model/redrive.pml.)
func (s *Service) release(ctx context.Context, j *Job) error {
	budget := int(j.Pace.Rate*s.policy.Tick.Seconds() + 0.5)
	if j.Pace.Phase == Canary {
		budget = min(budget, s.settings(j.Request, j.Counts.Planned).Canary-j.Pace.Released)
	}
	budget = min(budget, s.policy.MaxInFlight-len(j.Watched))
	if j.Pace.Backlogged {
		return nil
	}
	page := deadPage // a filter may pass over most of them
	if j.Request.Filter.empty() {
		page = min(budget, deadPage)
	}
	began, end := j.Counts.Released, s.Now().Add(s.policy.Tick)
	for budget > 0 && !j.Exhausted && s.Now().Before(end) {
		records, keys, next, err := s.DeadEvents.Dead(ctx, j.StartedAt, j.Cursor, page)
		if err != nil {
			return err
		}
		before := j.Cursor
		wanted, last := s.choose(ctx, j, records, keys, &budget)
		if answered := s.revive(ctx, j, wanted, j.Counts.Released-began); !answered {
			// What the store did not answer is not passed over: the next tick looks
			// again from here; what took effect is dead no more.
			j.Cursor = before
			return nil
		}
		switch {
		case j.Request.Limit > 0 && j.Counts.Released >= j.Request.Limit:
			j.Exhausted = true
		case last < len(keys): // the budget ended within the page
		case next == "":
			j.Exhausted = true
		default:
			j.Cursor = next
		}
	}
	return nil
}

// choose filters a page and parks what was redriven too often. It returns how
// far into the page it came, and moves the cursor there.
func (s *Service) choose(ctx context.Context, j *Job, records []webhook.Record, keys []string, budget *int) (wanted []webhook.Record, n int) {
	now := s.Now()
	for i, rec := range records {
		full := j.Request.Limit > 0 && j.Counts.Released+len(wanted) >= j.Request.Limit
		if *budget == 0 || full {
			return wanted, i
		}
		j.Cursor = keys[i]
		switch {
		case !j.Request.Filter.match(rec.DeadSummary(), now):
		case rec.Redrives >= s.policy.ParkAfter:
			if s.Ledger.Park(ctx, rec.ID, rec.Death, now) == nil {
				j.Counts.Parked++
			}
		default:
			wanted = append(wanted, rec)
			*budget--
		}
	}
	return wanted, len(records)
}

// revivers bounds the conditional writes under way at once.
const revivers = 16

// revive moves events from dead to pending on the replay lane, due, and then
// tells the worker. A refused send loses nothing: the sweeper sends what is
// due. The queue keeps each message back for its place in the tick, so that the
// destination sees an even pace and no burst, and the due time is as much later,
// or the sweeper would not wait for it; before are those that went ahead in this
// tick. It tells whether the store answered for every one.
func (s *Service) revive(ctx context.Context, j *Job, records []webhook.Record, before int) (answered bool) {
	answered = true
	revived, silent := make([]*webhook.Record, len(records)), make([]bool, len(records))
	gate := make(chan struct{}, revivers)
	var wg sync.WaitGroup
	now := s.Now()
	place := func(i int) time.Duration {
		return time.Duration(float64(before+i) / j.Pace.Rate * float64(time.Second))
	}
	for i, rec := range records {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			got, err := s.Ledger.Revive(ctx, webhook.Revival{
				ID: rec.ID, Lane: webhook.Replay, At: now, DueAt: now.Add(place(i) + s.policy.Grace),
				Death: rec.Death, Redrive: true, Nonce: s.Nonce(),
			})
			if err == nil {
				revived[i] = &got
			}
			silent[i] = errors.Is(err, webhook.ErrUnavailable)
		})
	}
	wg.Wait()
	var msgs []webhook.Message
	for i, rec := range revived {
		switch {
		case silent[i]:
			answered = false
			continue
		case rec == nil:
			j.Counts.Moved++
			continue
		}
		msgs = append(msgs, webhook.Message{Kind: webhook.KindEvent, ID: rec.ID, After: place(i)})
		j.Watched = append(j.Watched, inFlight{ID: rec.ID, Seen: rec.LeaseNumber, Postponed: postponedOf(*rec)})
		j.Counts.Released++
		j.Pace.Released++
		j.LastOut = now
	}
	if len(msgs) > 0 {
		s.Queue.Send(ctx, webhook.Replay, msgs)
	}
	return answered
}
