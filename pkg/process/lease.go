package process

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// leaseMargin is how long a lease outlives its invocation: a holder that the
// platform stopped can no longer write when the next one may lease.
const leaseMargin = 5 * time.Second

// dueMargin is how long behind the end of a lease an event is due at least. It is
// more than the clocks of two functions differ.
const dueMargin = 5 * time.Second

// lease takes the right to process the event, or says why there is nothing to
// do. A message that is early, meets a live lease or a finished event is done
// with: the ledger's due time brings the event back. The first lease fixes the
// names of the destinations. The first receipt of the receiver's own message of a
// claim needs no lease, where nobody else can have taken the event up. (W0, W1 of
// docs/model/ledger.pml.)
func (s *Service) lease(ctx context.Context, id webhook.EventID, m webhook.Message, destinations map[string]webhook.Destination) (webhook.Lease, Report, bool) {
	now := s.Now()
	until := now.Add(s.policy.Lease)
	if deadline, ok := ctx.Deadline(); ok {
		until = now.Add(time.Until(deadline) + leaseMargin)
	}
	req := webhook.LeaseRequest{
		ID: id, Nonce: s.Nonce(), Now: now, Until: until, DueAt: until.Add(s.policy.Grace), KeepDue: until.Add(dueMargin),
		Destinations: slices.Sorted(maps.Keys(destinations)), MaxAbandoned: s.policy.MaxAbandoned,
	}
	if m.Kind == webhook.KindDeadLetter {
		req.Death = m.DeadLetter.Death
	}
	if isFirst(m) {
		lease, ok, err := s.Ledger.FirstAttempt(ctx, req)
		if err != nil {
			return webhook.Lease{}, s.notLeased(ctx, id, m, err), false
		}
		if ok {
			return lease, Report{}, true
		}
	}
	req.FirstAbandoned = m.First && m.Receives > 1
	lease, err := s.Ledger.Lease(ctx, req)
	if err != nil {
		return webhook.Lease{}, s.notLeased(ctx, id, m, err), false
	}
	return lease, Report{}, true
}

// notLeased reports a lease that was refused. One whose abandoned leases were
// used up has been written dead in its place, and owes its dead letter. Nothing was
// delivered, so the message comes back soon; where the lease was written and only its
// answer lost, it is done with then, and the due time of that lease brings the event back.
func (s *Service) notLeased(ctx context.Context, id webhook.EventID, m webhook.Message, err error) Report {
	if errors.Is(err, webhook.ErrNotFound) {
		return Report{EventID: id, Outcome: NotInLedger}
	}
	refused, ok := errors.AsType[*webhook.NotLeasable](err)
	if !ok {
		return Report{EventID: id, Outcome: LeaseFailed, Retry: true, RetryIn: comeBack(m.Receives, s.Random), Err: err}
	}
	rec := refused.Record
	report := Report{EventID: id, Source: rec.Source, Type: rec.Type, Outcome: Outcome(refused.Reason)}
	if refused.Reason == webhook.LeaseRefusedSpent {
		report.Outcome, report.Attempt = Dead, rec.LeaseNumber
		report.Err = s.sendDeadLetter(ctx, rec, rec.DueAt)
	}
	return report
}
