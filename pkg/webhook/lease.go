package webhook

import "time"

// LeaseRequest asks for the right to process an event.
type LeaseRequest struct {
	ID           EventID
	Death        int       // the dead letter's number; 0 for any other message
	Nonce        string    // new for every request
	Now          time.Time // compared with NotBefore and LeaseUntil
	Until        time.Time // when the lease ends
	DueAt        time.Time // when the sweeper may take it up: Until and a grace
	KeepDue      time.Time // Until and a margin: a due time that is not before it stays as it is, which saves the index of what is due a write, or two; zero: none stays
	Destinations []string  // names to fix at the first lease, and at the first after a replay
	MaxAbandoned int       // abandoned leases that an event may have since it was last revived

	// FirstAbandoned: the message was taken for a first attempt before, and nobody
	// reported how that ended. Where the event was never leased since, it counts as an
	// abandoned lease.
	FirstAbandoned bool
}

// Lease is the timed right to process an event, handed back to settle it. It
// is valid for its holder alone: Number and Nonce fence every write.
type Lease struct {
	Number int
	Nonce  string
	Until  time.Time
	Record Record // as leased
	// First: nothing was written. The settlement requires that the event is exactly as
	// it was read: pending, never leased, and of the same claim.
	First bool
}

// LeaseRefusal is why an event could not be leased.
type LeaseRefusal string

const (
	// LeaseRefusedEarly: NotBefore has not passed; the sweeper sends it when due.
	LeaseRefusedEarly LeaseRefusal = "early"
	// LeaseRefusedBusy: another worker holds a live lease.
	LeaseRefusedBusy LeaseRefusal = "busy"
	// LeaseRefusedFinished: delivered, unrouted, held, parked or discarded.
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
