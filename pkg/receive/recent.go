package receive

import (
	"slices"
	"sync"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// recentReceipts is how many receipts are remembered at least; twice as many at most,
// about 150 bytes each.
const recentReceipts = 512

// hintRest is how long no hint is followed after one that the store did not answer: where
// it is slow, two calls would take what one has left.
const hintRest = 30 * time.Second

// recent remembers which receipts this instance has seen made durable, so that a repeat is
// met with the write that counts it, and not with a claim that fails first. It is a hint:
// what a repeat does is decided by the event as it stands. Safe for concurrent use.
type recent struct {
	mu            sync.Mutex
	newer, before map[identity]struct{}
	rests         time.Time // until then none is known
}

// identity is what two receipts of one body from equally trusted senders have in common.
type identity struct {
	key, fingerprint string
	held             bool
}

func identityOf(r *webhook.Receipt) identity { return identity{r.Key, r.Fingerprint, r.Held} }

func (r *recent) has(id identity, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.rests) {
		return false
	}
	_, newer := r.newer[id]
	_, before := r.before[id]
	return newer || before
}

func (r *recent) add(id identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.newer) >= recentReceipts {
		r.newer, r.before = nil, r.newer
	}
	if r.newer == nil {
		r.newer = make(map[identity]struct{})
	}
	r.newer[id] = struct{}{}
}

func (r *recent) rest(until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rests = until
}

func (r *recent) remove(id identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.newer, id)
	delete(r.before, id)
}

// repeatsPlainly tells whether the same receipt once more is a duplicate of the event, as
// far as can be told. It is not where it became an event beside that of its own identity,
// nor where a trusted sender's leaves one held, or discarded, that is not trusted. One with
// a large body is claimed each time, because storing that puts back what may be lost.
func repeatsPlainly(c webhook.Claimed, r *webhook.Receipt) bool {
	rec := &c.Record
	waits := rec.State == webhook.Held ||
		(rec.State == webhook.Discarded && slices.Contains(rec.Flags, webhook.FlagUntrustedSender))
	return (c.Status == webhook.ClaimAccepted || c.Status == webhook.ClaimDuplicate) &&
		!r.Timeless && !r.Synthesized() && rec.Fingerprint == r.Fingerprint && rec.Payload.Ref == "" && !rec.Erased() &&
		c.ID == webhook.NewEventID(r.Key, 1) && (r.Held || !waits)
}
