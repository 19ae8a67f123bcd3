// Package operator is what a person may do with events and with the keys that
// senders are trusted by: replay, park, unpark, discard, release, split, trust a
// key, forget a lead. It decides which move fits which state, on which lane and when a moved
// event is due, in which order the stores are written, and what a person must
// agree to first. A command line or a console asks, and puts the results into
// words.
//
// Ledger first, queue second, the sweeper repairs: a move is made in the ledger
// with a due time, and only then is the worker told. A message that was refused,
// or whose answer was lost, loses nothing: the sweeper sends what is due. A move
// whose own answer was lost is never repeated with newer values: somebody has to
// look first.
package operator

import (
	"context"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
)

// Events reads events as they stand.
type Events interface {
	// Get returns webhook.ErrNotFound where there is no such event.
	Get(ctx context.Context, id webhook.EventID) (webhook.Record, error)
	// GetMany reads consistently and without payloads; what does not exist is
	// missing in the answer.
	GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error)
}

// Revivals bring an event back to work. Each requires exactly what was seen:
// they return webhook.ErrNotFound and webhook.ErrChanged, having changed nothing.
type Revivals interface {
	Revive(ctx context.Context, m webhook.Revival) (webhook.Record, error)
	Unpark(ctx context.Context, m webhook.Revival) (webhook.Record, error)
	Replay(ctx context.Context, m webhook.Revival) (webhook.Record, error)
}

// Judgements settle what waits for an operator. They return webhook.ErrNotFound
// and webhook.ErrChanged, having changed nothing.
type Judgements interface {
	Park(ctx context.Context, id webhook.EventID, death int, now time.Time) error
	Discard(ctx context.Context, seen webhook.Record, now, expiresAt time.Time) error
	Release(ctx context.Context, id webhook.EventID, now, dueAt time.Time) (webhook.Record, error)
}

// Variants makes another body under an event's identity an event of its own.
type Variants interface {
	// Split may be repeated, and then changes nothing.
	Split(ctx context.Context, v webhook.Variant, now, dueAt time.Time) (webhook.EventID, error)
}

// HeldEvents lists the held events of a source.
type HeldEvents interface {
	Held(ctx context.Context, q HeldQuery) (HeldPage, error)
}

// HeldQuery asks for held events of a source, the latest received first.
type HeldQuery struct {
	Source       string
	Since, Until time.Time // of receipt; Until zero: no bound
	Now          time.Time
	After        string // continues behind an earlier page
	Limit        int    // events to return
}

// HeldPage is a part of a listing, without payloads. It may be empty and still
// have a Next.
type HeldPage struct {
	Records []webhook.Record
	Next    string // empty at the end
	Looked  int    // events looked at, of other sources too
}

// Bodies reads stored bodies, and lets large ones expire.
type Bodies interface {
	Load(ctx context.Context, p webhook.Payload) ([]byte, error)
	// Expire marks a large body for deletion; a small one expires with its event.
	Expire(ctx context.Context, p webhook.Payload, keep time.Duration) error
	// Erase destroys a large body; a small one is erased with its event.
	Erase(ctx context.Context, p webhook.Payload) error
}

// Queue tells the worker. A send that failed may have been accepted all the
// same. The answer has one entry for each message, nil where it was accepted.
type Queue interface {
	Send(ctx context.Context, lane webhook.Lane, msgs []webhook.Message) []error
}

// Sources keeps the configured senders.
type Sources interface {
	PutSource(ctx context.Context, source auth.Source) error
}

// Ports are what the use cases need of the outside.
type Ports struct {
	Events     Events
	Revivals   Revivals
	Judgements Judgements
	Variants   Variants
	HeldEvents HeldEvents
	HandOvers  HandOvers
	LeadEvents LeadEvents
	Erasures   Erasures
	Refusals   Refusals
	Incidents  Incidents
	Findings   Incidents // of comparisons with Smartlead; nil: none are kept
	Traces     Traces    // nil: none are kept
	Archive    Archive   // nil: there is none
	Records    Records
	Bodies     Bodies
	Queue      Queue
	Sources    Sources
	Now        func() time.Time
	Nonce      func() (string, error)                     // new for every move
	Sleep      func(ctx context.Context, d time.Duration) // returns early when ctx ends
}

// Policy is the stack's own times, so that what a person moves is swept and kept
// like what the functions move.
type Policy struct {
	Grace     time.Duration // behind a move, before the sweeper acts
	Retention time.Duration // of a discarded event
}

// Service is safe for concurrent use: every move is conditional in the ledger.
type Service struct {
	Ports
	policy Policy
}

// New returns the use cases.
func New(p Ports, policy Policy) *Service { return &Service{Ports: p, policy: policy} }
