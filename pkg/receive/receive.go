// Package receive is the use case of the front: authenticate, parse, identify,
// claim, enqueue. What it acknowledges is durable. docs/model/README.md says which
// steps of the models its functions are.
package receive

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// Sources finds a configured sender and opens it with the token of a request.
// With a token that is none of the sender's it returns a source without secrets,
// which refuses it. It returns auth.ErrUnknownSource for a name that is not
// configured, and an error that wraps webhook.ErrUnavailable when that cannot be
// read.
type Sources interface {
	Source(ctx context.Context, name, token string) (auth.Source, error)
}

// Bodies compresses a body, and stores it apart when it is too large to be
// inline. Storing takes the mark for deletion away; Expire sets it again. Erase
// destroys a large body.
type Bodies interface {
	Store(ctx context.Context, account string, body []byte) (webhook.Payload, error)
	Expire(ctx context.Context, p webhook.Payload, keep time.Duration) error
	Erase(ctx context.Context, p webhook.Payload) error
}

// Ledger makes a receipt durable.
type Ledger interface {
	Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error)
	ClaimReceived(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error)
}

// Repeats counts a receipt of an event that is there, in one write and without its payload.
// known is false where it is not there, or where the receipt is more than a duplicate of
// it: then Claim decides.
type Repeats interface {
	Repeat(ctx context.Context, r webhook.Receipt) (claimed webhook.Claimed, known bool, err error)
}

// Erasures take an event that was made back out of the ledger. Each may be repeated, and
// returns webhook.ErrNotFound for what does not exist. Erase returns webhook.ErrChanged,
// having changed nothing, while a worker holds the event's lease.
type Erasures interface {
	Erase(ctx context.Context, e webhook.Erasure) (webhook.Record, error)
	Variants(ctx context.Context, id webhook.EventID) ([]webhook.Variant, error)
	EraseVariant(ctx context.Context, id webhook.EventID, fingerprint string, now, expiresAt time.Time) error
	EndErasure(ctx context.Context, id webhook.EventID) error
}

// Queue puts messages on a lane; the answer has one entry a message.
type Queue interface {
	Send(ctx context.Context, lane webhook.Lane, msgs []webhook.Message) []error
}

// RejectedRequests keeps requests that were not accepted.
type RejectedRequests interface {
	RecordRejectedRequest(ctx context.Context, r webhook.RejectedRequest) error
}

// Scopes records which webhook of the provider sends what. Known makes no call; Record
// is bounded in time, and returns those of which a second webhook is seen for the first
// time.
type Scopes interface {
	Known(s webhook.Scope) bool
	Record(ctx context.Context, seen []webhook.Scope) (second []webhook.Scope, err error)
}

// Policy is what an operator may tune.
type Policy struct {
	Grace          time.Duration // after the claim, before the sweeper sends what nobody leased
	StatusWindow   time.Duration // a campaign status repeated this soon is a duplicate
	Window         time.Duration // the same for every other timeless event
	TestWindow     time.Duration // the same for a test event of the dashboard
	SecretsTimeout time.Duration // for the sender's secrets, where no copy is there yet
	ClaimTimeout   time.Duration // for all claims of one request; a quarter of it for what is taken for a repeat
	SendTimeout    time.Duration // for the enqueueing of one request
	MaxElements    int           // of one array
	Retention      time.Duration // of an event that Enter erases, where its source has none of its own
}

// DefaultPolicy answers within 10 seconds whatever the stores do: its timeouts
// follow one another, and Lambda ends the function after 10. The window of a
// campaign status is short, because a false repeat of one sets the same state
// again, and a lost one leaves the CRM wrong. That of a test event is shorter still:
// whoever presses the dashboard's button again waits for the event.
var DefaultPolicy = Policy{
	Grace:          2 * time.Minute,
	StatusWindow:   30 * time.Minute,
	Window:         24 * time.Hour,
	TestWindow:     time.Minute,
	SecretsTimeout: 2 * time.Second,
	ClaimTimeout:   4 * time.Second,
	SendTimeout:    3 * time.Second,
	MaxElements:    5000,
}

