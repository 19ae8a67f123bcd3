package webhook

import (
	"strconv"
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

	After time.Duration // how long the queue keeps it back, rounded down to seconds; not part of what is sent
}

// DeadLetter says in the DLQ what died and why.
type DeadLetter struct {
	Death      int
	ErrorClass string
	Error      string
	Attempts   int
	FirstAt    time.Time // first receipt
	LastAt     time.Time // last attempt
	Type       Type
	Account    string
	CampaignID string
}

// DeadMessage is a message taken from the dead letter queue.
type DeadMessage struct {
	MessageID string
	Receipt   string // handle to delete it with
	Body      string
	SentAt    time.Time
	Receives  int
	Message   Message
	Foreign   string // why it is no message of ours; empty when it is one
}

// NewDeadLetter writes the dead letter of a dead event.
func NewDeadLetter(r Record) Message {
	return Message{Kind: KindDeadLetter, ID: r.ID, DeadLetter: &DeadLetter{
		Death: r.Death, ErrorClass: r.ErrorClass, Error: r.Error, Attempts: r.LeaseNumber,
		FirstAt: r.ReceivedAt, LastAt: r.DiedAt,
		Type: r.Type, Account: r.Account, CampaignID: r.CampaignID,
	}}
}

func itoa(n int) string { return strconv.Itoa(n) }

// Delivery is one attempt to hand an event to a destination.
type Delivery struct {
	Event          Event  // with attempt, generation and flags filled in
	IdempotencyKey string // the same on every retry: what the destination dedupes by
}
