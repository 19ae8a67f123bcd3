package memory

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// List returns events in order of their receipt, or of their death when the
// query asks for dead or parked ones, newest first, without payloads.
func (l *Ledger) List(_ context.Context, q ledger.Query) (ledger.Page, error) {
	if err := q.Check(); err != nil {
		return ledger.Page{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	since, until := q.Bounds()
	var page ledger.Page
	var keys []string
	byKey := map[string]*event{}
	for id, e := range l.events {
		when := q.Time(e.Record)
		k := key(when, id)
		behind := q.After == "" || (q.Oldest && k > q.After) || (!q.Oldest && k < q.After)
		if !behind || when.Before(ms(since)) || !when.Before(ms(until)) {
			continue
		}
		page.Scanned++
		if q.Matches(e.Record) && (q.Skip == nil || !q.Skip(id)) {
			keys = append(keys, k)
			byKey[k] = e
		}
	}
	found := map[webhook.EventID]string{} // by which variant
	if q.Variants {
		for k, e := range l.byVariant(q, ms(since), ms(until), found) {
			keys, byKey[k] = append(keys, k), e
		}
	}
	slices.Sort(keys)
	if !q.Oldest {
		slices.Reverse(keys)
	}
	for _, k := range keys[:min(q.Limit, len(keys))] {
		e := byKey[k]
		rec := e.bare()
		if q.Payloads {
			rec.Payload = e.Record.Payload
		}
		page.Records = append(page.Records, rec)
		if fingerprint := found[e.ID]; fingerprint != "" {
			if page.ByVariant == nil {
				page.ByVariant = map[webhook.EventID]string{}
			}
			page.ByVariant[e.ID] = fingerprint
		}
	}
	if len(keys) > q.Limit {
		page.Next = keys[q.Limit-1]
	}
	return page, nil
}

// byVariant finds events that do not have what is looked up, by a variant that does:
// the newest one of each event, or the oldest. Paging is not its business: nobody
// has thousands of them.
func (l *Ledger) byVariant(q ledger.Query, since, until time.Time, found map[webhook.EventID]string) map[string]*event {
	rest := q
	rest.ID, rest.LeadPart, rest.Lead = "", "", ""
	ids := ledger.Query{ID: q.ID, LeadPart: q.LeadPart, Lead: q.Lead}
	keyOf := map[webhook.EventID]string{}
	for k, v := range l.variants {
		e, when := l.events[k.id], v.Receipt.ReceivedAt
		if v.SplitAs != "" || l.erased[k] || e == nil || l.isOriginal(k) && q.Lead == "" || when.Before(since) || !when.Before(until) {
			continue
		}
		has := q.ID+q.LeadPart+q.Lead != "" && ids.Matches(webhook.Record{Receipt: v.Receipt})
		if !has || q.Matches(e.Record) || !rest.Matches(e.Record) {
			continue
		}
		name := key(when, k.id) + "!" + k.fingerprint
		if old := keyOf[k.id]; old == "" || (name < old) == q.Oldest {
			keyOf[k.id], found[k.id] = name, k.fingerprint
		}
	}
	out := map[string]*event{}
	for id, name := range keyOf {
		out[name] = l.events[id]
	}
	return out
}

// isOriginal tells whether a body beside a synthesized event is what was posted of it
// after all: it is in no list of variants.
func (l *Ledger) isOriginal(k variantKey) bool {
	e := l.events[k.id]
	return e != nil && e.Original == k.fingerprint
}

// UnsplitVariants hands over the variants received since then that are no events of
// their own, the newest first.
func (l *Ledger) UnsplitVariants(_ context.Context, since time.Time) iter.Seq2[ledger.VariantEntry, error] {
	l.mu.Lock()
	defer l.mu.Unlock()
	var entries []ledger.VariantEntry
	for k, v := range l.variants {
		if v.SplitAs == "" && !l.erased[k] && !l.isOriginal(k) && !v.Receipt.ReceivedAt.Before(ms(since)) {
			entries = append(entries, ledger.VariantEntry{ID: k.id, Fingerprint: k.fingerprint, At: v.Receipt.ReceivedAt})
		}
	}
	slices.SortFunc(entries, func(a, b ledger.VariantEntry) int {
		return strings.Compare(key(b.At, b.ID)+b.Fingerprint, key(a.At, a.ID)+a.Fingerprint)
	})
	return func(yield func(ledger.VariantEntry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Entries hands over the entries of a listing in its order.
func (l *Ledger) Entries(_ context.Context, q ledger.Query) iter.Seq2[ledger.Entry, error] {
	l.mu.Lock()
	defer l.mu.Unlock()
	since, until := q.Bounds()
	var entries []ledger.Entry
	for id, e := range l.events {
		when := q.Time(e.Record)
		if q.Matches(e.Record) && !when.Before(ms(since)) && when.Before(ms(until)) {
			entries = append(entries, ledger.Entry{ID: id, At: when, ErrorClass: e.ErrorClass, Duplicates: e.Duplicates})
		}
	}
	slices.SortFunc(entries, func(a, b ledger.Entry) int { return strings.Compare(key(a.At, a.ID), key(b.At, b.ID)) })
	if !q.Oldest {
		slices.Reverse(entries)
	}
	return func(yield func(ledger.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// UnderWay hands over the events that owe a message and are due since then, those that are
// not listed before the others.
func (l *Ledger) UnderWay(_ context.Context, since, _ time.Time) iter.Seq2[webhook.EventID, error] {
	l.mu.Lock()
	defer l.mu.Unlock()
	var keys, unlisted []string
	for id, e := range l.events {
		switch {
		case e.DueAt.IsZero() || e.DueAt.Before(ms(since)):
		case e.listedDue():
			keys = append(keys, key(e.DueAt, id))
		default:
			unlisted = append(unlisted, key(e.ReceivedAt, id))
		}
	}
	slices.Sort(keys)
	slices.Sort(unlisted)
	keys = append(unlisted, keys...)
	return func(yield func(webhook.EventID, error) bool) {
		for _, k := range keys {
			_, id, _ := strings.Cut(k, "#")
			if !yield(webhook.EventID(id), nil) {
				return
			}
		}
	}
}

// Superseded tells whether a newer event of the same kind, account, campaign
// and lead has been delivered.
func (l *Ledger) Superseded(_ context.Context, r webhook.Record) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Supersedes(r) {
			return true, nil
		}
	}
	return false, nil
}

// Dead lists dead events that died before until, the longest dead first, with a
// cursor for each.
func (l *Ledger) Dead(ctx context.Context, until time.Time, after string, limit int) (records []webhook.Record, keys []string, next string, err error) {
	page, err := l.List(ctx, ledger.Query{Dead: true, Until: until, Oldest: true, After: after, Limit: limit, Now: until})
	for _, r := range page.Records {
		keys = append(keys, key(r.DiedAt, r.ID))
	}
	return page.Records, keys, page.Next, err
}

// DeadSummaries lists the events that died before until, the longest dead first.
func (l *Ledger) DeadSummaries(_ context.Context, until time.Time) iter.Seq2[webhook.DeadSummary, error] {
	l.mu.Lock()
	defer l.mu.Unlock()
	var summaries []webhook.DeadSummary
	for _, e := range l.events {
		if e.State == webhook.Dead && e.DiedAt.Before(ms(until)) {
			summaries = append(summaries, e.DeadSummary())
		}
	}
	slices.SortFunc(summaries, func(a, b webhook.DeadSummary) int { return strings.Compare(key(a.DiedAt, a.ID), key(b.DiedAt, b.ID)) })
	return func(yield func(webhook.DeadSummary, error) bool) {
		for _, g := range summaries {
			if !yield(g, nil) {
				return
			}
		}
	}
}

// Recent returns the latest events received in that time, newest first.
func (l *Ledger) Recent(ctx context.Context, since, until time.Time, limit int) ([]webhook.Record, error) {
	page, err := l.List(ctx, ledger.Query{Since: since, Until: until, Limit: limit, Now: until})
	return page.Records, err
}
