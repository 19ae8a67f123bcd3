package ledger

import (
	"context"
	"iter"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// ReceivedBetween hands over the events and variants that were received from since on
// and before until, the first one first, from the index alone: see Entries for what it
// costs and what it may miss. The first error ends it.
func (l *Ledger) ReceivedBetween(ctx context.Context, since, until time.Time) iter.Seq2[webhook.Seen, error] {
	return func(yield func(webhook.Seen, error) bool) {
		if !since.Before(until) {
			return
		}
		w := l.walk(Query{Since: since, Until: until, Oldest: true})
		for {
			w.m.page = entryPage
			e, ok, err := w.m.next(ctx)
			switch {
			case err != nil:
				yield(webhook.Seen{}, err)
				return
			case !ok && w.lastDay():
				return
			case !ok:
				w.open(nextDay(w.day, true))
			case !yield(seenOf(e), nil):
				return
			}
		}
	}
}

func seenOf(e entry) webhook.Seen {
	g := deadSummaryOf(e)
	return webhook.Seen{ID: e.id, Type: g.Type, At: timeOfKey(e.key), Source: g.Source, Account: g.Account, Variant: e.variant != ""}
}

// DiedBetween hands over the events that died from since on, before until, and are dead,
// the longest dead first: see DeadSummaries.
func (l *Ledger) DiedBetween(ctx context.Context, since, until time.Time) iter.Seq2[webhook.DeadSummary, error] {
	return func(yield func(webhook.DeadSummary, error) bool) {
		m := l.merger(stateIndex(webhook.Dead, ""), string(at(since)), string(at(until)), true)
		m.page = entryPage
		for {
			e, ok, err := m.next(ctx)
			if err != nil {
				yield(webhook.DeadSummary{}, err)
				return
			}
			if !ok || !yield(deadSummaryOf(e), nil) {
				return
			}
		}
	}
}

// WithPayloads reads events with their payloads; what does not exist is missing in the
// answer. The reads are consistent.
func (l *Ledger) WithPayloads(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	return l.getMany(ctx, ids, true, 1)
}
