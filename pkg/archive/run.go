package archive

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"smartlead-receiver/pkg/turn"
	"smartlead-receiver/pkg/webhook"
)

// Summary is what one run did.
type Summary struct {
	Waits      string // why nothing was done, though something is to be; "" otherwise
	Worked     bool   // there was something to look at
	Periods    int    // hours with events that were looked at
	Objects    int    // written
	Events     int
	Late       int // of those: found by a later look
	Bytes      int64
	Unreadable int           // events that this version cannot read
	Until      time.Time     // what was received before it is archived
	Behind     time.Duration // how far that is behind the hours that are closed
	Age        time.Duration // for how long the archive has lacked one of them
	Err        error
}

// Run archives what is closed, and ends in time before its context. What it began and did
// not end, the next run goes on with.
func (s *Service) Run(ctx context.Context) (sum Summary) {
	st, err := Standing(ctx, s.Documents)
	if err != nil {
		sum.Err = err
		return sum
	}
	now := s.Now().UTC().Truncate(time.Millisecond)
	s.begin(&st, now)
	s.stands(&sum, st, now)
	if _, _, ok := s.next(st, now); !ok {
		return sum
	}
	if st.HeldUntil.After(now) {
		sum.Waits = "another run is at work"
		return sum
	}
	until := now.Add(s.policy.Lease)
	if deadline, ok := ctx.Deadline(); ok {
		until = now.Add(time.Until(deadline) + s.policy.Margin)
	}
	switch err := standing(s.Documents).Take(ctx, &st, s.Nonce(), until, now); {
	case errors.Is(err, webhook.ErrChanged):
		sum.Waits = "another run began"
		return sum
	case err != nil:
		sum.Err = err
		return sum
	}
	r := &run{Service: s, st: st, sum: &sum}
	r.work(ctx)
	return sum
}

// begin sets up what is not: the first run, another place, or other looks.
func (s *Service) begin(st *State, now time.Time) {
	if at := s.Objects.Place(); st.Place != at {
		if st.Place.Bucket != "" {
			st.Places = append(st.Places, st.Place)
		}
		st.Place, st.Looks = at, nil
	}
	if len(st.Looks) == 0 {
		st.OnSince, st.Began = now, now.Add(-s.policy.Back).Truncate(s.policy.Every)
	}
	for len(st.Looks) < len(s.policy.Looks) {
		st.Looks = append(st.Looks, Look{Until: st.Began})
	}
	if !st.Asked.IsZero() {
		// What is left of an earlier request is part of it.
		st.Again = st.Again.with(Span{Since: st.Asked.Truncate(s.policy.Every), Until: st.ArchivedUntil()})
		st.Asked = time.Time{}
	}
}

// again is the number of the look that an operator asked for.
const again = -1

// next is which look has something to do, and up to when. The first look is before the
// others, so that what is late never keeps what is new.
func (s *Service) next(st State, now time.Time) (look int, until time.Time, ok bool) {
	for i := range s.policy.Looks {
		if until := s.policy.closed(i, now); st.Looks[i].Until.Before(until) {
			return i, until, true
		}
		if i == 0 && st.Again.Since.Before(st.Again.Until) {
			return again, st.Again.Until, true
		}
	}
	return 0, time.Time{}, false
}

// run is the work of one invocation, under its lease.
type run struct {
	*Service

	st  State
	sum *Summary
}

// lastWrite bounds the write that gives the lease back.
const lastWrite = 5 * time.Second

// maxCause bounds a cause, in bytes.
const maxCause = 500

func (r *run) work(ctx context.Context) {
	r.sum.Worked = true
	err := r.through(ctx)
	if errors.Is(err, errTime) {
		err = nil
	}
	if !errors.Is(err, turn.ErrLost) {
		r.because(err)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
		err = errors.Join(err, standing(r.Documents).Release(last, &r.st, r.Now))
		cancel()
	}
	if errors.Is(err, turn.ErrLost) {
		r.sum.Waits, err = turn.ErrLost.Error(), nil
	}
	r.stands(r.sum, r.st, r.Now())
	r.sum.Err = err
}

// stands notes where the archive stands.
func (s *Service) stands(sum *Summary, st State, now time.Time) {
	sum.Until, sum.Behind, sum.Age = st.ArchivedUntil(), s.policy.Behind(st, now), s.policy.Age(st, now)
}

func (r *run) because(err error) {
	if err == nil {
		r.st.Cause, r.st.CauseSince = "", time.Time{}
		return
	}
	if r.st.Cause == "" {
		r.st.CauseSince = r.Now().UTC()
	}
	r.st.Cause = clip(err.Error(), maxCause)
}

// errTime: the invocation is over soon.
var errTime = errors.New("the time is over")

// timeFor tells whether there is time to begin something.
func (r *run) timeFor(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) > r.policy.Margin)
}

// through looks at one hour after the other, until nothing is left or the time is over.
func (r *run) through(ctx context.Context) error {
	for {
		look, until, ok := r.next(r.st, r.Now())
		if !ok {
			r.st.UpToDateAt = r.Now().UTC()
			return nil
		}
		if !r.timeFor(ctx) {
			return errTime
		}
		since, before := r.since(look), r.sum.Unreadable
		done, err := r.hour(ctx, since, until, look != 0)
		if err != nil {
			return err
		}
		if r.sum.Unreadable == before {
			r.st.couldRead(Span{Since: since, Until: done})
		}
		r.move(look, done)
		if err := r.save(ctx); err != nil {
			return err
		}
	}
}

func (r *run) since(look int) time.Time {
	if look == again {
		return r.st.Again.Since
	}
	return r.st.Looks[look].Until
}

func (r *run) move(look int, done time.Time) {
	switch {
	case look != again:
		r.st.Looks[look].Until = done
	case done.Before(r.st.Again.Until):
		r.st.Again.Since = done
	default:
		r.st.Again = Span{}
	}
}

// save writes the state; it returns turn.ErrLost where another run took over.
func (r *run) save(ctx context.Context) error {
	return standing(r.Documents).Hold(ctx, &r.st, r.Now)
}

// clip cuts a text to at most n bytes, at a character.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
