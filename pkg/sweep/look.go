package sweep

import (
	"context"
	"errors"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// lookShare is the part of a sweep's time that its looks may take, so that they do not
// hold up what is due.
const lookShare = 2

// look lists as due what was received some time ago and still owes its first message,
// which no index shows until then (ledger.ClaimReceived). Each look goes on where the
// latest sweep's ended, and passes nothing that it could not list. (Look of
// docs/model/ledger.pml.)
//
// The index by which it finds what was received is eventually consistent. A second look,
// an hour later, finds what came into it after the first.
func (s *Service) look(ctx context.Context, report *Report) {
	if deadline, ok := ctx.Deadline(); ok {
		within, cancel := context.WithTimeout(ctx, time.Until(deadline)/lookShare)
		defer cancel()
		ctx = within
	}
	looks, err := s.ledger.LoadLooks(ctx, len(s.policy.LookAfter))
	if err != nil {
		report.fail(err, &report.LedgerSilent)
		return
	}
	now, looked, before := s.now(), 0, slices.Clone(looks.Keys)
	for i, age := range s.policy.LookAfter {
		done, err := s.ledger.ListDue(ctx, looks.Keys[i], now.Add(-age))
		looks.Keys[i] = done.Next
		looked += done.Events
		report.Listed += done.Listed
		if err != nil {
			report.fail(err, &report.LedgerSilent)
		}
	}
	report.Looked = looked
	if looked == 0 && !turned(before, looks.Keys) {
		return // nothing came: the next sweep asks for the same, and a little more
	}
	err = s.ledger.SaveLooks(ctx, looks, now)
	if err != nil && !errors.Is(err, webhook.ErrChanged) { // another sweep saved its own
		report.fail(err, &report.LedgerSilent)
	}
}

// turned tells whether a look has come to another day, of which the index has partitions
// of its own.
func turned(before, after []string) bool {
	day := func(key string) string { return key[:min(len(key), len(time.DateOnly))] }
	return !slices.EqualFunc(before, after, func(a, b string) bool { return day(a) == day(b) })
}
