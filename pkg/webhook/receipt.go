package webhook

import (
	"cmp"
	"slices"
	"time"
)

// Payload is a body at rest: compressed, credentials removed. Small ones are
// inline, large ones in the body store under Ref.
type Payload struct {
	Encoding string // by which Data was compressed
	Data     []byte // empty when Ref is set
	Ref      string // key in the body store; empty when inline
	Size     int    // bytes before compression
}

// Receipt is what is known of one event when it is received. The claim makes
// all of it durable in one write.
type Receipt struct {
	Key         string        // natural key
	Timeless    bool          // it may repeat for real: the identity has neither a time nor an id, or it is a test event
	Window      time.Duration // Timeless only: a receipt this soon after an occurrence's first is its duplicate
	Fingerprint string        // of the canonical body: tells a variant from a redelivery
	Basis       []string      // the names of the fields on which the identity rests

	Account           string
	Source            string
	Type              Type
	RawType           string
	Dialect           string
	CampaignID        string
	LeadEmail         string
	StatsID           string
	MessageID         string // the inbound mail's where there is one, else the sent mail's
	ProviderEventID   string
	ProviderRequestID string // X-Request-Id of the provider, as sent
	RequestID         string // ours, of the request that brought it

	OccurredAt       time.Time
	OccurredAtSource TimeSource
	ReceivedAt       time.Time
	Flags            []string
	Held             bool
	Payload          Payload
	Retention        time.Duration // how long it is kept once it is settled, in whole days; 0: as long as the stack says
}

// Keep is how long the event is kept once it is settled, where the stack keeps events for
// that time.
func (r Receipt) Keep(stack time.Duration) time.Duration { return cmp.Or(r.Retention, stack) }

// Synthesized tells whether nobody posted the event: reconciliation made it from what the
// provider's API says.
func (r Receipt) Synthesized() bool { return slices.Contains(r.Flags, FlagSynthesized) }

// Origin is who made the event; empty where the provider posted it.
func (r Receipt) Origin() Origin {
	if r.Synthesized() {
		return OriginReconcile
	}
	return ""
}

// Subject is what an event that sets a state sets it of: its lead, or the
// campaign itself. It is empty where the body named neither, and for any other
// event.
func (r Receipt) Subject() string {
	switch {
	case !r.Type.SetsState():
		return ""
	case r.LeadEmail != "":
		return r.LeadEmail
	case r.Type.StateOwner() == CampaignState && r.CampaignID != "":
		return "campaign#" + r.CampaignID
	}
	return ""
}

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
	// ToErase are large bodies that must not be kept, because the event, or the variant,
	// was erased. Nothing else of the receipt was kept.
	ToErase []Payload
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
