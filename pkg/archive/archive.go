// Package archive is the use case of keeping every event in objects of S3, for whoever
// asks of months what the ledger keeps for days: sorted lines of JSON, one object for each
// account and hour, in folders that Athena finds without being told of each.
//
// What was received in an hour is archived once the hour is closed, a margin after its
// end, and looked at twice more: a claim can come days late. What an hour holds already is
// listed before anything is written, and an object's name says how many events it has and
// the sum of their ids' digests. So a run that broke off anywhere is gone on with by the
// next, and an hour that lacks nothing costs no reading.
package archive

import (
	"context"
	"iter"
	"time"

	"smartlead-receiver/pkg/turn"
	"smartlead-receiver/pkg/webhook"
)

// Ledger is what the archive is made of.
type Ledger interface {
	// ReceivedBetween hands over what was received, the first one first, variants too; it
	// may miss what was claimed a moment ago.
	ReceivedBetween(ctx context.Context, since, until time.Time) iter.Seq2[webhook.Seen, error]
	// WithPayloads reads events whole; what does not exist is missing. Beside a
	// *webhook.UnreadableError stands what could be read.
	WithPayloads(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error)
}

// Bodies are the payloads. Load returns webhook.ErrNotFound for one that is gone.
type Bodies interface {
	Load(ctx context.Context, p webhook.Payload) ([]byte, error)
}

// Object is one that a listing shows.
type Object = webhook.ArchiveObject

// Objects is where the archive is. Every error wraps webhook.ErrUnavailable where nobody
// answered.
type Objects interface {
	// List hands over the objects whose keys begin so, by key. It sees what was written
	// before it was called.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Create writes an object unless there is one of that key: then it is false.
	Create(ctx context.Context, key string, body []byte) (bool, error)
	// Get reads an object whole. It returns webhook.ErrNotFound.
	Get(ctx context.Context, key string) ([]byte, error)
	// Place names where the objects are, for people and for who comes later.
	Place() Place
}

// Place is a bucket, and what the keys in it begin with.
type Place = webhook.ArchivePlace

// Ports are what the archiver needs of the outside.
type Ports struct {
	Ledger    Ledger
	Bodies    Bodies
	Objects   Objects
	Documents turn.Documents
	// Normalize returns the event of a stored body.
	Normalize func(body []byte, account string) (webhook.Event, error)
	Now       func() time.Time
	Nonce     func() string
}

// Policy is what may be tuned.
type Policy struct {
	Every time.Duration // what goes into one object: an hour, or what divides it
	// Looks say how long after its end an hour is looked at: first to archive it, then for
	// what came late. They rise.
	Looks []time.Duration
	// Back is how far back the first look begins, once.
	Back time.Duration
	// PartText and PartBytes bound an object, in bytes before and after compression: one
	// line more than either.
	PartText, PartBytes int
	// LineText bounds a line, in bytes: of one that is longer, members are left out.
	LineText int
	// Gather bounds the ids that are held of an hour; one with more is walked once for
	// each account.
	Gather int
	// Lease is how long a run without a deadline holds its lease; Margin is kept back of
	// one with a deadline, for the last object and write.
	Lease, Margin time.Duration
}

// DefaultPolicy looks a quarter of an hour after the end of each hour, a day after it, and
// when an unclaimed message that was received in it can wait nowhere any more: queues
// keep one for 14 days.
var DefaultPolicy = Policy{
	Every: time.Hour, Looks: []time.Duration{15 * time.Minute, 24 * time.Hour, 14*24*time.Hour + 6*time.Hour},
	Back:     90 * 24 * time.Hour,
	PartText: 64 << 20, PartBytes: 16 << 20, LineText: 12 << 20, Gather: 100_000,
	Lease: 5 * time.Minute, Margin: 30 * time.Second,
}

// EachHolding is the policy of an archive with an object for each account and so long a
// time: an hour, or what divides it. The margin of the first look is a quarter of it.
func (p Policy) EachHolding(every time.Duration) Policy {
	p.Every = every
	p.Looks = append([]time.Duration{every / 4}, p.Looks[1:]...)
	return p
}

// Service archives. It is safe for concurrent use, in several processes, too.
type Service struct {
	Ports
	policy Policy
}

// New returns the use case. It makes no call.
func New(p Ports, policy Policy) *Service { return &Service{Ports: p, policy: policy} }
