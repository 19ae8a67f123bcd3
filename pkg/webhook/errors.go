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

// Refusal is why an event could not be leased.
type Refusal string

const (
	// RefusedEarly: NotBefore has not passed; the sweeper sends it when due.
	RefusedEarly Refusal = "early"
	// RefusedBusy: another worker holds a live lease.
	RefusedBusy Refusal = "busy"
	// RefusedFinished: delivered, held, parked or discarded.
	RefusedFinished Refusal = "finished"
	// RefusedStaleLetter: the event is dead, and the message is not the letter
	// of that death.
	RefusedStaleLetter Refusal = "stale_letter"
	// RefusedSpent: its wordless leases are used up. It has been written dead
	// and owes its letter.
	RefusedSpent Refusal = "spent"
)

// NotLeasable is returned by a lease that was refused. Nothing was changed,
// except for RefusedSpent. Record is the event as it stands.
type NotLeasable struct {
	Reason Refusal
	Record Record
}

func (e *NotLeasable) Error() string { return "not leasable: " + string(e.Reason) }
