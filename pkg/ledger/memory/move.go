package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// ConfirmDeadLetter clears what a dead event owes: only for this death and the due
// time written with it.
func (l *Ledger) ConfirmDeadLetter(_ context.Context, id webhook.EventID, death int, dueAt time.Time) error {
	_, err := l.change(id, func(e *event) bool {
		return e.State == webhook.Dead && e.Death == death && e.owes(dueAt)
	}, func(e *event) { e.DueAt = time.Time{} })
	return err
}

// owes tells whether a message is owed since exactly that time.
func (e *event) owes(dueAt time.Time) bool {
	return !e.DueAt.IsZero() && e.DueAt.Equal(ms(dueAt))
}

// Due lists the overdue events of one shard, the longest overdue first.
func (l *Ledger) Due(_ context.Context, shard int, now time.Time, after string, limit int) (ids []webhook.EventID, next string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var keys []string
	byKey := map[string]webhook.EventID{}
	for id, e := range l.events {
		k := key(e.DueAt, id)
		if e.listedDue() && e.DueAt.Before(ms(now)) && shardOf(id) == shard && k > after {
			keys = append(keys, k)
			byKey[k] = id
		}
	}
	slices.Sort(keys)
	for _, k := range keys[:min(limit, len(keys))] {
		ids = append(ids, byKey[k])
		next = k
	}
	if len(keys) <= limit {
		next = ""
	}
	return ids, next, nil
}

// Swept records that SQS accepted what the event owed, if it is still as seen:
// pending and processing move their due time on, dead owes nothing more.
func (l *Ledger) Swept(_ context.Context, seen webhook.Record, next time.Time) error {
	_, err := l.change(seen.ID, func(e *event) bool {
		return e.State == seen.State && e.LeaseNumber == seen.LeaseNumber && e.owes(seen.DueAt)
	}, func(e *event) {
		if e.State == webhook.Dead {
			e.DueAt = time.Time{}
			return
		}
		e.DueAt = ms(next)
		e.Sweeps++
	})
	return err
}

// Revive brings a dead event back to work, if it died the death seen.
func (l *Ledger) Revive(_ context.Context, m webhook.Revival) (webhook.Record, error) {
	return l.move(m, func(e *event) bool { return e.State == webhook.Dead && e.Death == m.Death }, (*event).newBudget)
}

// Unpark brings a parked event back to work, if it died the death seen.
func (l *Ledger) Unpark(_ context.Context, m webhook.Revival) (webhook.Record, error) {
	return l.move(m, func(e *event) bool { return e.State == webhook.Parked && e.Death == m.Death }, func(e *event) {
		e.newBudget()
		e.Redrives = 0
	})
}

// Replay delivers a delivered or unrouted event once more, if its generation is the
// one seen. Its destinations are chosen anew.
func (l *Ledger) Replay(_ context.Context, m webhook.Revival) (webhook.Record, error) {
	ended := func(e *event) bool { return e.State == webhook.Delivered || e.State == webhook.Unrouted }
	return l.move(m, func(e *event) bool { return ended(e) && !e.Erased() && e.Generation == m.Generation }, func(e *event) {
		e.Abandoned = 0
		e.Generation++
		if m.Again {
			e.EffectKey = e.Generation
		}
		e.Destinations = nil
	})
}

// move is the way back to pending. A move whose answer was lost is recognised
// by its nonce.
func (l *Ledger) move(m webhook.Revival, holds func(*event) bool, write func(*event)) (webhook.Record, error) {
	repeated := func(e *event) bool { return m.Nonce != "" && e.moveNonce == m.Nonce }
	return l.change(m.ID, func(e *event) bool { return repeated(e) || holds(e) }, func(e *event) {
		if repeated(e) {
			return
		}
		write(e)
		if m.Redrive && e.State != webhook.Parked {
			e.Redrives++
		}
		e.moveNonce = m.Nonce
		e.State, e.Lane, e.Sweeps = webhook.Pending, m.Lane, 0
		e.NotBefore, e.ExpiresAt = time.Time{}, time.Time{}
		e.DueAt, e.UpdatedAt = ms(m.DueAt), ms(m.At)
	})
}

// Release sends a held event to work.
func (l *Ledger) Release(_ context.Context, id webhook.EventID, now, dueAt time.Time) (webhook.Record, error) {
	return l.change(id, func(e *event) bool { return e.State == webhook.Held },
		func(e *event) { e.release(now, dueAt) })
}

func (e *event) release(now, dueAt time.Time) {
	e.State, e.Held = webhook.Pending, false
	e.DueAt, e.UpdatedAt = ms(dueAt), ms(now)
}

// Park sets a dead event aside, if it died the death seen.
func (l *Ledger) Park(_ context.Context, id webhook.EventID, death int, now time.Time) error {
	_, err := l.change(id, func(e *event) bool { return e.State == webhook.Dead && e.Death == death }, func(e *event) {
		e.State, e.DueAt, e.UpdatedAt = webhook.Parked, time.Time{}, ms(now)
	})
	return err
}

// Discard gives up a dead, parked or held event for good, if it is as seen.
func (l *Ledger) Discard(_ context.Context, seen webhook.Record, now, expiresAt time.Time) error {
	switch seen.State {
	case webhook.Dead, webhook.Parked, webhook.Held:
	case webhook.Pending, webhook.Processing, webhook.Delivered, webhook.Unrouted, webhook.Discarded:
		fallthrough
	default:
		return fmt.Errorf("%s is %s: only a dead, parked or held event can be discarded: %w", seen.ID, seen.State, webhook.ErrChanged)
	}
	_, err := l.change(seen.ID, func(e *event) bool {
		return e.State == seen.State && e.LeaseNumber == seen.LeaseNumber
	}, func(e *event) {
		e.State, e.Held, e.DueAt = webhook.Discarded, false, time.Time{}
		e.UpdatedAt, e.ExpiresAt = ms(now), wholeSeconds(expiresAt)
	})
	return err
}

// HandOver lets an event that waits for a destination wait for another one instead.
func (l *Ledger) HandOver(_ context.Context, h webhook.HandOver) (webhook.Record, error) {
	return l.change(h.ID, func(e *event) bool { return e.HandsOver(h.From) }, func(e *event) {
		e.Destinations, e.UpdatedAt, e.moveNonce = h.Apply(e.Destinations), ms(h.At), h.Nonce
	})
}
