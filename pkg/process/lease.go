package process

import (
	"context"
	"errors"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// leaseMargin is how long a lease outlives its invocation: a holder that the
// platform stopped can no longer write when the next one may lease.
const leaseMargin = 5 * time.Second

// lease takes the right to process the event, or says why there is nothing to
// do. A message that is early, meets a live lease or a finished event is done
// with: the ledger's due time brings the event back. (W1 of
// docs/model/ledger.pml.)
func (s *Service) lease(ctx context.Context, id webhook.EventID, m webhook.Message) (webhook.Lease, Report, bool) {
	report := Report{EventID: id}
	destinations, err := s.Destinations.Destinations(ctx)
	if err != nil {
		report.Outcome, report.Retry, report.Err = "destinations_unreadable", true, err
		return webhook.Lease{}, report, false
	}
	names := make([]string, 0, len(destinations))
	for name := range destinations {
		names = append(names, name)
	}
	slices.Sort(names)

	now := s.Now()
	until := now.Add(s.policy.Lease)
	if deadline, ok := ctx.Deadline(); ok {
		until = now.Add(time.Until(deadline) + leaseMargin)
	}
	req := webhook.LeaseRequest{
		ID: id, Nonce: s.Nonce(), Now: now, Until: until, DueAt: until.Add(s.policy.Grace),
		Destinations: names, MaxAbandoned: s.policy.MaxAbandoned,
	}
	if m.Kind == webhook.KindDeadLetter {
		req.Death = m.DeadLetter.Death
	}
	lease, err := s.Ledger.Lease(ctx, req)
	if err == nil {
		return lease, report, true
	}
	return webhook.Lease{}, s.notLeased(ctx, report, err), false
}

func (s *Service) notLeased(ctx context.Context, report Report, err error) Report {
	refused, isRefused := errors.AsType[*webhook.NotLeasable](err)
	switch {
	case errors.Is(err, webhook.ErrNotFound):
		// Ledger first: an event without an item has expired, or never was ours.
		report.Outcome = "not_in_ledger"
	case !isRefused:
		report.Outcome, report.Retry, report.Err = "lease_failed", true, err
	default:
		rec := refused.Record
		report.Source, report.Type, report.Lane = rec.Source, rec.Type, rec.Lane
		report.Outcome = string(refused.Reason)
		if refused.Reason == webhook.LeaseRefusedSpent {
			report.Outcome, report.Attempt = "dead", rec.LeaseNumber
			report.Err = s.sendDeadLetter(ctx, rec, rec.DueAt)
		}
	}
	return report
}
