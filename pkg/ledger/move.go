package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Revive brings a dead event back to work on the move's lane: dead to pending,
// a new budget, due at once or at DueAt. It requires the death
// that the caller saw.
func (l *Ledger) Revive(ctx context.Context, m webhook.Revival) (webhook.Record, error) {
	return l.move(ctx, m, webhook.Dead, "death", m.Death)
}

// Unpark brings a parked event back to work; never back to dead, where a late
// clearing of an older dead letter could strand it.
func (l *Ledger) Unpark(ctx context.Context, m webhook.Revival) (webhook.Record, error) {
	return l.move(ctx, m, webhook.Parked, "death", m.Death)
}

// Replay delivers a delivered or unrouted event once more: generation + 1. It
// requires the generation that the caller saw. The idempotency key stays unless
// Again is set. The next lease chooses the destinations anew: those that the event
// had may have been removed since, and others added.
func (l *Ledger) Replay(ctx context.Context, m webhook.Revival) (webhook.Record, error) {
	return l.move(ctx, m, webhook.Delivered, "generation", m.Generation)
}

// move is the way back to pending, for an event in the state from whose counter
// has the value seen; from webhook.Delivered an unrouted one, too. It returns
// webhook.ErrNotFound and webhook.ErrChanged; the latter changed nothing. A move
// whose answer was lost is recognised by its nonce; one that met a hand-over is made
// of what that left.
func (l *Ledger) move(ctx context.Context, m webhook.Revival, from webhook.State, counter string, seen int) (webhook.Record, error) {
	old, err := l.getItem(ctx, keyOf(m.ID))
	if err != nil {
		return webhook.Record{}, err
	}
	if from == webhook.Delivered && old.state() == webhook.Unrouted {
		from = webhook.Unrouted
	}
	for range maxLeaseRaces {
		it, err := l.apply(ctx, moved(m, old, from, counter, seen))
		var failed *errCondition
		switch {
		case err == nil:
			return it.record(), nil
		case !errors.As(err, &failed):
			return webhook.Record{}, err
		case failed.old.MoveNonce == m.Nonce && m.Nonce != "":
			return failed.old.record(), nil
		case failed.old.MoveNonce == old.MoveNonce || failed.old.state() != from || failed.old.erased():
			return webhook.Record{}, changed(err)
		}
		old = failed.old
	}
	return webhook.Record{}, unavailable("move", fmt.Errorf("%s moved %d times meanwhile", m.ID, maxLeaseRaces))
}

// moved is the write of a move.
func moved(m webhook.Revival, old item, from webhook.State, counter string, seen int) *update {
	u := change(m.ID).
		from(from).where("lease", old.LeaseNumber).where(counter, seen).unmoved(old).where("erased", "").
		state(webhook.Pending, m.At).lane(m.Lane).due(m.ID, m.DueAt).clearListed().
		set("abandoned", 0).set("sweeps", 0).set("move_nonce", m.Nonce).remove("not_before", "expires_at")
	if m.Redrive && from != webhook.Parked {
		u.increment("redrives")
	}
	if from == webhook.Parked {
		u.set("redrives", 0) // or its next death would park it again
	}
	if from.Settled() {
		u.set("generation", seen+1).remove("dests")
		if m.Again {
			u.set("effect_key", seen+1)
		}
	} else {
		u.set("dests", progressOf(newBudget(old.record().Destinations)))
	}
	return u
}

// Release sends a held event to work, due at dueAt. It returns webhook.ErrChanged
// where the event is held no more.
func (l *Ledger) Release(ctx context.Context, id webhook.EventID, now, dueAt time.Time) (webhook.Record, error) {
	it, err := l.apply(ctx, change(id).from(webhook.Held).
		state(webhook.Pending, now).due(id, dueAt).clearListed())
	if err != nil {
		return webhook.Record{}, changed(err)
	}
	return it.record(), nil
}

// Park sets a dead event aside and owes nothing for it; its dead letter is stale
// from then on. It requires the death that the caller saw.
func (l *Ledger) Park(ctx context.Context, id webhook.EventID, death int, now time.Time) error {
	_, err := l.apply(ctx, change(id).from(webhook.Dead).where("death", death).
		state(webhook.Parked, now).clearDue().stayListed(id, webhook.Parked))
	return changed(err)
}

// Discard gives up a dead, parked or held event for good. It requires the
// state and lease number that the caller saw.
func (l *Ledger) Discard(ctx context.Context, seen webhook.Record, now, expiresAt time.Time) error {
	if !seen.State.AwaitsOperator() {
		return fmt.Errorf("%s is %s: only a dead, parked or held event can be discarded: %w", seen.ID, seen.State, webhook.ErrChanged)
	}
	_, err := l.apply(ctx, change(seen.ID).from(seen.State).where("lease", seen.LeaseNumber).
		state(webhook.Discarded, now).clearDue().stayListed(seen.ID, webhook.Discarded).set("expires_at", seconds(expiresAt)))
	return changed(err)
}
