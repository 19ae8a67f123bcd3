package sweep

import (
	"context"
	"errors"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// lookShare is the part of a sweep's time that its looks may take together, so that they
// do not hold up what is due.
const lookShare = 2

// look lists as due what was received some time ago and still owes its first message,
// which no index shows until then (ledger.ClaimReceived). Each look goes on where the
// latest sweep's ended, and passes nothing that it could not list. (Look of
// docs/model/ledger.pml.)
//
// The index by which it finds what was received is eventually consistent. A second look,
// an hour later, finds what came into it after the first.
func (s *Service) look(ctx context.Context, report *Report) {
	looks, err := s.ledger.LoadLooks(ctx, len(s.policy.LookAfter))
	if err != nil {
		report.fail(err, &report.LedgerSilent)
		return
	}
	started, now, before := time.Now(), s.now(), slices.Clone(looks.Keys)
	for i, age := range s.policy.LookAfter {
		within, cancel := s.share(ctx, started, i+1)
		done, err := s.ledger.ListDue(within, looks.Keys[i], now.Add(-age))
		outOfTime := within.Err() != nil
		cancel()
		looks.Keys[i] = done.Next
		report.Looked += done.Events
		report.Listed += done.Listed
		report.Cut = report.Cut || done.Cut || outOfTime
		if err != nil && !outOfTime {
			report.fail(err, &report.LedgerSilent)
		}
	}
	if report.Looked == 0 && !turned(before, looks.Keys) {
		return // nothing came: the next sweep asks for the same, and a little more
	}
	err = s.ledger.SaveLooks(ctx, looks, now)
	if err != nil && !errors.Is(err, webhook.ErrChanged) { // another sweep saved its own
		report.fail(err, &report.LedgerSilent)
	}
}

// share bounds the first n looks to their part of the time that a sweep has.
func (s *Service) share(ctx context.Context, started time.Time, n int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	all := deadline.Sub(started) / lookShare
	return context.WithDeadline(ctx, started.Add(all*time.Duration(n)/time.Duration(len(s.policy.LookAfter))))
}

// turned tells whether a look has come to another day, of which the index has partitions
// of its own.
func turned(before, after []string) bool {
	day := func(key string) string { return key[:min(len(key), len(time.DateOnly))] }
	return !slices.EqualFunc(before, after, func(a, b string) bool { return day(a) == day(b) })
}
