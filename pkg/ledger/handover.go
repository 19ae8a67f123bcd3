package ledger

import (
	"context"
	"errors"
	"fmt"

	"smartlead-receiver/pkg/webhook"
)

// HandOver lets an event that waits for the destination h.From wait for h.To
// instead, with a budget of its own. Where the event has that one already, only the
// first is settled, as removed. It takes a pending, dead or parked event; under a
// lease, its holder's settlement would undo it. An event that no worker has taken
// yet has no destinations, so that a first attempt without a lease undoes nothing.
//
// Who else writes the destinations from what was read before, a move and the lease
// of a dead letter, requires that no hand-over came between: by the nonce of the
// latest move, which a hand-over changes (unmoved).
//
// It returns webhook.ErrNotFound, and webhook.ErrChanged, having changed nothing,
// where the event does not wait for h.From in such a state. One whose answer was
// lost is recognised by its nonce.
func (l *Ledger) HandOver(ctx context.Context, h webhook.HandOver) (webhook.Record, error) {
	old, err := l.getItem(ctx, keyOf(h.ID))
	if err != nil {
		return webhook.Record{}, err
	}
	seen := old.record()
	if !seen.HandsOver(h.From) {
		return webhook.Record{}, fmt.Errorf("%s is %s, and is not handed over from %s: %w", h.ID, seen.State, h.From, webhook.ErrChanged)
	}
	after := h.Apply(seen.Destinations)
	u := change(h.ID).from(seen.State).where("lease", seen.LeaseNumber).unmoved(old).
		set("dests", progressOf(after)).set("updated", at(h.At)).set("move_nonce", h.Nonce)
	if seen.State != webhook.Pending {
		u.deadAt(after)
	}
	it, err := l.apply(ctx, u)
	var failed *errCondition
	if errors.As(err, &failed) && failed.old.MoveNonce == h.Nonce {
		return failed.old.record(), nil
	}
	if err != nil {
		return webhook.Record{}, changed(err)
	}
	return it.record(), nil
}

// unmoved requires that nobody has moved or handed over the event since it was read.
func (u *update) unmoved(old item) *update { return u.where("move_nonce", old.MoveNonce) }
