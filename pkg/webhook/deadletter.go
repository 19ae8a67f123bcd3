package webhook

import "time"

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

// DeadSummary is what the ledger's index of the dead shows of an event: enough to
// plan a redrive by, without reading the event.
type DeadSummary struct {
	ID         EventID
	Type       Type
	Account    string
	Source     string
	CampaignID string
	ErrorClass string
	DeadAt     []string // the destinations that do not have it, in the event's order
	ReceivedAt time.Time
	DiedAt     time.Time
	Death      int
	Redrives   int
}

// DeadSummary is the part of a dead event that a redrive chooses by.
func (r Record) DeadSummary() DeadSummary {
	return DeadSummary{
		ID: r.ID, Type: r.Type, Account: r.Account, Source: r.Source, CampaignID: r.CampaignID,
		ErrorClass: r.ErrorClass, DeadAt: r.Unsettled(), ReceivedAt: r.ReceivedAt, DiedAt: r.DiedAt, Death: r.Death, Redrives: r.Redrives,
	}
}
