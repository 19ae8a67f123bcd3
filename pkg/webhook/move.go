package webhook

import "time"

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
