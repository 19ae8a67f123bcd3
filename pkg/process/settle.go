package process

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// decide says how the attempt ends; it is the only place that does. When every
// destination is settled the event is delivered if one of them has it, else
// unrouted; it is pending while one that is not settled may be retried, until the first
// of these has its turn, and dead when none of those may.
func (s *Service) decide(lease webhook.Lease, attempts []webhook.Attempt) webhook.Settlement {
	now := s.Now()
	progress := slices.Clone(lease.Record.Destinations)
	st := webhook.Settlement{At: now, Destinations: progress}
	var worst webhook.Attempt
	for _, a := range attempts {
		for i := range progress {
			if progress[i].Name == a.Destination {
				progress[i] = s.after(progress[i], a, now)
			}
		}
		if a.Result == webhook.ResultWaiting {
			continue
		}
		st.Attempts = append(st.Attempts, a)
		if !a.Result.Settled() {
			worst = a
		}
	}
	if worst.Destination == "" {
		worst = lastFailure(lease.Record.History, progress)
	}
	st.ErrorClass, st.Error = worst.ErrorClass, worst.Error
	if worst.Destination != "" {
		st.Error = worst.Destination + ": " + worst.Error
	}
	next, retryable := s.next(progress)
	lacks := func(p webhook.Progress) bool { return !p.Result.Settled() }
	switch {
	case retryable:
		st.State = webhook.Pending
		st.NotBefore = next
		st.DueAt = st.NotBefore.Add(s.policy.Grace)
	case slices.ContainsFunc(progress, lacks):
		st.State = webhook.Dead
		st.DueAt = now.Add(s.policy.Grace)
	default:
		st.State, st.ErrorClass, st.Error = settled(progress)
		st.ExpiresAt = now.Add(lease.Record.Keep(s.policy.Retention))
	}
	return st
}

// next is when the first of the destinations that may be retried has its turn; false:
// there is none.
func (s *Service) next(list []webhook.Progress) (time.Time, bool) {
	var first time.Time
	found := false
	for _, p := range list {
		if s.retryable(p) && (!found || p.NextAt.Before(first)) {
			first, found = p.NextAt, true
		}
	}
	if now := s.Now(); first.Before(now) {
		first = now // its turn came while others were tried
	}
	return first, found
}

// lastFailure is the latest failed attempt at a destination that still lacks the event;
// zero where there is none. An event can die in an attempt that ends well: one
// destination refused it for good before, and those that were tried again have it now.
func lastFailure(history []webhook.Attempt, progress []webhook.Progress) webhook.Attempt {
	for _, a := range slices.Backward(history) {
		lacks := func(p webhook.Progress) bool { return p.Name == a.Destination && !p.Result.Settled() }
		if !a.Result.Settled() && slices.ContainsFunc(progress, lacks) {
			return a
		}
	}
	return webhook.Attempt{}
}

// settled is how an event ends whose destinations are all settled. One that waited
// for a destination which was removed is told apart from one that no filter wants:
// nobody may have meant it to reach nobody.
func settled(progress []webhook.Progress) (state webhook.State, class, text string) {
	var removed []string
	for _, p := range progress {
		switch p.Result {
		case webhook.ResultDelivered:
			return webhook.Delivered, "", ""
		case webhook.ResultRemoved:
			removed = append(removed, p.Name)
		case webhook.ResultUnrouted, webhook.ResultRetry, webhook.ResultPermanent, webhook.ResultAbandoned, webhook.ResultWaiting:
		}
	}
	if len(removed) > 0 {
		return webhook.Unrouted, webhook.ClassDestinationRemoved, "removed before it was delivered there: " + strings.Join(removed, ", ")
	}
	return webhook.Unrouted, "", ""
}

// MaxPostponed and MaxPostponedFor bound the attempts of one destination, since the
// event was last revived, that may end with its asking to come again later and use up
// nothing of the budget. Beyond either, each such attempt counts like another.
const (
	MaxPostponed    = 40
	MaxPostponedFor = 72 * time.Hour
)

