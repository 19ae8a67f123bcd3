package process

import "smartlead-receiver/pkg/webhook"

// Outcome is what became of one message. It is a dimension of a metric, so there
// are few.
type Outcome string

// These end an attempt.
const (
	Delivered         = Outcome(webhook.Delivered)
	Unrouted          = Outcome(webhook.Unrouted) // every destination is settled, and none has it
	Retry     Outcome = "retry"                   // a destination may still take it later
	Waiting   Outcome = "waiting"                 // nothing was sent: whoever lacks the event may not be sent it yet
	Dead      Outcome = "dead"
)

// These say, in the words of the ledger, why there was nothing to attempt. The
// message is done with.
const (
	Early           = Outcome(webhook.LeaseRefusedEarly)
	Busy            = Outcome(webhook.LeaseRefusedBusy)
	Finished        = Outcome(webhook.LeaseRefusedFinished)
	StaleDeadLetter = Outcome(webhook.LeaseRefusedStaleDeadLetter)
	Held            = Outcome(webhook.ClaimHeld)      // an unclaimed message of a sender that is not trusted
	Duplicate       = Outcome(webhook.ClaimDuplicate) // an unclaimed message of a finished event
	Variant         = Outcome(webhook.ClaimVariant)   // the same, with another body

	NotInLedger Outcome = "not_in_ledger" // it has expired, or was never ours
)

// These are failures. All but a lost lease ask for the message again.
const (
	ClaimFailed            Outcome = "claim_failed"
	DestinationsUnreadable Outcome = "destinations_unreadable"
	LeaseFailed            Outcome = "lease_failed"
	LeaseLost              Outcome = "lease_lost" // another worker has the event
	SettleFailed           Outcome = "settle_failed"
	Foreign                Outcome = "foreign" // not a message of this receiver: said by the edge, which reads it
)

// Outcomes lists every outcome.
var Outcomes = []Outcome{
	Delivered, Unrouted, Retry, Waiting, Dead,
	Early, Busy, Finished, StaleDeadLetter, Held, Duplicate, Variant, NotInLedger,
	ClaimFailed, DestinationsUnreadable, LeaseFailed, LeaseLost, SettleFailed, Foreign,
}
