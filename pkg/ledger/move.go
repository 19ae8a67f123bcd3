package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Revive brings a dead event back to work on the move's lane: dead to pending,
// a new budget, due at once or at DueAt (the model's V1). It requires the
// death that the caller saw.
func (l *Ledger) Revive(ctx context.Context, m webhook.Revival) (webhook.Record, error) {
	return l.move(ctx, m, webhook.Dead, "death = :seen", m.Death)
}

// Unpark brings a parked event back to work; never back to dead, where a late
// clearing of an older dead letter could strand it (the model's Operator).
func (l *Ledger) Unpark(ctx context.Context, m webhook.Revival) (webhook.Record, error) {
	return l.move(ctx, m, webhook.Parked, "death = :seen", m.Death)
}

// Replay delivers a delivered event once more: generation + 1 (P0 and P1 of the
// model's Replay). It requires the generation that the caller saw. The idempotency key
// stays unless Again is set.
func (l *Ledger) Replay(ctx context.Context, m webhook.Revival) (webhook.Record, error) {
	return l.move(ctx, m, webhook.Delivered, "generation = :seen", m.Generation)
}

// move is the way back to pending. It returns webhook.ErrNotFound and
// webhook.ErrChanged; the latter changed nothing. A move whose answer was lost
// is recognised by its nonce. The model's V0 and V1, P0 and P1.
func (l *Ledger) move(ctx context.Context, m webhook.Revival, from webhook.State, cond string, seen int) (webhook.Record, error) {
	old, err := l.getItem(ctx, keyOf(m.ID))
	if err != nil {
		return webhook.Record{}, err
	}
	due := at(m.DueAt)
	u := update{
		key: keyOf(m.ID),
		set: "#state = :pending, lane = :lane, abandoned = :zero, sweeps = :zero, updated_at = :now, " +
			"due_at = :due, due_key = :due_key, due_shard = :due_shard, move_nonce = :nonce, destinations = :destinations",
		remove: "not_before, expires_at, dead_shard, dead_key",
		cond:   "#state = :from AND lease_number = :number AND " + cond,
		names:  map[string]string{"#state": "state"},
		values: map[string]any{
			":pending": string(webhook.Pending), ":from": string(from), ":lane": string(m.Lane), ":zero": 0,
			":now": at(m.At), ":due": due, ":due_key": timeKey(due, m.ID), ":due_shard": dueShard(m.ID),
			":nonce": m.Nonce, ":seen": seen, ":number": old.LeaseNumber,
			":destinations": progressOf(newBudget(old.record().Destinations)),
		},
	}
	if m.Redrive && from != webhook.Parked {
		u.set += ", redrives = redrives + :one"
		u.values[":one"] = 1
	}
	if from == webhook.Parked {
		u.set += ", redrives = :zero" // or its next death would park it again
	}
	if from == webhook.Delivered {
		u.set += ", generation = :generation"
		u.values[":generation"] = seen + 1
		u.values[":destinations"] = resetAll(old.record().Destinations)
		if m.Again {
			u.set += ", effect_key = :generation"
		}
	}
	it, err := l.apply(ctx, u)
	var failed *errCondition
	if errors.As(err, &failed) && failed.old.MoveNonce == m.Nonce && m.Nonce != "" {
		return failed.old.record(), nil
	}
	if err != nil {
		return webhook.Record{}, changed(err)
	}
	return it.record(), nil
}

// resetAll opens every destination: a replay repeats what succeeded. (P1.)
func resetAll(list []webhook.Progress) []progress {
	out := make([]progress, 0, len(list))
	for _, p := range list {
		out = append(out, progress{Name: p.Name})
	}
	return out
}

// Release sets a held event free: the Operator of intake.pml, and its C2.
func (l *Ledger) Release(ctx context.Context, id webhook.EventID, now, dueAt time.Time) (webhook.Record, error) {
	due := at(dueAt)
	it, err := l.apply(ctx, update{
		key: keyOf(id),
		set: "#state = :pending, updated_at = :now, " +
			"due_at = :due, due_key = :due_key, due_shard = :due_shard",
		remove: "dead_shard, dead_key",
		cond:   "#state = :held",
		names:  map[string]string{"#state": "state"},
		values: map[string]any{
			":pending": string(webhook.Pending), ":held": string(webhook.Held), ":now": at(now),
			":due": due, ":due_key": timeKey(due, id), ":due_shard": dueShard(id),
		},
	})
	if err != nil {
		return webhook.Record{}, changed(err)
	}
	return it.record(), nil
}

// Park sets a dead event aside and owes nothing for it; its dead letter is stale
// from then on. It requires the death that the caller saw. The model's Operator.
func (l *Ledger) Park(ctx context.Context, id webhook.EventID, death int, now time.Time) error {
	_, err := l.apply(ctx, update{
		key:    keyOf(id),
		set:    "#state = :parked, updated_at = :now, dead_shard = :shard",
		remove: "due_at, due_key, due_shard",
		cond:   "#state = :dead AND death = :death",
		names:  map[string]string{"#state": "state"},
		values: map[string]any{
			":parked": string(webhook.Parked), ":dead": string(webhook.Dead), ":death": death, ":now": at(now),
			":shard": awaitingOperatorShard(webhook.Parked, id),
		},
	})
	return changed(err)
}

// Discard gives up a dead, parked or held event for good. It requires the
// state and lease number that the caller saw. The model's Operator, and that of
// intake.pml.
func (l *Ledger) Discard(ctx context.Context, seen webhook.Record, now, expiresAt time.Time) error {
	switch seen.State {
	case webhook.Dead, webhook.Parked, webhook.Held:
	default:
		return fmt.Errorf("%s is %s: only a dead, parked or held event can be discarded: %w", seen.ID, seen.State, webhook.ErrChanged)
	}
	_, err := l.apply(ctx, update{
		key:    keyOf(seen.ID),
		set:    "#state = :discarded, updated_at = :now, expires_at = :expires",
		remove: "due_at, due_key, due_shard, dead_shard, dead_key",
		cond:   "#state = :from AND lease_number = :number",
		names:  map[string]string{"#state": "state"},
		values: map[string]any{
			":discarded": string(webhook.Discarded), ":from": string(seen.State), ":number": seen.LeaseNumber,
			":now": at(now), ":expires": seconds(expiresAt),
		},
	})
	return changed(err)
}
