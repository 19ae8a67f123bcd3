package webhook

import (
	"context"
	"time"
)

// MessageKind tells the three messages that travel on our queues apart.
type MessageKind string

const (
	// KindEvent refers to an event in the ledger.
	KindEvent MessageKind = "event"
	// KindDeadLetter is the message in the dead letter queue for a dead event. It
	// carries the number of that death, so that a stale one revives nothing.
	KindDeadLetter MessageKind = "dead_letter"
	// KindUnclaimed carries a whole event that the ledger could not take. It is
	// the only copy until a worker claims it.
	KindUnclaimed MessageKind = "unclaimed"
)

// Message is what a queue carries.
type Message struct {
	Kind       MessageKind
	ID         EventID     // event and dead letter
	DeadLetter *DeadLetter // dead letter only
	Receipt    *Receipt    // unclaimed only
	First      bool        // event only: the receiver's own message of an event that it has just claimed

	After    time.Duration // how long the queue keeps it back, rounded down to seconds; not part of what is sent
	Receives int           // how often the queue has handed it out, this time included; 0: not known; not part of what is sent
}

// Destination is where events go. Deliver makes one attempt and says how it
// ended, never with an error and never with a panic: what went wrong, and
// whether to try again, is in the Outcome. It ends when ctx does, and is safe
// for concurrent use.
type Destination interface {
	Deliver(ctx context.Context, d Delivery) Outcome
}

// Delivery is one attempt to hand an event to a destination.
type Delivery struct {
	Event          Event  // with attempt, generation and flags filled in
	IdempotencyKey string // the same on every retry: what the destination dedupes by
	Turn           bool   // it has its place in the destination's line, and this is its turn
	Waits          int    // how often nothing was sent although it was time
	// Repeat: something of it may have been sent there before (Record.MayHave): an attempt
	// is remembered; a worker stopped without a word; or the first lease was taken by
	// neither the first receipt of the receiver's own message nor the message that claimed
	// it, so that a first attempt, which leaves nothing behind before it has ended, may have
	// come before. Having waited is none of these. Not told: a second copy that the queue
	// makes of the first message, at work at the same time.
	Repeat bool
}

// LiveMessage is a message that a worker took from the live lane itself.
type LiveMessage struct {
	MessageID string
	Receipt   string // handle to delete it with
	Body      string
	Receives  int
}
