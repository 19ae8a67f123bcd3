package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// The document of the looks.
const (
	looksKind = "sweeper"
	looksName = "looks"
)

// documents keep small pieces of state: a ledger.
type documents interface {
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
}

// LoadLooks returns how far the looks have come, so many of them. A document that cannot be
// read is none: the looks begin anew.
func (l *Ledger) LoadLooks(ctx context.Context, n int) (webhook.Looks, error) {
	return ReadLooks(ctx, l, n)
}

// SaveLooks returns webhook.ErrChanged where another sweeper saved its own meanwhile: what
// this one has looked at is looked at again.
func (l *Ledger) SaveLooks(ctx context.Context, looks webhook.Looks, now time.Time) error {
	return WriteLooks(ctx, l, looks, now)
}

// ReadLooks is LoadLooks for any ledger.
func ReadLooks(ctx context.Context, from documents, n int) (webhook.Looks, error) {
	body, version, err := from.LoadDocument(ctx, looksKind, looksName)
	if err != nil && !errors.Is(err, webhook.ErrNotFound) {
		return webhook.Looks{}, err
	}
	var looks webhook.Looks
	if json.Unmarshal(body, &looks) != nil {
		looks.Keys = nil
	}
	looks.Version = version
	looks.Keys = append(looks.Keys, make([]string, n)...)[:n]
	return looks, nil
}

// WriteLooks is SaveLooks for any ledger.
func WriteLooks(ctx context.Context, to documents, looks webhook.Looks, now time.Time) error {
	body, err := json.Marshal(looks)
	if err != nil {
		return fmt.Errorf("ledger: looks cannot be written: %w", err)
	}
	return to.SaveDocument(ctx, looksKind, looksName, body, looks.Version, now, time.Time{})
}

const (
	// firstLookBack is how far a first look looks back: the sweeper of a new stack may have
	// been unable to run.
	firstLookBack = 31 * 24 * time.Hour
	// aheadTooFar is how far a look may be ahead of the present one before the clock that
	// it went by is taken for wrong, and everything of the latest day is looked at again.
	aheadTooFar = 15 * time.Minute
	// looksTogether is how many batches of events are read at a time.
	looksTogether = 4
	// listsTogether is how many events are listed at a time.
	listsTogether = 16
)

// ListDue looks at what was received behind the index key after ("": a month back)
// and before until, the oldest first, and lists in the index due what owes a message and
// is not there: a new event of ClaimReceived whose first attempt has not ended. An event
// costs half a read unit for each 4 KB of its item, and what is listed the write of its
// item and of an entry.
//
// With an error, Next is how far it came; what lies behind is looked at again. The index
// time is eventually consistent, and so are the reads: an event may be missed that was
// written a moment before the look.
func (l *Ledger) ListDue(ctx context.Context, after string, until time.Time) (webhook.Looked, error) {
	after = LookFrom(after, until)
	done := webhook.Looked{Next: after}
	if after >= string(at(until)) {
		return done, nil
	}
	w := l.walk(Query{Since: timeOfKey(after), Until: until, After: after, Oldest: true})
	for !done.Cut {
		entries, ended, err := w.entries(ctx, looksTogether*maxKeys)
		if err != nil {
			return done, err
		}
		ids := eventsOf(entries)
		listed, err := l.listUnlisted(ctx, ids)
		done.Listed += listed
		if err != nil {
			return done, err
		}
		done.Events += len(ids)
		if ended {
			done.Next = string(at(until)) + "#"
			return done, nil
		}
		done.Next, done.Cut = entries[len(entries)-1].key, ctx.Err() != nil
	}
	return done, nil
}

// LookFrom is where a look goes on: behind the key that the latest one came to, if that is
// one.
func LookFrom(after string, until time.Time) string {
	back := firstLookBack
	switch looked := timeOfKey(after); {
	case looked.After(until.Add(aheadTooFar)):
		back = day
	case !looked.IsZero():
		return after
	}
	return string(at(until.Add(-back))) + "#"
}

// entries returns the next n entries of a walk, their keys alone, variants among them;
// fewer where it ended.
func (w *walker) entries(ctx context.Context, n int) (list []entry, ended bool, err error) {
	w.m.page, w.m.keys = n, true
	for len(list) < n {
		e, ok, err := w.m.next(ctx)
		switch {
		case err != nil:
			return nil, false, err
		case !ok && w.lastDay():
			return list, true, nil
		case !ok:
			w.open(nextDay(w.day, w.q.Oldest))
			w.m.page, w.m.keys = n, true
		default:
			list = append(list, e)
		}
	}
	return list, false, nil
}

// eventsOf leaves variants out, which owe nothing.
func eventsOf(entries []entry) []webhook.EventID {
	return idsOf(slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return e.variant != "" }))
}

