package webhook

import "time"

// Result is how one delivery to one destination ended.
type Result string

const (
	// ResultDelivered: the destination confirmed the event.
	ResultDelivered Result = "delivered"
	// ResultRetry: it may succeed later.
	ResultRetry Result = "retry"
	// ResultPermanent: sending the same again cannot succeed.
	ResultPermanent Result = "permanent"
	// ResultUnrouted: the destination does not want the event, by its filter or by what it is.
	ResultUnrouted Result = "unrouted"
	// ResultRemoved: the destination is no longer configured.
	ResultRemoved Result = "removed"
	// ResultAbandoned: the lease ended and its holder never said how.
	ResultAbandoned Result = "abandoned"
	// ResultWaiting: nothing was sent, because the destination is paused, taken to be
	// down, or has all that its limits allow; Outcome.ErrorClass says which. It is no
	// attempt.
	ResultWaiting Result = "waiting"
)

// These are the causes of a wait.
const (
	WaitPaused  = "paused"   // an operator paused the destination
	WaitOpen    = "open"     // its breaker is open: it failed too often to be asked now
	WaitTurn    = "turn"     // its rate limit gave the event a place in the line, at Progress.NextAt
	WaitLine    = "line"     // the line is too long for a place
	WaitTooMany = "too_many" // as many are being sent as may be at once
)

// Settled tells whether the destination wants nothing more of the event.
func (r Result) Settled() bool {
	return r == ResultDelivered || r == ResultUnrouted || r == ResultRemoved
}

// ClassDestinationRemoved is the error class of an unrouted event that a
// destination would have had, were it still configured.
const ClassDestinationRemoved = "destination_removed"

// Outcome is what a destination answered.
type Outcome struct {
	Result     Result
	Status     int           // HTTP status; 0 when there was no answer
	ErrorClass string        // short, countable: "http_503", "timeout", "connection_refused"
	Error      string        // for an operator, without secrets
	RetryAfter time.Duration // the destination's wish; 0 when it has none. Of a wait: how long
}

// Progress is how far one destination is with one event. The set of names is
// fixed at the event's first lease, and anew at the first one after a replay.
type Progress struct {
	Name     string
	Result   Result // empty until the first attempt
	Attempts int    // since it was last revived: a revival starts a new budget

	// Postponed counts, apart from Attempts, those that the destination asked to make
	// later; PostponedFor is what it asked for, in all. A revival resets both.
	Postponed    int
	PostponedFor time.Duration

	// NextAt is before when the destination is not tried again; zero: at the event's next
	// attempt. Each destination of an event has its own.
	NextAt time.Time
	// Waits counts, since the last revival, how often nothing was sent although it was
	// time; Waiting is the cause where that was so the last time.
	Waits   int
	Waiting string
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

// Postponed tells whether the destination asked to come again later because it is
// busy or away, and said when: of HTTP by the status 429 or 503 and Retry-After.
func (a Attempt) Postponed() bool {
	busy := a.Status == 429 || a.Status == 503 || a.Status == 0 // 0: not HTTP
	return a.Result == ResultRetry && busy && a.RetryAfter > 0
}

// MaxHistory bounds how many attempts a record remembers; older ones give way.
const MaxHistory = 60

// Settlement is how an attempt ends: exactly one of delivered, unrouted, retry or
// dead.
type Settlement struct {
	State        State // Delivered, Unrouted, Pending or Dead
	At           time.Time
	NotBefore    time.Time // Pending only
	DueAt        time.Time // Pending and Dead
	ErrorClass   string    // of Unrouted: ClassDestinationRemoved, or empty
	Error        string
	Destinations []Progress
	Attempts     []Attempt // of this lease
	Superseded   bool      // found out in this attempt: the event gets the flag
	ExpiresAt    time.Time // Delivered and Unrouted
}
