package memory

import (
	"context"
	"slices"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// LoadLooks returns how far the sweeper's looks have come, so many of them.
func (l *Ledger) LoadLooks(ctx context.Context, n int) (webhook.Looks, error) {
	return ledger.ReadLooks(ctx, l, n)
}

// SaveLooks saves them, unless they were saved meanwhile.
func (l *Ledger) SaveLooks(ctx context.Context, looks webhook.Looks, now time.Time) error {
	return ledger.WriteLooks(ctx, l, looks, now)
}

// ListDue lists as due what was received behind a key and before until, owes a message and
// is not listed.
func (l *Ledger) ListDue(_ context.Context, after string, until time.Time) (webhook.Looked, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := key(ms(until), "")
	after = ledger.LookFrom(after, until)
	done := webhook.Looked{Next: max(after, end)}
	var keys []string
	byKey := map[string]*event{}
	for id, e := range l.events {
		if k := key(e.ReceivedAt, id); k > after && k < end {
			keys, byKey[k] = append(keys, k), e
		}
	}
	slices.Sort(keys)
	done.Events = len(keys)
	for _, k := range keys {
		if e := byKey[k]; !e.DueAt.IsZero() && !e.listedDue() {
			e.unlisted = time.Time{}
			done.Listed++
		}
	}
	return done, nil
}
