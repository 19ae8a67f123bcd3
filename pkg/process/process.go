// Package process is the use case of the worker: lease, deliver, settle. It
// knows the ledger as the truth and a message as a mere hint. docs/model/README.md
// says which steps of the models its functions are.
package process

import (
	"context"
	"errors"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Ledger is what the worker may do to an event.
type Ledger interface {
	Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error)
	FirstAttempt(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, bool, error)
	Lease(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, error)
	Superseded(ctx context.Context, r webhook.Record) (bool, error)
	Settle(ctx context.Context, lease webhook.Lease, s webhook.Settlement) error
	ConfirmDeadLetter(ctx context.Context, id webhook.EventID, death int, dueAt time.Time) error
}

// DeadLetters puts dead letters into the dead letter queue. The answer has one
// entry for each, nil where the queue took it.
type DeadLetters interface {
	SendDeadLetters(ctx context.Context, msgs []webhook.Message) []error
}

// Bodies reads a payload back, marks a large one for deletion, and destroys one that
// may not be kept.
type Bodies interface {
	Load(ctx context.Context, p webhook.Payload) ([]byte, error)
	Expire(ctx context.Context, p webhook.Payload, keep time.Duration) error
	Erase(ctx context.Context, p webhook.Payload) error
}

// Destinations returns what is configured, by name; the map is read only. The
// error wraps webhook.ErrUnavailable.
type Destinations interface {
	Destinations(ctx context.Context) (map[string]webhook.Destination, error)
}

// Normalize turns a stored body into the event that destinations receive.
type Normalize func(body []byte, account string) (webhook.Event, error)

// Policy is what an operator may tune.
type Policy struct {
	MaxAttempts   int           // of each destination, since the event was last revived; not those it postponed
	MaxAbandoned  int           // leases since the last revival that may end without reporting an outcome
	RetryBase     time.Duration // first back-off; doubles
	RetryMax      time.Duration // longest back-off
	MaxRetryAfter time.Duration // for which a destination is waited at its own wish
	Grace         time.Duration // behind a due time, before the sweeper acts
	Lease         time.Duration // where the invocation has no deadline
	Retention     time.Duration // of a delivered or unrouted event
}

// DefaultPolicy retries for about ten minutes before an event dies: seven waits of
// 635 seconds at most, and the sweeper's time for those beyond webhook.LongestInQueue.
// Retention is more than the life of any message, the provider's longest
// documented series of retries and a destination's dedupe window.
var DefaultPolicy = Policy{
	MaxAttempts:   8,
	MaxAbandoned:  3,
	RetryBase:     5 * time.Second,
	RetryMax:      30 * time.Minute,
	MaxRetryAfter: 6 * time.Hour,
	Grace:         2 * time.Minute,
	Lease:         time.Minute,
	Retention:     90 * 24 * time.Hour,
}

// Ports are what the use case needs of the outside.
type Ports struct {
	Ledger       Ledger
	DeadLetters  DeadLetters
	Bodies       Bodies
	Destinations Destinations
	Normalize    Normalize
	Now          func() time.Time
	Nonce        func() string
	Random       func() float64 // 0 ≤ n < 1
}

// Service is safe for concurrent use.
type Service struct {
	Ports
	policy Policy
	large  chan struct{} // holds a place for each event with a large body that is being delivered
}

// largeAtOnce is how many events with a body in the store of large ones are delivered
// at once: each takes some ten times its size, and a batch may hold ten. The others
// wait; with a destination that takes its whole default timeout, the last of a batch
// still has its turn within the invocation.
const largeAtOnce = 3

// New returns the use case. It makes no call.
func New(p Ports, policy Policy) *Service {
	p.Ledger = patient{p.Ledger}
	return &Service{Ports: p, policy: policy, large: make(chan struct{}, largeAtOnce)}
}

// Report is what became of one message.
type Report struct {
	EventID  webhook.EventID
	Source   string
	Type     webhook.Type
	Attempt  int // the lease number; 0 when nothing was leased
	Outcome  Outcome
	Cause    string // the error class of a death, whose attempt need not have failed
	Attempts []webhook.Attempt
	Latency  time.Duration // from receipt until every destination was settled

	// Retry asks for the message again after RetryIn; 0 leaves it to the
	// queue's own visibility timeout. Without Retry the message is done with.
	Retry   bool
	RetryIn time.Duration
	NextAt  time.Time // of the next attempt; zero: none is planned
	Err     error     // for the log
}

// Process takes one message to a settled attempt. It returns no error: what it
// could not do is in the report, and the ledger's due time sees to the rest.
func (s *Service) Process(ctx context.Context, m webhook.Message) Report {
	id, first, report, ok := s.resolve(ctx, m)
	if !ok {
		return report
	}
	// They are read once a message, so that the names that its first lease fixes are
	// those that it is delivered to.
	destinations, err := s.Destinations.Destinations(ctx)
	if err != nil {
		return Report{EventID: id, Outcome: DestinationsUnreadable, Retry: true, RetryIn: comeBack(m.Receives, s.Random), Err: err}
	}
	lease, report, ok := s.lease(ctx, id, m, destinations)
	if !ok {
		return report
	}
	if lease.Number == 1 && !lease.First && !first {
		lease.Record.FirstUnknown = true
	}
	late, unknown := s.superseded(ctx, lease.Record)
	attempts := s.deliver(ctx, lease, destinations, late, unknown)
	settlement := s.decide(lease, attempts)
	settlement.Superseded = late
	return s.settle(ctx, lease, settlement)
}

// resolve finds the event that the message is about. An unclaimed message is
// claimed first: until then it is the only copy. first: no first attempt can have been
// made before, since this is the first receipt of the only message that may make one, or
// has made the claim itself.
func (s *Service) resolve(ctx context.Context, m webhook.Message) (id webhook.EventID, first bool, report Report, ok bool) {
	if m.Kind != webhook.KindUnclaimed {
		return m.ID, isFirst(m), Report{}, true
	}
	claimed, err := s.Ledger.Claim(ctx, *m.Receipt, s.Nonce(), s.Now().Add(s.policy.Grace))
	for _, p := range claimed.ToErase { // the message goes only when nothing is left of it
		err = errors.Join(err, s.Bodies.Erase(ctx, p))
	}
	report = Report{EventID: claimed.ID, Source: m.Receipt.Source, Type: m.Receipt.Type}
	switch {
	case err != nil:
		report.EventID = webhook.EventID(m.Receipt.Key)
		report.Outcome, report.Retry, report.RetryIn, report.Err = ClaimFailed, true, comeBack(m.Receives, s.Random), err
		return "", false, report, false
	case claimed.Status == webhook.ClaimHeld || claimed.Record.Finished() || s.awaitsFirst(claimed):
		report.Outcome = Outcome(claimed.Status)
		return "", false, report, false
	}
	return claimed.ID, claimed.Status == webhook.ClaimAccepted, report, true
}

// isFirst tells whether this is the first receipt of the receiver's own message of a claim.
func isFirst(m webhook.Message) bool { return m.First && m.Receives == 1 }

// awaitsFirst tells whether an event that was there before has yet to be worked on
// by the message of its own claim. Nobody may come between: a first attempt has no
// lease that would show. Where that message is lost, the sweeper sends another.
func (s *Service) awaitsFirst(c webhook.Claimed) bool {
	return c.Status != webhook.ClaimAccepted && c.Record.State == webhook.Pending &&
		c.Record.LeaseNumber == 0 && c.Record.DueAt.After(s.Now())
}