// listUnlisted lists those of some events that owe a message and are not listed.
func (l *Ledger) listUnlisted(ctx context.Context, ids []webhook.EventID) (int, error) {
	owed, err := l.unlisted(ctx, ids)
	if err != nil {
		return 0, err
	}
	var (
		wg     sync.WaitGroup
		turn   = make(chan struct{}, listsTogether)
		errs   = make([]error, len(owed))
		listed int
	)
	for i, d := range owed {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			_, errs[i] = l.write(ctx, change(d.id).where("due", d.due).where("due_shard", "").listDue(d.id))
		})
	}
	wg.Wait()
	for i, err := range errs {
		switch err = changed(err); {
		case err == nil:
			listed++
			errs[i] = nil
		case errors.Is(err, webhook.ErrChanged) || errors.Is(err, webhook.ErrNotFound): // it moved meanwhile, and is listed or owes nothing
			errs[i] = nil
		}
	}
	return listed, errors.Join(errs...)
}

// unlistedDue is an event that is due and not listed.
type unlistedDue struct {
	id  webhook.EventID
	due string
}

// unlisted reads of some events whether they owe a message and are not listed.
func (l *Ledger) unlisted(ctx context.Context, ids []webhook.EventID) ([]unlistedDue, error) {
	// DynamoDB refuses a batch that names an item twice.
	chunks := slices.Collect(slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), maxKeys))
	found, errs := make([][]unlistedDue, len(chunks)), make([]error, len(chunks))
	var wg sync.WaitGroup
	for i, chunk := range chunks {
		wg.Go(func() { found[i], errs[i] = l.unlistedOf(ctx, chunk) })
	}
	wg.Wait()
	var all []unlistedDue
	for _, part := range found {
		all = append(all, part...)
	}
	return all, errors.Join(errs...)
}

// unlistedOf is unlisted for one batch, of which only what it asks for is read.
func (l *Ledger) unlistedOf(ctx context.Context, ids []webhook.EventID) ([]unlistedDue, error) {
	want := dynamodb.KeysAndAttributes{
		ProjectionExpression:     aws.String("pk, sk, #due, due_shard"),
		ExpressionAttributeNames: map[string]string{"#due": "due"},
	}
	for _, id := range ids {
		want.Keys = append(want.Keys, keyOf(id))
	}
	var found []unlistedDue
	err := l.eachOf(ctx, want, func(av map[string]dynamodb.AttributeValue) {
		e := entryOf(av, "due")
		if e.key != "" && e.text("due_shard") == "" {
			found = append(found, unlistedDue{e.id, e.key})
		}
	})
	return found, err
}

// unlistedSince hands over the events that owe a message and are not listed, of those
// received since then and since the first look.
func (l *Ledger) unlistedSince(ctx context.Context, since, now time.Time) iter.Seq2[webhook.EventID, error] {
	return func(yield func(webhook.EventID, error) bool) {
		looks, err := l.LoadLooks(ctx, 1)
		if err != nil {
			yield("", err)
			return
		}
		if looked := timeOfKey(LookFrom(looks.Keys[0], now)); looked.After(since) {
			since = looked
		}
		w := l.walk(Query{Since: since, Now: now, Oldest: true})
		for ended := false; !ended; {
			var entries []entry
			if entries, ended, err = w.entries(ctx, looksTogether*maxKeys); err != nil {
				yield("", err)
				return
			}
			owed, err := l.unlisted(ctx, eventsOf(entries))
			if err != nil {
				yield("", err)
				return
			}
			for _, d := range owed {
				if !yield(d.id, nil) {
					return
				}
			}
		}
	}
}

// Unlooked tells since when the sweeper has looked at nothing that was received before
// until, zero where nothing came since; and which of the first so many of those events owe
// a message that the index due does not list.
func (l *Ledger) Unlooked(ctx context.Context, until time.Time, most int) (since time.Time, owed []webhook.EventID, err error) {
	looks, err := l.LoadLooks(ctx, 1)
	if err != nil {
		return time.Time{}, nil, err
	}
	after := LookFrom(looks.Keys[0], until)
	if after >= string(at(until)) {
		return time.Time{}, nil, nil
	}
	w := l.walk(Query{Since: timeOfKey(after), Until: until, After: after, Oldest: true})
	entries, _, err := w.entries(ctx, most)
	first := slices.IndexFunc(entries, func(e entry) bool { return e.variant == "" })
	if err != nil || first < 0 {
		return time.Time{}, nil, err
	}
	list, err := l.unlisted(ctx, eventsOf(entries))
	for _, d := range list {
		owed = append(owed, d.id)
	}
	return timeOfKey(entries[first].key), owed, err
}
