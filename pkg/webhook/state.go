package webhook

import (
	"slices"
	"time"
)

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
	// Delivered is terminal: every destination is settled. Only an explicit
	// replay moves it on.
	Delivered State = "delivered"
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
var States = []State{Pending, Processing, Delivered, Dead, Held, Parked, Discarded}

// Lane is the queue on which an event travels. Replays have a lane of their
// own, so that live events never wait behind them.
type Lane string

// The two lanes.
const (
	Live   Lane = "live"
	Replay Lane = "replay"
)

// Payload is a body at rest: compressed, credentials removed. Small ones are
// inline, large ones in the body store under Ref.
type Payload struct {
	Encoding string // "zstd"
	Data     []byte // empty when Ref is set
	Ref      string // key in the body store; empty when inline
	Size     int    // bytes before compression
}

// Receipt is what is known of one event when it is received. The claim makes
// all of it durable in one write.
type Receipt struct {
	Key         string        // natural key
	Timeless    bool          // the identity has neither a time nor an id: it may repeat for real
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
}

// Record is an event as the ledger keeps it.
type Record struct {
	ID EventID
	Receipt
	State State
	Lane  Lane

	LeaseNumber int       // rises by one with every lease, never restarts: the attempt count and the fencing token
	LeaseNonce  string    // of the latest lease
	LeaseUntil  time.Time // Processing only
	NotBefore   time.Time
	DueAt       time.Time // zero when no message is owed
	Sweeps      int       // messages sent by the sweeper since the last lease

	Abandoned  int       // leases since it was last revived that ended without reporting an outcome
	Death      int       // the lease number at which it died; 0 when it never did
	DiedAt     time.Time // of the latest death
	FirstDied  time.Time
	ErrorClass string // of the latest failure
	Error      string
	Redrives   int // how often a redrive revived it
	Generation int // how often an operator replayed it after delivery
	EffectKey  int // the generation whose effect is wanted: part of the idempotency key when above 0

	Destinations []Progress
	History      []Attempt
	Duplicates   int
	Variants     int
	LastSeenAt   time.Time // receipt of the latest duplicate
	DeliveredAt  time.Time
	UpdatedAt    time.Time
	ExpiresAt    time.Time

	ClaimNonce string
}

// IdempotencyKey is what a destination dedupes by: the event id on every retry
// and redrive; only a replay whose effect is wanted again changes it.
func (r Record) IdempotencyKey() string {
	if r.EffectKey > 0 {
		return string(r.ID) + "#" + itoa(r.EffectKey)
	}
	return string(r.ID)
}

// Finished tells whether the event owes nobody anything.
func (r Record) Finished() bool {
	return r.State != Pending && r.State != Processing
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
	case r.Type == CampaignStatusChanged && r.CampaignID != "":
		return "campaign#" + r.CampaignID
	}
	return ""
}

// Supersedes tells whether the event says how things stood later than the other
// one did, and some destination has been told.
func (r Record) Supersedes(other Record) bool {
	told := !r.DeliveredAt.IsZero() || slices.ContainsFunc(r.Destinations, func(p Progress) bool { return p.Result == ResultDelivered })
	return told && r.Subject() != "" && r.Subject() == other.Subject() &&
		r.Type == other.Type && r.Account == other.Account && r.CampaignID == other.CampaignID &&
		r.OccurredAt.After(other.OccurredAt)
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
	ReceivedAt time.Time
	DiedAt     time.Time
	Death      int
	Redrives   int
}

// DeadSummary is the part of a dead event that a redrive chooses by.
func (r Record) DeadSummary() DeadSummary {
	return DeadSummary{
		ID: r.ID, Type: r.Type, Account: r.Account, Source: r.Source, CampaignID: r.CampaignID,
		ErrorClass: r.ErrorClass, ReceivedAt: r.ReceivedAt, DiedAt: r.DiedAt, Death: r.Death, Redrives: r.Redrives,
	}
}

// Lease is the timed right to process an event, handed back to settle it. It
// is valid for its holder alone: Number and Nonce fence every write.
type Lease struct {
	Number int
	Nonce  string
	Until  time.Time
	Record Record // as leased
}

// Result is how one delivery to one destination ended.
type Result string

const (
	// ResultDelivered: the destination confirmed the event.
	ResultDelivered Result = "delivered"
	// ResultRetry: it may succeed later.
	ResultRetry Result = "retry"
	// ResultPermanent: sending the same again cannot succeed.
	ResultPermanent Result = "permanent"
	// ResultUnrouted: the destination's filter does not want the event.
	ResultUnrouted Result = "unrouted"
	// ResultRemoved: the destination is no longer configured.
	ResultRemoved Result = "removed"
	// ResultAbandoned: the lease ended and its holder never said how.
	ResultAbandoned Result = "abandoned"
)

// Settled tells whether the destination wants nothing more of the event.
func (r Result) Settled() bool {
	return r == ResultDelivered || r == ResultUnrouted || r == ResultRemoved
}

// Outcome is what a destination answered.
type Outcome struct {
	Result     Result
	Status     int           // HTTP status; 0 when there was no answer
	ErrorClass string        // short, countable: "http_503", "timeout", "connection_refused"
	Error      string        // for an operator, without secrets
	RetryAfter time.Duration // the destination's wish; 0 when it has none
}

// Progress is how far one destination is with one event. The set of names is
// fixed at the event's first lease.
type Progress struct {
	Name     string
	Result   Result // empty until the first attempt
	Attempts int    // since it was last revived: a revival starts a new budget
}

// Attempt is one delivery to one destination, as the ledger remembers it.
type Attempt struct {
	Number      int // the lease number, from 1
	Generation  int
	Destination string
	Result      Result
	Status      int
	ErrorClass  string
	Error       string
	RetryAfter  time.Duration // the destination's wish; not kept in the ledger
	StartedAt   time.Time
	Duration    time.Duration
}

// MaxHistory bounds how many attempts a record remembers; older ones give way.
const MaxHistory = 60

// Settlement is how an attempt ends: exactly one of delivered, retry or dead.
type Settlement struct {
	State        State // Delivered, Pending or Dead
	At           time.Time
	NotBefore    time.Time // Pending only
	DueAt        time.Time // Pending and Dead
	ErrorClass   string
	Error        string
	Destinations []Progress
	Attempts     []Attempt // of this lease
	Superseded   bool      // found out in this attempt: the event gets the flag
	ExpiresAt    time.Time // Delivered only
}

// Revival brings a dead event back to work, a delivered one once more, or a
// parked one out of its place. Exactly what the operator or the plan saw is
// the condition.
type Revival struct {
	ID         EventID
	Lane       Lane
	At         time.Time
	DueAt      time.Time
	Death      int  // dead and parked: the death seen
	Generation int  // delivered: the generation seen
	Again      bool // delivered: the effect is wanted again, so the idempotency key changes
	Redrive    bool // counted as a redrive
	Nonce      string
}
