package webhook

// State is where an event stands in the ledger. There is no "enqueued": an
// event that owes a queue a message has a due time instead, and the sweeper
// sends what is owed.
type State string

const (
	// Pending is durable and nobody works on it. A worker may lease it once
	// NotBefore has passed.
	Pending State = "pending"
	// Processing is leased. Only the lease's holder may move it on, or after
	// LeaseUntil any worker.
	Processing State = "processing"
	// Delivered is terminal: every destination is settled, and at least one has
	// the event. Only an explicit replay moves it on.
	Delivered State = "delivered"
	// Unrouted is terminal: every destination is settled, and none has the event.
	// Their filters do not want it, or they were removed while it waited, which
	// its error class tells: ClassDestinationRemoved. Only an explicit replay moves
	// it on.
	Unrouted State = "unrouted"
	// Dead has used up its budget or failed permanently. Its dead letter, a redrive,
	// a replay or an operator moves it on.
	Dead State = "dead"
	// Held was accepted but is not trusted: the body secret was wrong. It is
	// not delivered until an operator trusts the key, or a trusted sender sends
	// the same event.
	Held State = "held"
	// Parked was dead and is set aside, by hand or because it was redriven too
	// often. Only an operator moves it on.
	Parked State = "parked"
	// Discarded is given up by an operator. Nobody moves it on.
	Discarded State = "discarded"
)

// States lists every state in the order in which an event may pass them.
var States = []State{Pending, Processing, Delivered, Unrouted, Dead, Held, Parked, Discarded}

// Lane is the queue on which an event travels. Replays have a lane of their
// own, so that live events never wait behind them.
type Lane string

// The two lanes.
const (
	Live   Lane = "live"
	Replay Lane = "replay"
)

// Settled tells whether every destination is settled: the event expires, and a
// replay alone brings it back.
func (s State) Settled() bool { return s == Delivered || s == Unrouted }

// AwaitsOperator tells whether the event stays as it is until an operator, a
// redrive or its dead letter moves it on.
func (s State) AwaitsOperator() bool { return s == Dead || s == Held || s == Parked }
