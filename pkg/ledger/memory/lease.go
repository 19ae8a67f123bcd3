package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// FirstAttempt allows a first attempt at an event that nobody has touched since its
// claim and that nobody will touch before req.KeepDue. It changes nothing.
func (l *Ledger) FirstAttempt(_ context.Context, req webhook.LeaseRequest) (webhook.Lease, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.events[req.ID]
	if !ok {
		return webhook.Lease{}, false, webhook.ErrNotFound
	}
	if e.State != webhook.Pending || e.LeaseNumber > 0 || e.Sweeps > 0 || e.ClaimNonce == "" || !e.dueLate(req) {
		return webhook.Lease{}, false, nil
	}
	rec := e.copy()
	rec.State, rec.LeaseNumber, rec.LeaseNonce, rec.LeaseUntil = webhook.Processing, 1, req.Nonce, ms(req.Until)
	rec.Destinations = opened(req.Destinations)
	return webhook.Lease{Number: 1, Nonce: req.Nonce, Until: rec.LeaseUntil, Record: rec, First: true}, true, nil
}

// Lease takes the right to process an event. It returns *webhook.NotLeasable
// where the event may not be leased, webhook.ErrNotFound where there is none.
func (l *Ledger) Lease(_ context.Context, req webhook.LeaseRequest) (webhook.Lease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.events[req.ID]
	if !ok {
		return webhook.Lease{}, webhook.ErrNotFound
	}
	now := ms(req.Now)
	switch {
	case e.State == webhook.Processing && e.LeaseNonce == req.Nonce:
		return e.lease(), nil // its own lease, whose answer was lost
	case e.State == webhook.Pending && e.NotBefore.After(now):
		return refuse(e, webhook.LeaseRefusedEarly)
	case e.State == webhook.Pending:
		if e.Destinations == nil {
			e.Destinations = opened(req.Destinations)
		}
		if req.FirstAbandoned && e.LeaseNumber == 0 {
			e.Abandoned++
		}
	case e.State == webhook.Processing && !e.LeaseUntil.Before(now):
		return refuse(e, webhook.LeaseRefusedBusy)
	case e.State == webhook.Processing && e.Abandoned >= req.MaxAbandoned:
		e.endAbandoned()
		e.LeaseNonce = ""
		e.die(now, req.DueAt, "abandoned",
			"the worker stopped without reporting an outcome, as on a time-out or out of memory, too often")
		return refuse(e, webhook.LeaseRefusedSpent)
	case e.State == webhook.Processing:
		e.endAbandoned()
		e.Abandoned++
	case e.State == webhook.Dead && req.Death > 0 && req.Death == e.Death:
		e.newBudget()
		e.Redrives++
	case e.State == webhook.Dead:
		return refuse(e, webhook.LeaseRefusedStaleDeadLetter)
	default:
		return refuse(e, webhook.LeaseRefusedFinished)
	}
	e.State = webhook.Processing
	e.LeaseNumber++
	e.LeaseNonce, e.LeaseUntil, e.NotBefore = req.Nonce, ms(req.Until), time.Time{}
	if !e.dueLate(req) {
		e.DueAt = ms(req.DueAt)
	}
	e.Sweeps, e.UpdatedAt = 0, now
	return e.lease(), nil
}

// dueLate tells whether a lease leaves the due time as it is.
func (e *event) dueLate(req webhook.LeaseRequest) bool {
	return !req.KeepDue.IsZero() && !e.DueAt.IsZero() && !e.DueAt.Before(ms(req.KeepDue))
}

func (e *event) lease() webhook.Lease {
	return webhook.Lease{Number: e.LeaseNumber, Nonce: e.LeaseNonce, Until: e.LeaseUntil, Record: e.copy()}
}

func refuse(e *event, why webhook.LeaseRefusal) (webhook.Lease, error) {
	return webhook.Lease{}, &webhook.NotLeasable{Reason: why, Record: e.copy()}
}

func opened(names []string) []webhook.Progress {
	out := make([]webhook.Progress, 0, len(names))
	for _, n := range names {
		out = append(out, webhook.Progress{Name: n})
	}
	return out
}

