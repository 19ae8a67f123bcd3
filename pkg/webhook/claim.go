package webhook

import "time"

// ClaimStatus is what became of one received event.
type ClaimStatus string

const (
	// ClaimAccepted: the first receipt of this event.
	ClaimAccepted ClaimStatus = "accepted"
	// ClaimDuplicate: the event is in the ledger already.
	ClaimDuplicate ClaimStatus = "duplicate"
	// ClaimVariant: the event is in the ledger with another body; this body is
	// stored beside it.
	ClaimVariant ClaimStatus = "variant"
	// ClaimHeld: accepted, not trusted, not delivered.
	ClaimHeld ClaimStatus = "held"
)

// Claimed is the answer of the ledger to a receipt.
type Claimed struct {
	ID     EventID
	Status ClaimStatus
	Record Record // as it stands, without payload when it was there before
	// Uncounted says why a duplicate is missing from the counts. The event
	// itself is safe.
	Uncounted error
}

// Variant is another body under an event's identity.
type Variant struct {
	ID          EventID
	Fingerprint string
	Receipt     Receipt
	SplitAs     EventID // set once an operator made it an event of its own
}

// LeaseRequest asks for the right to process an event.
type LeaseRequest struct {
	ID           EventID
	Death        int       // the dead letter's number; 0 for any other message
	Nonce        string    // new for every request
	Now          time.Time // compared with NotBefore and LeaseUntil
	Until        time.Time // when the lease ends
	DueAt        time.Time // when the sweeper may take it up: Until and a grace
	Destinations []string  // names to fix at the first lease
	MaxAbandoned int       // abandoned leases that an event may have since it was last revived
}

// RejectedRequest is a request that was not accepted, kept so that an operator can see
// why. It holds no secret and is bounded in size.
type RejectedRequest struct {
	At        time.Time
	RequestID string
	Source    string // as named in the URL when it is a possible name, else empty
	Kind      string // what the caller learnt: "unauthorized", "bad_body", "too_large", of elements "rejected"
	Cause     string // countable: "wrong_token", "not_json", "rejected_elements"
	Detail    string
	SourceIP  string
	UserAgent string
	Bytes     int
	Excerpt   string // redacted beginning of the body; empty for callers that were not authenticated
}
