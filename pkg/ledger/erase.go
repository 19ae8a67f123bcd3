package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Erase takes the payload, and what names a person, out of an event for good. What is
// settled stays as it is; what waits for anything is discarded, because nothing can be
// delivered of it. Nothing brings the payload back: an item that exists is written
// whole only while it is held, and a repeat of an erased event keeps nothing. Whoever
// had taken the event up finds it settled.
//
// The lead and the place of a large body remain until EndErasure, so that an erasure
// that broke off is found and continued. A second Erase changes nothing.
//
// It returns webhook.ErrNotFound, and webhook.ErrChanged, having changed nothing, with
// the event as it stands, while a worker holds its lease: what that delivers should be
// recorded.
func (l *Ledger) Erase(ctx context.Context, e webhook.Erasure) (webhook.Record, error) {
	e.At = e.At.Truncate(time.Millisecond) // as the ledger's own times, so that decision and condition agree
	old, err := l.getItem(ctx, keyOf(e.ID))
	if err != nil {
		return webhook.Record{}, err
	}
	for range maxLeaseRaces {
		switch {
		case old.erased():
			return old.record(), nil
		case old.leasedAt(e.At):
			return old.record(), fmt.Errorf("%s is being delivered: %w", e.ID, webhook.ErrChanged)
		}
		it, err := l.apply(ctx, erasure(e, old))
		var failed *errCondition
		switch {
		case err == nil:
			return it.record(), nil
		case !errors.As(err, &failed):
			return webhook.Record{}, err
		case failed.old.PK == "":
			return webhook.Record{}, webhook.ErrNotFound
		}
		old = failed.old
	}
	return webhook.Record{}, unavailable("erase", fmt.Errorf("%s moved %d times meanwhile", e.ID, maxLeaseRaces))
}

func (it item) erased() bool { return it.ErasedAt != "" }

// leasedAt tells whether somebody holds the lease.
func (it item) leasedAt(now time.Time) bool {
	return it.state() == webhook.Processing && !it.LeaseUntil.time().Before(now)
}

// erasure is the write that settles the event and takes its payload and texts out. It
// changes the nonce of the latest move, so that a move from what was read before fails.
func erasure(e webhook.Erasure, old item) *update {
	bare := old.record()
	bare.History = slices.Clone(bare.History)
	for i := range bare.History {
		bare.History[i].Error = "" // what a destination answered may quote an address
	}
	u := change(e.ID).from(old.state()).where("lease", old.LeaseNumber).unmoved(old).where("erased", "").
		set("erased", at(e.At)).set("move_nonce", e.Nonce).
		remove("payload", "message", "stats", "error", "original").
		set("facts", old.facts.erased().encode(old.receivedAt()))
	if len(old.History) > 0 {
		u.set("history", historyOf(bare))
	}
	if old.state().Settled() || old.state() == webhook.Discarded {
		return u
	}
	if old.state() == webhook.Processing {
		u.whereLeaseEnded(e.At)
	}
	key := old.DeadKey
	if key == "" {
		key = timeKey(old.diedOrReceived(), e.ID)
	}
	return u.state(webhook.Discarded, e.At).clearDue().remove("lease_until", "not_before").
		set("expires_at", seconds(e.ExpiresAt)).
		set("dead_shard", stateShard(webhook.Discarded, e.ID)).set("dead_key", key)
}

// diedOrReceived is by what a discarded event is listed.
func (it item) diedOrReceived() instant {
	if it.DiedAt != "" {
		return it.DiedAt
	}
	return at(it.receivedAt())
}

// erased is what is kept of the facts of an erased event: nothing that a sender wrote
// freely, and no digest of the body.
func (f facts) erased() facts {
	return facts{
		Basis: f.Basis, Dialect: f.Dialect, FromProvider: f.FromProvider, RequestID: f.RequestID,
		OccurredAt: f.OccurredAt, OccurredAtSource: f.OccurredAtSource, Timeless: f.Timeless, Late: f.Late,
		OtherLead: f.OtherLead, LeadEmail: f.LeadEmail, RetentionDays: f.RetentionDays,
	}
}

// EndErasure takes out what let an unfinished erasure be found: the lead, and the place
// of the large body, which has been erased by then. It returns webhook.ErrNotFound, and
// webhook.ErrChanged for an event that is not erased. It may be repeated.
func (l *Ledger) EndErasure(ctx context.Context, id webhook.EventID) error {
	_, err := l.write(ctx, change(id).whereThere("erased").remove("lead", "payload_ref"))
	return changed(err)
}

// EraseVariant takes the body, and what names a person, out of a variant for good. What
// remains expires then, and says that a repeat of it keeps nothing. It returns
// webhook.ErrNotFound, and may be repeated.
func (l *Ledger) EraseVariant(ctx context.Context, id webhook.EventID, fingerprint string, now, expiresAt time.Time) error {
	_, err := l.write(ctx, changeItem(variantKey(id, fingerprint)).
		set("erased", at(now)).set("expires_at", seconds(expiresAt)).
		remove("payload", "payload_ref", "facts", "lead", "message", "stats", "request", "flags", "day").clearListed())
	return changed(err)
}

// large lists a payload that is in the store of large bodies.
func large(payloads ...webhook.Payload) (list []webhook.Payload) {
	for _, p := range payloads {
		if p.Ref != "" {
			list = append(list, p)
		}
	}
	return list
}

// duplicateErased counts a receipt of which nothing may be kept.
func (l *Ledger) duplicateErased(ctx context.Context, old item, c claim) webhook.Claimed {
	old.Payload = nil
	claimed := l.duplicate(ctx, old, c)
	claimed.ToErase = large(c.Payload)
	return claimed
}

// repeatErased counts the receipt of an erased event, and erases variants that were
// stored while it was erased, also by a receiver that stopped before it learnt of that.
func (l *Ledger) repeatErased(ctx context.Context, old item, c claim) (webhook.Claimed, error) {
	left, err := l.Variants(ctx, old.id())
	if err != nil {
		return webhook.Claimed{}, err
	}
	claimed := l.duplicateErased(ctx, old, c)
	for _, v := range left {
		claimed.ToErase = append(claimed.ToErase, large(v.Receipt.Payload)...)
		err := l.EraseVariant(ctx, v.ID, v.Fingerprint, c.ReceivedAt, old.ExpiresAt.time())
		if err != nil && !errors.Is(err, webhook.ErrNotFound) {
			return webhook.Claimed{}, err
		}
	}
	return claimed, nil
}

// eraseSplit erases the event that a variant became while it was erased.
func (l *Ledger) eraseSplit(ctx context.Context, id webhook.EventID, variant item, now time.Time) error {
	_, err := l.Erase(ctx, webhook.Erasure{ID: id, At: now, ExpiresAt: variant.ExpiresAt.time(), Nonce: "split of an erased variant"})
	if err != nil {
		return err
	}
	return l.EndErasure(ctx, id)
}
