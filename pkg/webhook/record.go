package webhook

import (
	"slices"
	"strconv"
	"time"
)

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

	Abandoned int // leases since it was last revived that ended without reporting an outcome
	// FirstUnknown: before its first lease that was written, a worker may have made a first
	// attempt, which has no lease, and never have said how it ended.
	FirstUnknown bool

	Death      int       // the lease number at which it died; 0 when it never did
	DiedAt     time.Time // of the latest death
	FirstDied  time.Time
	ErrorClass string // of the latest failure
	Error      string
	Redrives   int // how often a redrive revived it
	Generation int // how often an operator replayed it after it was settled
	EffectKey  int // the generation whose effect is wanted: part of the idempotency key when above 0

	Destinations []Progress
	History      []Attempt
	Duplicates   int
	Variants     int
	Original     string    // of a synthesized event: the fingerprint of the body that the provider posted after all
	LastSeenAt   time.Time // receipt of the latest duplicate
	DeliveredAt  time.Time
	UpdatedAt    time.Time
	ExpiresAt    time.Time
	// ErasedAt is when the payload, and what names a person, was taken out for good.
	// Until an erasure has ended, the lead and the place of a large body remain, so that
	// it can be found and continued.
	ErasedAt time.Time

	ClaimNonce string
}

// LongestInQueue is the longest wait of an event that its message waits out in its queue.
// A longer one is left to the sweeper: a queue holds at most 120,000 messages in flight
// (AWS, "Amazon SQS message quotas").
const LongestInQueue = time.Minute

// Tries counts the attempts that have ended: those in which something was sent to a
// destination, or whose worker never said how they ended. A lease that only waited for
// its destinations is none, and one that is under way is none yet. Of an event with more
// attempts than are remembered, every lease before those counts.
func (r Record) Tries() int {
	n, before := 0, 0
	if len(r.History) >= MaxHistory {
		n = r.History[0].Number - 1
		before = n
	}
	for _, a := range r.History {
		sent := a.Result != ResultUnrouted && a.Result != ResultRemoved && a.Result != ResultWaiting
		if sent && a.Number > before {
			n, before = n+1, a.Number
		}
	}
	return n
}

// MayHave tells whether something of the event may have been sent to a destination before:
// an attempt is remembered, or a worker stopped, or may have, without saying how its
// attempts ended. A wait is no attempt, whatever number it has.
func (r Record) MayHave(destination string) bool {
	if r.Abandoned > 0 || r.FirstUnknown || len(r.History) >= MaxHistory {
		return true
	}
	return slices.ContainsFunc(r.History, func(a Attempt) bool {
		sent := a.Result != ResultUnrouted && a.Result != ResultRemoved && a.Result != ResultWaiting
		return a.Result == ResultAbandoned || sent && a.Destination == destination
	})
}

// Erased tells whether the payload was taken out of the event for good.
func (r Record) Erased() bool { return !r.ErasedAt.IsZero() }

// IdempotencyKey is what a destination dedupes by: the event id on every retry
// and redrive; only a replay whose effect is wanted again changes it.
func (r Record) IdempotencyKey() string {
	if r.EffectKey > 0 {
		return string(r.ID) + "#" + strconv.Itoa(r.EffectKey)
	}
	return string(r.ID)
}

// Finished tells whether no worker has anything left to do with the event. A dead
// event may still owe the queue its dead letter.
func (r Record) Finished() bool {
	return r.State != Pending && r.State != Processing
}

// Supersedes tells whether the event says how things stood later than the other
// one did, and some destination has been told. A test says nothing of how things stand.
func (r Record) Supersedes(other Record) bool {
	told := !r.DeliveredAt.IsZero() || slices.ContainsFunc(r.Destinations, func(p Progress) bool { return p.Result == ResultDelivered })
	return told && !slices.Contains(r.Flags, FlagTestEvent) && r.Subject() != "" && r.Subject() == other.Subject() &&
		r.Type == other.Type && r.Account == other.Account && r.CampaignID == other.CampaignID &&
		r.OccurredAt.After(other.OccurredAt)
}

// WaitsFor tells whether the event is not settled at a destination of its own.
func (r Record) WaitsFor(destination string) bool {
	return slices.ContainsFunc(r.Destinations, func(p Progress) bool { return p.Name == destination && !p.Result.Settled() })
}

// At is how far a destination is with the event: zero where the event is not for it, or
// nobody has chosen its destinations yet.
func (r Record) At(destination string) Progress {
	for _, p := range r.Destinations {
		if p.Name == destination {
			return p
		}
	}
	return Progress{}
}

// Unsettled are the destinations of the event's own for which it waits, or at which it is
// dead; nil where it has none, as before its first attempt.
func (r Record) Unsettled() []string { return Unsettled(r.Destinations) }

// Unsettled are the names of those that want something of the event still.
func Unsettled(all []Progress) (names []string) {
	for _, p := range all {
		if !p.Result.Settled() {
			names = append(names, p.Name)
		}
	}
	return names
}

// HandsOver tells whether the event may be handed over from a destination: it waits
// for it, and no worker holds its lease.
func (r Record) HandsOver(from string) bool {
	return (r.State == Pending || r.State == Dead || r.State == Parked) && r.WaitsFor(from)
}