// Ports are what the use case needs of the outside.
type Ports struct {
	Sources          Sources
	Bodies           Bodies
	Ledger           Ledger
	Repeats          Repeats // nil: every receipt is claimed
	Queue            Queue
	RejectedRequests RejectedRequests
	Errors           Errors   // for Report alone
	Scopes           Scopes   // nil: nothing is recorded
	Erasures         Erasures // for Enter alone
	Now              func() time.Time
	Nonce            func() string
}

// Service is safe for concurrent use.
type Service struct {
	Ports
	policy     Policy
	read       parser
	rejections *rate.Limiter
	recent     recent
}

type parser func([]byte, smartlead.Options) (smartlead.Batch, error)

// rejectionsPerSecond bounds what a flood of bad requests may write, for each
// running instance.
const rejectionsPerSecond = 5

// New returns the use case. It makes no call.
func New(p Ports, policy Policy) *Service {
	return &Service{Ports: p, policy: policy, read: smartlead.Parse, rejections: rate.NewLimiter(rejectionsPerSecond, 4*rejectionsPerSecond)}
}

// Status is what became of one element of a request. The caller reads it.
type Status string

// The first four are the outcomes of a claim.
const (
	Accepted  = Status(webhook.ClaimAccepted)
	Duplicate = Status(webhook.ClaimDuplicate)
	Variant   = Status(webhook.ClaimVariant)
	Held      = Status(webhook.ClaimHeld)
	// Rejected: the element can never be an event.
	Rejected Status = "rejected"
	// Failed: the element is not durable; send the request again.
	Failed Status = "failed"
)

// Statuses lists every status.
var Statuses = []Status{Accepted, Duplicate, Variant, Held, Rejected, Failed}

// Result is the outcome of one element.
type Result struct {
	Index     int
	EventID   webhook.EventID
	Type      webhook.Type
	Status    Status
	Reason    string // of a rejection: safe to show
	Unclaimed bool   // durable in the queue alone
	Enqueued  bool   // a message was accepted by SQS
	// SecondHook: a webhook was seen for the first time, while another one sends the same
	// type of the same campaign.
	SecondHook bool
	Err        error // for the log
}

// Answer is the outcome of a request: one result for each element, in their
// order.
type Answer struct {
	Results []Result
}

// Receive takes one request from the outside to durable events. The order is
// the contract: nothing is read or decompressed of an unauthenticated body, nothing is enqueued
// before its claim was tried, nothing is acknowledged before it is durable.
//
// It returns *Error for a request that is not accepted, and an Answer with the
// outcome of each element otherwise; with Failed elements the error is an *Error
// of kind Unavailable and the Answer is filled in all the same.
func (s *Service) Receive(ctx context.Context, req Request) (Answer, error) {
	req = req.WithoutToken()
	src, err := s.authenticate(ctx, req)
	if err != nil {
		return Answer{}, s.refuse(ctx, req, err)
	}
	plain, err := decode(req)
	if err != nil {
		return Answer{}, s.refuse(ctx, req, err)
	}
	batch, err := s.parse(src, req, plain)
	if err != nil {
		return Answer{}, s.refuse(ctx, req, err)
	}
	elements := s.identify(src, req, batch)
	s.claim(ctx, elements)
	s.enqueueAndAudit(ctx, req, elements)
	return answer(elements)
}

// Ready tells whether a request that carries no event comes from a configured
// sender, so that a person can check the URL. The errors are those of Receive.
func (s *Service) Ready(ctx context.Context, req Request) error {
	req = req.WithoutToken()
	if _, err := s.authenticateToken(ctx, req); err != nil {
		return s.refuse(ctx, req, err)
	}
	return nil
}

// Astray refuses a request to a path that looks like a webhook URL and is none, and
// keeps it like every refused request, without the path, which may hold a token.
// Nothing of the request is judged, so that the answer tells nothing. parts is the
// number of parts of the path. It returns an *Error of kind NotFound.
func (s *Service) Astray(ctx context.Context, req Request, parts int) error {
	req = req.WithoutToken()
	return s.refuse(ctx, req, &Error{
		Kind: NotFound, Cause: "wrong_path",
		Err: fmt.Errorf("a path of %d parts; a webhook URL is /webhooks/SOURCE/TOKEN", parts),
	})
}
