// Package ledgertest holds every ledger to the claim protocol. Each subtest
// states one rule; an implementation that passes all of them may stand in for
// any other.
package ledgertest

import (
	"context"
	"iter"
	"testing"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// Ledger is all that the use cases ask of a ledger.
type Ledger interface {
	Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error)
	ClaimReceived(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error)
	LoadLooks(ctx context.Context, n int) (webhook.Looks, error)
	ListDue(ctx context.Context, after string, until time.Time) (webhook.Looked, error)
	SaveLooks(ctx context.Context, looks webhook.Looks, now time.Time) error
	Repeat(ctx context.Context, r webhook.Receipt) (claimed webhook.Claimed, known bool, err error)
	Variants(ctx context.Context, id webhook.EventID) ([]webhook.Variant, error)
	UnderWay(ctx context.Context, since, now time.Time) iter.Seq2[webhook.EventID, error]
	UnsplitVariants(ctx context.Context, since time.Time) iter.Seq2[ledger.VariantEntry, error]
	Split(ctx context.Context, v webhook.Variant, now, dueAt time.Time) (webhook.EventID, error)

	FirstAttempt(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, bool, error)
	Lease(ctx context.Context, req webhook.LeaseRequest) (webhook.Lease, error)
	Superseded(ctx context.Context, r webhook.Record) (bool, error)
	Settle(ctx context.Context, lease webhook.Lease, s webhook.Settlement) error
	ConfirmDeadLetter(ctx context.Context, id webhook.EventID, death int, dueAt time.Time) error
	Due(ctx context.Context, shard int, now time.Time, after string, limit int) ([]webhook.EventID, string, error)
	Swept(ctx context.Context, seen webhook.Record, next time.Time) error

	Revive(ctx context.Context, m webhook.Revival) (webhook.Record, error)
	Unpark(ctx context.Context, m webhook.Revival) (webhook.Record, error)
	Replay(ctx context.Context, m webhook.Revival) (webhook.Record, error)
	Release(ctx context.Context, id webhook.EventID, now, dueAt time.Time) (webhook.Record, error)
	Park(ctx context.Context, id webhook.EventID, death int, now time.Time) error
	Discard(ctx context.Context, seen webhook.Record, now, expiresAt time.Time) error
	HandOver(ctx context.Context, h webhook.HandOver) (webhook.Record, error)

	Erase(ctx context.Context, x webhook.Erasure) (webhook.Record, error)
	EndErasure(ctx context.Context, id webhook.EventID) error
	EraseVariant(ctx context.Context, id webhook.EventID, fingerprint string, now, expiresAt time.Time) error

	Get(ctx context.Context, id webhook.EventID) (webhook.Record, error)
	GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error)
	List(ctx context.Context, q ledger.Query) (ledger.Page, error)
	Entries(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Entry, error]
	Dead(ctx context.Context, until time.Time, after string, limit int) (records []webhook.Record, keys []string, next string, err error)
	DeadSummaries(ctx context.Context, until time.Time) iter.Seq2[webhook.DeadSummary, error]
	Recent(ctx context.Context, since, now time.Time, limit int) ([]webhook.Record, error)

	RecordRejectedRequest(ctx context.Context, r webhook.RejectedRequest) error
	RejectedRequests(ctx context.Context, since, until time.Time, limit int) ([]webhook.RejectedRequest, error)

	EachRejected(ctx context.Context, since, until time.Time) iter.Seq2[webhook.RejectedRequest, error]
	EraseRejected(ctx context.Context, r webhook.RejectedRequest) error

	LoadDocument(ctx context.Context, kind, name string) ([]byte, int, error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
	ListDocuments(ctx context.Context, kind string, limit int) ([]webhook.Document, error)
}

// Counter is implemented by a ledger that can tell how many items of any kind
// it holds, so that a write that should create nothing is seen to create
// nothing.
type Counter interface{ CountItems(t testing.TB) int }

// rule is one sentence of the protocol and how to see that it holds.
type rule struct {
	name  string
	check func(e *env)
}

// Run holds the ledger to every rule. open returns an empty ledger.
func Run(t *testing.T, open func(t *testing.T) Ledger) {
	t.Run("look", func(t *testing.T) { hold(t, open, lookRules) })
	for _, g := range groups() {
		t.Run(g.name, func(t *testing.T) { hold(t, open, g.rules) })
	}
}

// RunReceiving holds it to the same rules where every claim is that of a receiver, and
// every listing of what is due comes behind a look.
func RunReceiving(t *testing.T, open func(t *testing.T) Ledger) {
	for _, g := range groups() {
		t.Run(g.name, func(t *testing.T) {
			hold(t, func(t *testing.T) Ledger { return receiving(open(t)) }, g.rules)
		})
	}
}

func hold(t *testing.T, open func(t *testing.T) Ledger, rules []rule) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			e := &env{T: t, l: open(t), ctx: t.Context()}
			r.check(e)
			e.checkInvariants()
		})
	}
}

type group struct {
	name  string
	rules []rule
}

func groups() []group {
	return []group{
		{"claim", claimRules},
		{"synthesized", synthesizedRules},
		{"timeless", timelessRules},
		{"variant", variantRules},
		{"lease", leaseRules},
		{"first attempt", firstRules},
		{"dead letter", deadLetterRules},
		{"settle", settleRules},
		{"superseded", supersededRules},
		{"unrouted", unroutedRules},
		{"fence", fenceRules},
		{"sweep", sweepRules},
		{"move", moveRules},
		{"replay", replayRules},
		{"hand-over", handOverRules},
		{"erase", eraseRules},
		{"states", stateRules},
		{"list", listRules},
		{"entries", entryRules},
		{"page", pageRules},
		{"race", raceRules},
		{"beside", besideRules},
	}
}
