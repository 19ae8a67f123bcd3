package process

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// fresh is how long after its receipt an event comes in its turn, so that nobody
// has to ask what was delivered meanwhile.
const fresh = time.Minute

// superseded tells whether an event that sets a state is delivered after a newer
// one was, so that a CRM need not turn back. An event that is delivered at once,
// at the first attempt, costs no question. Where the ledger does not answer, the
// attempt fails: once delivered unmarked, it could not be taken back.
func (s *Service) superseded(ctx context.Context, rec webhook.Record) (bool, *webhook.Outcome) {
	inTurn := rec.LeaseNumber == 1 && s.Now().Sub(rec.ReceivedAt) < fresh
	if inTurn || !rec.Type.SetsState() || slices.Contains(rec.Flags, webhook.FlagSuperseded) {
		return false, nil
	}
	late, err := s.Ledger.Superseded(ctx, rec)
	if err != nil {
		return false, &webhook.Outcome{
			Result: webhook.ResultRetry, ErrorClass: "order_unreadable", Error: "what was delivered since could not be read",
		}
	}
	return late, nil
}

// deliver makes one attempt, side by side, at every destination whose turn it is.
// Each settles on its own: a failing one never repeats a successful one, and a slow
// one holds up nobody. late marks the event as superseded; failure is the outcome of
// every attempt where nothing may be sent.
func (s *Service) deliver(ctx context.Context, lease webhook.Lease, destinations map[string]webhook.Destination, late bool, failure *webhook.Outcome) []webhook.Attempt {
	open := s.open(lease.Record.Destinations)
	if len(open) == 0 {
		return nil
	}
	ctx, cancel := leaveTime(ctx)
	defer cancel()
	if lease.Record.Payload.Ref != "" {
		defer s.takePlace(ctx)()
	}
	event, broken := s.event(ctx, lease)
	if late {
		event.Flags = append(event.Flags, webhook.FlagSuperseded)
	}
	if failure == nil {
		failure = broken
	}
	attempts := make([]webhook.Attempt, len(open))
	try := func(i int) {
		started := s.Now()
		outcome := webhook.Outcome{}
		dest, configured := destinations[open[i].Name]
		switch {
		case failure != nil:
			outcome = *failure
		case !configured:
			outcome.Result = webhook.ResultRemoved
		default:
			outcome = dest.Deliver(ctx, webhook.Delivery{
				Event: event, IdempotencyKey: lease.Record.IdempotencyKey(),
				Turn: open[i].Waiting == webhook.WaitTurn, Waits: open[i].Waits, Repeat: lease.Record.MayHave(open[i].Name),
			})
		}
		attempts[i] = webhook.Attempt{
			Number: lease.Number, Generation: lease.Record.Generation, Destination: open[i].Name,
			Result: outcome.Result, Status: outcome.Status, ErrorClass: outcome.ErrorClass, Error: outcome.Error,
			RetryAfter: outcome.RetryAfter, StartedAt: started, Duration: s.Now().Sub(started),
		}
	}
	var others sync.WaitGroup
	for i := range open[1:] {
		others.Go(func() { try(i + 1) })
	}
	try(0)
	others.Wait()
	return attempts
}

// settleTime is kept back of an invocation, so that a slow destination ends as a
// failed attempt and not as an abandoned lease.
const settleTime = 5 * time.Second

func leaveTime(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-settleTime))
	}
	return context.WithCancel(ctx)
}

// takePlace waits for a place among the large events, and returns what gives it back.
// Where ctx ends first there is none, and the body cannot be read any more.
func (s *Service) takePlace(ctx context.Context) func() {
	select {
	case s.large <- struct{}{}:
		return func() { <-s.large }
	case <-ctx.Done():
		return func() {}
	}
}

// open lists the destinations that still want an attempt, and whose turn it is. One
// that failed for good waits for a revival. (TRY of docs/model/ledger.pml.)
func (s *Service) open(list []webhook.Progress) []webhook.Progress {
	now := s.Now()
	var open []webhook.Progress
	for _, p := range list {
		if s.retryable(p) && !p.NextAt.After(now) {
			open = append(open, p)
		}
	}
	return open
}

func (s *Service) retryable(p webhook.Progress) bool {
	return !p.Result.Settled() && p.Result != webhook.ResultPermanent && p.Attempts < s.policy.MaxAttempts
}

// event returns what the destinations receive: the stored body, normalized anew,
// under the identity and with the facts that the ledger keeps. A body that cannot
// be had is a failed attempt.
func (s *Service) event(ctx context.Context, lease webhook.Lease) (webhook.Event, *webhook.Outcome) {
	rec := lease.Record
	body, err := s.Bodies.Load(ctx, rec.Payload)
	if err != nil {
		outcome := webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "body_unreadable", Error: "the stored body could not be read"}
		if errors.Is(err, webhook.ErrNotFound) {
			outcome = webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: "body_gone", Error: "the stored body is gone"}
		}
		return webhook.Event{}, &outcome
	}
	ev, err := s.Normalize(body, rec.Account)
	if err != nil {
		return webhook.Event{}, &webhook.Outcome{
			Result: webhook.ResultPermanent, ErrorClass: "body_unparsable", Error: "the stored body cannot be parsed",
		}
	}
	return rec.Complete(ev, lease.Number), nil
}
