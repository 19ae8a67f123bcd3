package webhook

import (
	"slices"
	"time"
)

// Revival brings a dead event back to work, a delivered or unrouted one once
// more, or a parked one out of its place. Exactly what the operator or the plan saw is
// the condition.
type Revival struct {
	ID         EventID
	Lane       Lane
	At         time.Time
	DueAt      time.Time
	Death      int  // dead and parked: the death seen
	Generation int  // delivered and unrouted: the generation seen
	Again      bool // delivered and unrouted: the effect is wanted again, so the idempotency key changes
	Redrive    bool // counted as a redrive
	Nonce      string
}

// Erasure takes the payload, and what names a person, out of an event for good. One that
// waits for anything is given up: it cannot be delivered without its payload.
type Erasure struct {
	ID        EventID
	At        time.Time
	ExpiresAt time.Time // of an event that is given up
	Nonce     string    // never empty
}

// HandOver lets an event that waits for one destination wait for another one.
type HandOver struct {
	ID       EventID
	From, To string // names of destinations
	At       time.Time
	Nonce    string // never empty
}

// Apply returns the destinations after the hand-over. Where the event has the other
// one already, its progress there stays, and the first is settled as removed.
func (h HandOver) Apply(list []Progress) []Progress {
	has := slices.ContainsFunc(list, func(p Progress) bool { return p.Name == h.To })
	out := slices.Clone(list)
	for i, p := range out {
		switch {
		case p.Name == h.From && has:
			out[i].Result = ResultRemoved
		case p.Name == h.From:
			out[i] = Progress{Name: h.To}
		}
	}
	return out
}
