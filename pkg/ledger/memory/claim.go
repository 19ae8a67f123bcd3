package memory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// Claim makes a receipt durable, or says what it is a repeat of.
func (l *Ledger) Claim(_ context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	return l.claim(r, nonce, dueAt, true)
}

// ClaimReceived is Claim for a receipt of this moment: a new event is not listed as due.
func (l *Ledger) ClaimReceived(_ context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	return l.claim(r, nonce, dueAt, false)
}

func (l *Ledger) claim(r webhook.Receipt, nonce string, dueAt time.Time, listed bool) (webhook.Claimed, error) {
	if r.Key == "" || r.ReceivedAt.IsZero() {
		return webhook.Claimed{}, errors.New("memory: a receipt needs a key and the time of its receipt")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	id, old := l.occurrence(r)
	if old == nil {
		rec := webhook.Record{
			ID: id, Receipt: kept(r), ClaimNonce: nonce,
			State: webhook.Pending, Lane: webhook.Live, DueAt: ms(dueAt), UpdatedAt: ms(r.ReceivedAt),
		}
		if r.Held {
			rec.State, rec.DueAt = webhook.Held, time.Time{}
		}
		old = &event{Record: rec}
		if !listed {
			old.unlisted = rec.DueAt
		}
		l.events[id] = old
	}
	if old.ClaimNonce == nonce {
		status := webhook.ClaimAccepted
		if r.Held {
			status = webhook.ClaimHeld
		}
		return webhook.Claimed{ID: id, Status: status, Record: old.copy()}, nil
	}
	return l.repeat(old, r, nonce, dueAt), nil
}

// Repeat counts a receipt of an event that is there, also where it is more than a duplicate.
func (l *Ledger) Repeat(_ context.Context, r webhook.Receipt) (claimed webhook.Claimed, known bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.events[webhook.NewEventID(r.Key, 1)]
	if e == nil || e.Erased() || r.Timeless || r.Synthesized() {
		return webhook.Claimed{}, false, nil
	}
	e.Duplicates++
	e.LastSeenAt = ms(r.ReceivedAt)
	if r.Fingerprint != e.Fingerprint || (!r.Held && (e.State == webhook.Held || e.discardedUntrusted())) {
		return webhook.Claimed{}, false, nil
	}
	return webhook.Claimed{ID: e.ID, Status: webhook.ClaimDuplicate, Record: e.bare()}, true, nil
}

// occurrence finds the event of which r is a repeat, or the id of a new one. A
// timeless event repeats the newest occurrence whose first receipt is within
// the window, on either side.
func (l *Ledger) occurrence(r webhook.Receipt) (webhook.EventID, *event) {
	if !r.Timeless {
		id := webhook.NewEventID(r.Key, 1)
		return id, l.events[id]
	}
	newest := 0
	for l.events[webhook.NewEventID(r.Key, newest+1)] != nil {
		newest++
	}
	for n := newest; n > 0; n-- {
		e := l.events[webhook.NewEventID(r.Key, n)]
		if ms(r.ReceivedAt).Sub(e.ReceivedAt).Abs() < r.Window {
			return e.ID, e
		}
	}
	return webhook.NewEventID(r.Key, newest+1), nil
}

// repeat handles a receipt of an event that is there: another body is kept
// beside it; a trusted receipt takes the place of a held event.
func (l *Ledger) repeat(e *event, r webhook.Receipt, nonce string, dueAt time.Time) webhook.Claimed {
	forged := e.discardedUntrusted() && !r.Held
	k := variantKey{e.ID, r.Fingerprint}
	if r.Synthesized() {
		return known(e, r)
	}
	known := r.Fingerprint == e.Fingerprint && !forged && (e.State != webhook.Held || r.Held)
	if e.Erased() || (!known && l.erased[k]) {
		return duplicateErased(e, r)
	}
	if e.Synthesized() && !r.Held && r.Fingerprint != e.Fingerprint && (e.Original == "" || e.Original == r.Fingerprint) {
		return l.original(e, r)
	}
	if e.State == webhook.Held && !r.Held {
		if v := l.variants[k]; v == nil || v.SplitAs == "" || v.SplitAs == e.ID {
			return l.takeOver(e, r, nonce, dueAt)
		}
		forged = true // an operator made an event of this very body
	}
	another := r.Fingerprint != e.Fingerprint || forged
	status := webhook.ClaimDuplicate
	switch {
	case another && l.variants[k] == nil:
		l.variants[k] = &webhook.Variant{ID: e.ID, Fingerprint: r.Fingerprint, Receipt: ofVariant(e, r)}
		e.Variants++
		status = webhook.ClaimVariant
	case another:
		e.Duplicates++
		status = webhook.ClaimVariant
		if v := l.variants[k]; !r.Held && slices.Contains(v.Receipt.Flags, webhook.FlagUntrustedSender) {
			v.Receipt = ofVariant(e, r) // a trusted sender sends this very body
		}
	default:
		e.Duplicates++
	}
	claimed := webhook.Claimed{ID: e.ID, Status: status, Record: e.bare()}
	e.LastSeenAt = ms(r.ReceivedAt)
	if v := l.variants[k]; v != nil && (forged || l.splitIsHeld(v, r)) {
		return l.splitTrusted(v, r, nonce, dueAt)
	}
	return claimed
}

// known answers a receipt that is synthesized: nothing of it is kept.
func known(e *event, r webhook.Receipt) webhook.Claimed {
	claimed := webhook.Claimed{ID: e.ID, Status: webhook.ClaimDuplicate, Record: e.bare()}
	if r.Payload.Ref != "" && r.Payload.Ref != e.Payload.Ref {
		claimed.ToErase = []webhook.Payload{r.Payload}
	}
	return claimed
}

// original keeps the first body that the provider posted of a synthesized event, and
// counts it as a duplicate.
func (l *Ledger) original(e *event, r webhook.Receipt) webhook.Claimed {
	claimed := webhook.Claimed{ID: e.ID, Status: webhook.ClaimDuplicate, Record: e.bare()}
	e.Original, e.LastSeenAt = r.Fingerprint, ms(r.ReceivedAt)
	e.Duplicates++
	if k := (variantKey{e.ID, r.Fingerprint}); l.variants[k] == nil {
		l.variants[k] = &webhook.Variant{ID: e.ID, Fingerprint: r.Fingerprint, Receipt: ofVariant(e, r)}
	}
	return claimed
}

// takeOver lets the receipt of a trusted sender be the event, as if nobody had held it
// before. Another body that was held stays beside it.
func (l *Ledger) takeOver(held *event, r webhook.Receipt, nonce string, dueAt time.Time) webhook.Claimed {
	rec := webhook.Record{
		ID: held.ID, Receipt: kept(r), ClaimNonce: nonce, State: webhook.Pending, Lane: webhook.Live,
		DueAt: ms(dueAt), UpdatedAt: ms(r.ReceivedAt), LastSeenAt: ms(r.ReceivedAt),
		Duplicates: held.Duplicates, Variants: held.Variants,
	}
	if v := l.variants[variantKey{held.ID, r.Fingerprint}]; v != nil {
		v.SplitAs = held.ID
	}
	if k := (variantKey{held.ID, held.Fingerprint}); held.Fingerprint == r.Fingerprint {
		rec.Duplicates++
	} else {
		rec.Variants++
		l.variants[k] = &webhook.Variant{ID: held.ID, Fingerprint: held.Fingerprint, Receipt: ofVariant(held, held.Receipt)}
	}
	e := &event{Record: rec}
	l.events[held.ID] = e
	return webhook.Claimed{ID: held.ID, Status: webhook.ClaimAccepted, Record: e.copy()}
}

// discardedUntrusted: an operator discarded what a sender who is not trusted sent.
func (e *event) discardedUntrusted() bool {
	return e.State == webhook.Discarded && !e.Erased() && slices.Contains(e.Flags, webhook.FlagUntrustedSender)
}

// splitIsHeld tells whether the body of a trusted sender is held, or was given up
// while it was: it came from one who was not trusted before, and was split off.
func (l *Ledger) splitIsHeld(v *webhook.Variant, r webhook.Receipt) bool {
	apart := l.events[v.SplitAs]
	return !r.Held && apart != nil && (apart.State == webhook.Held || apart.discardedUntrusted())
}

// splitTrusted makes the body of a trusted sender an event of its own, where an
// event that is not trusted holds its identity.
func (l *Ledger) splitTrusted(v *webhook.Variant, r webhook.Receipt, nonce string, dueAt time.Time) webhook.Claimed {
	alone := webhook.Claimed{Status: webhook.ClaimAccepted}
	if v.SplitAs != "" {
		alone.Status = webhook.ClaimDuplicate
	}
	alone.ID = l.split(v, r.ReceivedAt, dueAt)
	e := l.events[alone.ID]
	if e.discardedUntrusted() {
		return l.repeat(e, r, nonce, dueAt) // it stands alone beside that one
	}
	if e.State == webhook.Held { // the same body came from a sender that is not trusted before
		delete(l.events, alone.ID)
		flags := slices.DeleteFunc(slices.Clone(e.Flags), func(f string) bool { return f != webhook.FlagVariant })
		v.SplitAs = ""
		l.split(v, r.ReceivedAt, dueAt, flags...)
		e, alone.Status = l.events[alone.ID], webhook.ClaimAccepted
	}
	alone.Record = e.bare()
	return alone
}

// ofVariant is the receipt of another body under e's identity.
func ofVariant(e *event, r webhook.Receipt) webhook.Receipt {
	r = kept(r)
	r.Key, r.Held = e.ID.Key(), false
	return r
}

// Variants returns the other bodies that arrived under an event's identity, in
// the order of their fingerprints.
func (l *Ledger) Variants(_ context.Context, id webhook.EventID) ([]webhook.Variant, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []webhook.Variant
	for k, v := range l.variants {
		if k.id == id && !l.erased[k] {
			c := *v
			c.Receipt = copyReceipt(c.Receipt)
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b webhook.Variant) int { return strings.Compare(a.Fingerprint, b.Fingerprint) })
	return out, nil
}

// Split makes a variant an event of its own. Repeating it changes nothing.
func (l *Ledger) Split(_ context.Context, v webhook.Variant, now, dueAt time.Time) (webhook.EventID, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine, ok := l.variants[variantKey{v.ID, v.Fingerprint}]
	if !ok || l.erased[variantKey{v.ID, v.Fingerprint}] {
		return "", webhook.ErrNotFound
	}
	return l.split(mine, now, dueAt, webhook.FlagVariant), nil
}

func (l *Ledger) split(mine *webhook.Variant, now, dueAt time.Time, flags ...string) webhook.EventID {
	if mine.SplitAs != "" {
		return mine.SplitAs
	}
	mine.SplitAs = ledger.SplitID(*mine)
	r := copyReceipt(mine.Receipt)
	r.Key, r.Timeless, r.Held = mine.SplitAs.Key(), false, slices.Contains(r.Flags, webhook.FlagUntrustedSender)
	r.Flags = append(r.Flags, flags...)
	rec := webhook.Record{ID: mine.SplitAs, Receipt: r, State: webhook.Held, Lane: webhook.Live, UpdatedAt: ms(now)}
	if !r.Held {
		rec.State, rec.DueAt = webhook.Pending, ms(dueAt)
	}
	l.events[mine.SplitAs] = &event{Record: rec}
	return mine.SplitAs
}