// after is how far a destination is after an attempt, or after a wait, which counts
// for nothing.
func (s *Service) after(p webhook.Progress, a webhook.Attempt, now time.Time) webhook.Progress {
	if a.Result == webhook.ResultWaiting {
		p.Waits++
		p.Waiting, p.NextAt = a.ErrorClass, now.Add(a.RetryAfter).Truncate(time.Millisecond)
		return p
	}
	a.RetryAfter = min(a.RetryAfter, s.policy.MaxRetryAfter)
	p = charge(p, a)
	if s.retryable(p) {
		wait := backoff(max(1, p.Attempts), s.policy.RetryBase, s.policy.RetryMax, a.RetryAfter, s.Random)
		p.NextAt = now.Add(wait).Truncate(time.Millisecond) // as the ledger's own times
	}
	return p
}

// charge notes an attempt down where it counts.
func charge(p webhook.Progress, a webhook.Attempt) webhook.Progress {
	p.Result, p.NextAt, p.Waiting = a.Result, time.Time{}, ""
	if a.Postponed() && p.Postponed < MaxPostponed && p.PostponedFor < MaxPostponedFor {
		p.Postponed++
		p.PostponedFor += a.RetryAfter
		return p
	}
	p.Attempts++
	return p
}

// settle writes the end of the attempt, and sends the dead letter of a dead event:
// the ledger first, so that a dead letter never arrives before its event is dead.
// (W4 of docs/model/ledger.pml.)
func (s *Service) settle(ctx context.Context, lease webhook.Lease, st webhook.Settlement) Report {
	rec := lease.Record
	report := Report{
		EventID: rec.ID, Source: rec.Source, Type: rec.Type,
		Attempt: lease.Number, Attempts: st.Attempts,
	}
	switch err := s.Ledger.Settle(ctx, lease, st); {
	case errors.Is(err, webhook.ErrLeaseLost):
		report.Outcome, report.Err = LeaseLost, err
		return report
	case err != nil:
		// The effect is unknown. The message comes back after its visibility
		// timeout, and the due time stands in either case.
		report.Outcome, report.Retry, report.Err = SettleFailed, true, err
		return report
	}
	switch st.State {
	case webhook.Delivered, webhook.Unrouted:
		report.Outcome = Outcome(st.State)
		report.Latency = st.At.Sub(rec.ReceivedAt)
		// A mark that was not set costs storage, nothing else.
		report.Err = s.expire(ctx, rec)
	case webhook.Pending:
		report.Outcome, report.NextAt = Retry, st.NotBefore
		if len(st.Attempts) == 0 {
			report.Outcome = Waiting
		}
		if wait := st.NotBefore.Sub(st.At); wait <= webhook.LongestInQueue {
			report.Retry, report.RetryIn = true, wait
		}
	case webhook.Dead:
		report.Outcome, report.Cause = Dead, st.ErrorClass
		rec.State, rec.Death, rec.ErrorClass, rec.Error, rec.DiedAt = webhook.Dead, lease.Number, st.ErrorClass, st.Error, st.At
		report.Err = s.sendDeadLetter(ctx, rec, st.DueAt)
	case webhook.Processing, webhook.Held, webhook.Parked, webhook.Discarded:
		// The ledger lets no attempt end so.
	}
	return report
}

// sendDeadLetter puts the dead letter of this death into the dead letter queue and
// then clears what the event owes. Where either fails the sweeper sends a second
// dead letter with the same number, which is harmless. (W5 of
// docs/model/ledger.pml.)
func (s *Service) sendDeadLetter(ctx context.Context, rec webhook.Record, dueAt time.Time) error {
	if err := s.putDeadLetter(ctx, rec); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	err := s.Ledger.ConfirmDeadLetter(ctx, rec.ID, rec.Death, dueAt)
	if errors.Is(err, webhook.ErrChanged) {
		return nil // the dead letter was faster than this note: the event is at work again
	}
	return err
}

// putDeadLetter waits for the queue no longer than for the ledger.
func (s *Service) putDeadLetter(ctx context.Context, rec webhook.Record) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return s.DeadLetters.SendDeadLetters(ctx, []webhook.Message{webhook.NewDeadLetter(rec)})[0]
}

// expire waits for the store of bodies no longer than for the ledger.
func (s *Service) expire(ctx context.Context, rec webhook.Record) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return s.Bodies.Expire(ctx, rec.Payload, rec.Retention)
}
