package memory

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Erase takes the payload, and what names a person, out of an event for good, and gives
// up one that waits. Under a lease it changes nothing.
func (l *Ledger) Erase(_ context.Context, x webhook.Erasure) (webhook.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.events[x.ID]
	switch {
	case !ok:
		return webhook.Record{}, webhook.ErrNotFound
	case e.Erased():
		return e.copy(), nil
	case e.State == webhook.Processing && !e.LeaseUntil.Before(ms(x.At)):
		return e.copy(), fmt.Errorf("%s is leased: %w", x.ID, webhook.ErrChanged)
	}
	e.ErasedAt, e.moveNonce, e.Error = ms(x.At), x.Nonce, ""
	e.Payload = webhook.Payload{Ref: e.Payload.Ref}
	e.Original = ""
	e.Fingerprint, e.RawType, e.ProviderEventID, e.MessageID, e.StatsID = "", string(e.Type), "", "", ""
	for i := range e.History {
		e.History[i].Error = ""
	}
	switch e.State {
	case webhook.Delivered, webhook.Unrouted, webhook.Discarded:
	case webhook.Pending, webhook.Processing, webhook.Dead, webhook.Held, webhook.Parked:
		e.State, e.Held, e.UpdatedAt, e.ExpiresAt = webhook.Discarded, false, ms(x.At), wholeSeconds(x.ExpiresAt)
		e.DueAt, e.LeaseUntil, e.NotBefore = time.Time{}, time.Time{}, time.Time{}
	}
	return e.copy(), nil
}

// EndErasure takes out of an erased event what let it be found.
func (l *Ledger) EndErasure(_ context.Context, id webhook.EventID) error {
	_, err := l.change(id, func(e *event) bool { return e.Erased() }, func(e *event) {
		e.LeadEmail, e.Payload.Ref = "", ""
	})
	return err
}

// EraseVariant takes the body, and what names a person, out of a variant for good.
func (l *Ledger) EraseVariant(_ context.Context, id webhook.EventID, fingerprint string, _, _ time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := variantKey{id, fingerprint}
	v, ok := l.variants[k]
	if !ok {
		return webhook.ErrNotFound
	}
	l.erased[k] = true
	v.Receipt = webhook.Receipt{Key: id.Key(), ReceivedAt: v.Receipt.ReceivedAt}
	return nil
}

// duplicateErased counts a receipt of which nothing may be kept.
func duplicateErased(e *event, r webhook.Receipt) webhook.Claimed {
	e.Duplicates++
	e.LastSeenAt = ms(r.ReceivedAt)
	claimed := webhook.Claimed{ID: e.ID, Status: webhook.ClaimDuplicate, Record: e.bare()}
	if r.Payload.Ref != "" {
		claimed.ToErase = []webhook.Payload{r.Payload}
	}
	return claimed
}

// EachRejected hands over the requests that were not accepted from since on and before
// until, newest first.
func (l *Ledger) EachRejected(ctx context.Context, since, until time.Time) iter.Seq2[webhook.RejectedRequest, error] {
	list, _ := l.RejectedRequests(ctx, since, until, len(l.refused)) // never fails
	return func(yield func(webhook.RejectedRequest, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// EraseRejected takes out of a refused request what the sender wrote.
func (l *Ledger) EraseRejected(_ context.Context, r webhook.RejectedRequest) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.refused, func(o webhook.RejectedRequest) bool { return o.RequestID == r.RequestID && o.At.Equal(ms(r.At)) })
	if i < 0 {
		return webhook.ErrNotFound
	}
	l.refused[i].Excerpt, l.refused[i].Detail, l.refused[i].UserAgent = "", "", ""
	return nil
}
