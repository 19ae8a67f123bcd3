package webhook

import "errors"

var (
	// ErrNotFound: the ledger has no such event.
	ErrNotFound = errors.New("no such event")
	// ErrLeaseLost: the lease is no longer held; nothing was changed. The event
	// belongs to whoever leased it since.
	ErrLeaseLost = errors.New("lease lost")
	// ErrChanged: the event is not as the caller saw it; nothing was changed.
	ErrChanged = errors.New("the event changed meanwhile")
	// ErrUnavailable: a store could not be asked or did not answer. The effect
	// of a write is unknown.
	ErrUnavailable = errors.New("store unavailable")
)

// LeaseRefusal is why an event could not be leased.
type LeaseRefusal string

const (
	// LeaseRefusedEarly: NotBefore has not passed; the sweeper sends it when due.
	LeaseRefusedEarly LeaseRefusal = "early"
	// LeaseRefusedBusy: another worker holds a live lease.
	LeaseRefusedBusy LeaseRefusal = "busy"
	// LeaseRefusedFinished: delivered, held, parked or discarded.
	LeaseRefusedFinished LeaseRefusal = "finished"
	// LeaseRefusedStaleDeadLetter: the event is dead, and the message is not the dead letter
	// of that death.
	LeaseRefusedStaleDeadLetter LeaseRefusal = "stale_dead_letter"
	// LeaseRefusedSpent: its abandoned leases are used up. It has been written dead
	// and owes its dead letter.
	LeaseRefusedSpent LeaseRefusal = "spent"
)

// NotLeasable is returned by a lease that was refused. Nothing was changed,
// except for LeaseRefusedSpent. Record is the event as it stands.
type NotLeasable struct {
	Reason LeaseRefusal
	Record Record
}

func (e *NotLeasable) Error() string { return "not leasable: " + string(e.Reason) }
