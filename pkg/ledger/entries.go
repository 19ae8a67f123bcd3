package ledger

import (
	"context"
	"iter"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Entry is what an index alone shows of an event.
type Entry struct {
	ID         webhook.EventID
	At         time.Time // by which the listing orders its events: Query.Time
	ErrorClass string    // where the listing is that of a state with an index
	Duplicates int       // where the listing is that of all that was received
	Source     string    // not where a lead is looked up
}

// entryPage is how many entries one read asks of a partition.
const entryPage = 2000

// Entries hands over the entries of a listing, to count by: about 25 cost half a
// read unit, where List reads each event whole. Limit and After are not used, and
// there is no bound: the caller ends it. Filters that the index does not show
// leave nothing out. The first error ends it.
//
// The index is eventually consistent: it may show an event that was moved a moment
// ago, and miss one that came a moment ago.
func (l *Ledger) Entries(ctx context.Context, q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		q.After = ""
		w := l.walk(q)
		for {
			w.m.page = entryPage
			e, ok, err := w.m.next(ctx)
			switch {
			case err != nil:
				yield(Entry{}, err)
				return
			case !ok && w.lastDay():
				return
			case !ok:
				w.open(nextDay(w.day, q.Oldest))
			case !q.mayMatch(e):
			case !yield(shown(e), nil):
				return
			}
		}
	}
}

func shown(e entry) Entry {
	return Entry{ID: e.id, At: timeOfKey(e.key), ErrorClass: e.text("error_class"), Duplicates: e.number("duplicates"), Source: deadSummaryOf(e).Source}
}

// UnderWay hands over the events that owe a message and whose due time is not before
// since: pending and processing ones, and dead ones whose dead letter has not been sent.
// An event is due after its receipt. First come those that the index due does not list yet
// (ClaimReceived), for half a read unit of each event that was received since the sweeper
// looked, and then those of the index; an event that is listed meanwhile comes twice.
func (l *Ledger) UnderWay(ctx context.Context, since, now time.Time) iter.Seq2[webhook.EventID, error] {
	return func(yield func(webhook.EventID, error) bool) {
		for id, err := range l.unlistedSince(ctx, since, now) {
			if !yield(id, err) || err != nil {
				return
			}
		}
		ix := index{"due", "due_shard", "due", numbered(dueShards, func(n uint32) string { return dueShardName(int(n)) })}
		m := l.merger(ix, string(at(since)), "~", true)
		m.page = entryPage
		for {
			e, ok, err := m.next(ctx)
			if err != nil {
				yield("", err)
				return
			}
			if !ok || !yield(e.id, nil) {
				return
			}
		}
	}
}