// remember appends to the history and lets the oldest attempts go.
func (e *event) remember(attempts ...webhook.Attempt) {
	for _, a := range attempts {
		a.StartedAt, a.Duration = ms(a.StartedAt), a.Duration.Truncate(time.Millisecond)
		e.History = append(e.History, a)
	}
	e.History = e.History[max(0, len(e.History)-webhook.MaxHistory):]
}

// endAbandoned notes the attempt that an expired lease stands for.
func (e *event) endAbandoned() {
	e.remember(webhook.Attempt{
		Number: e.LeaseNumber, Generation: e.Generation, Result: webhook.ResultAbandoned,
		ErrorClass: "abandoned", Error: "the worker stopped without reporting an outcome", StartedAt: e.UpdatedAt,
	})
}

// die is what every death writes.
func (e *event) die(now, dueAt time.Time, class, text string) {
	e.State, e.Death, e.DiedAt = webhook.Dead, e.LeaseNumber, ms(now)
	if e.FirstDied.IsZero() {
		e.FirstDied = e.DiedAt
	}
	e.ErrorClass, e.Error = class, text
	e.Abandoned, e.LeaseUntil = 0, time.Time{}
	e.DueAt, e.UpdatedAt = ms(dueAt), e.DiedAt
}

// newBudget starts a new budget, never a new count, and keeps what succeeded.
func (e *event) newBudget() {
	e.Abandoned = 0
	for i, p := range e.Destinations {
		if !p.Result.Settled() {
			e.Destinations[i] = webhook.Progress{Name: p.Name}
		}
	}
}

// Settle ends an attempt under exactly this lease, or returns
// webhook.ErrLeaseLost and changes nothing.
func (l *Ledger) Settle(_ context.Context, lease webhook.Lease, s webhook.Settlement) error {
	switch s.State {
	case webhook.Delivered, webhook.Unrouted, webhook.Pending, webhook.Dead:
	case webhook.Processing, webhook.Held, webhook.Parked, webhook.Discarded:
		fallthrough
	default:
		return fmt.Errorf("memory: an attempt cannot end as %q", s.State)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.events[lease.Record.ID]
	mine := ok && e.LeaseNumber == lease.Number && e.LeaseNonce == lease.Nonce
	asRead := ok && lease.First && e.State == webhook.Pending && e.LeaseNumber == 0 && e.ClaimNonce == lease.Record.ClaimNonce
	switch {
	case mine && e.State == s.State:
		return nil // settled before, and the answer was lost
	case asRead:
		e.LeaseNumber, e.LeaseNonce = 1, lease.Nonce
	case lease.First || !mine || e.State != webhook.Processing:
		return fmt.Errorf("%s attempt %d: %w", lease.Record.ID, lease.Number, webhook.ErrLeaseLost)
	}
	e.Destinations = append([]webhook.Progress{}, s.Destinations...) // empty, not nil: they stay fixed
	for i := range e.Destinations {
		e.Destinations[i].NextAt = ms(e.Destinations[i].NextAt)
	}
	e.remember(s.Attempts...)
	e.FirstUnknown = e.FirstUnknown || lease.Record.FirstUnknown
	if s.Superseded {
		e.Flags = append(slices.Clone(e.Flags), webhook.FlagSuperseded)
	}
	if s.State == webhook.Dead {
		e.die(s.At, s.DueAt, s.ErrorClass, s.Error)
		return nil
	}
	e.State, e.LeaseUntil, e.UpdatedAt = s.State, time.Time{}, ms(s.At)
	e.ErrorClass, e.Error = s.ErrorClass, s.Error
	e.NotBefore, e.DueAt = ms(s.NotBefore), ms(s.DueAt)
	if s.State == webhook.Delivered {
		e.ErrorClass, e.Error = "", ""
		e.DeliveredAt = ms(s.At)
	}
	if s.State == webhook.Delivered || s.State == webhook.Unrouted { // it is over, and owes nothing
		e.Abandoned = 0
		e.NotBefore, e.DueAt = time.Time{}, time.Time{}
		e.ExpiresAt = wholeSeconds(s.ExpiresAt)
	}
	return nil
}
