// Package memory is the ledger in memory: the reference model of the claim
// protocol, and what unit tests of the use cases run on. It answers exactly as
// the DynamoDB ledger does and passes the same conformance suite, but keeps
// nothing beyond the process. It never reads a clock: every time is an argument.
package memory

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// Ledger is safe for concurrent use. New returns an empty one.
type Ledger struct {
	mu        sync.Mutex
	events    map[webhook.EventID]*event
	variants  map[variantKey]*webhook.Variant
	erased    map[variantKey]bool // the variants of which nothing is left
	refused   []webhook.RejectedRequest
	documents map[documentKey]document
}

// event is a record and what the ledger alone needs to know of it.
type event struct {
	webhook.Record
	moveNonce string    // of the latest move, by which a lost answer is recognised
	unlisted  time.Time // the due time that is not listed: see ledger.ClaimReceived
}

// listedDue tells whether the index due has the event: not from its claim on, but whatever
// is done to it lists it.
func (e *event) listedDue() bool {
	untouched := e.State == webhook.Pending && e.LeaseNumber == 0 && e.DueAt.Equal(e.unlisted)
	return !e.DueAt.IsZero() && !untouched
}

type variantKey struct {
	id          webhook.EventID
	fingerprint string
}

// New returns an empty ledger.
func New() *Ledger {
	return &Ledger{
		events:    map[webhook.EventID]*event{},
		variants:  map[variantKey]*webhook.Variant{},
		erased:    map[variantKey]bool{},
		documents: map[documentKey]document{},
	}
}

// Get returns the event as it stands, payload included, or
// webhook.ErrNotFound.
func (l *Ledger) Get(_ context.Context, id webhook.EventID) (webhook.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.events[id]
	if !ok {
		return webhook.Record{}, webhook.ErrNotFound
	}
	return e.copy(), nil
}

// GetMany returns the events without their payloads; what does not exist is
// missing in the answer.
func (l *Ledger) GetMany(_ context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[webhook.EventID]webhook.Record, len(ids))
	for _, id := range ids {
		if e, ok := l.events[id]; ok {
			out[id] = e.bare()
		}
	}
	return out, nil
}

// change is the one way in which an event that exists is written: it does so
// only if the condition holds, and returns webhook.ErrNotFound or
// webhook.ErrChanged, having changed nothing, where it does not.
func (l *Ledger) change(id webhook.EventID, holds func(*event) bool, write func(*event)) (webhook.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.events[id]
	if !ok {
		return webhook.Record{}, webhook.ErrNotFound
	}
	if !holds(e) {
		return webhook.Record{}, webhook.ErrChanged
	}
	write(e)
	return e.copy(), nil
}

// copy returns the record with slices of its own, so that no caller can change
// the ledger.
func (e *event) copy() webhook.Record {
	r := e.Record
	r.Receipt = copyReceipt(r.Receipt)
	r.Destinations = slices.Clone(r.Destinations)
	r.History = slices.Clone(r.History)
	return r
}

// bare is a copy without the body.
func (e *event) bare() webhook.Record {
	r := e.copy()
	r.Payload.Data = nil
	return r
}

func copyReceipt(r webhook.Receipt) webhook.Receipt {
	r.Basis, r.Flags = slices.Clone(r.Basis), slices.Clone(r.Flags)
	r.Payload.Data = slices.Clone(r.Payload.Data)
	return r
}

// kept is a receipt as it is at rest: times in UTC at a precision of
// milliseconds, texts of bounded length, and no window, which is a setting and
// no fact.
func kept(r webhook.Receipt) webhook.Receipt {
	r = ledger.Fit(copyReceipt(r))
	r.Window = 0
	r.OccurredAt, r.ReceivedAt = ms(r.OccurredAt), ms(r.ReceivedAt)
	return r
}

func ms(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

// wholeSeconds is the precision of an expiry.
func wholeSeconds(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// key orders events by a time and makes the order total.
func key(t time.Time, id webhook.EventID) string {
	return t.Format("2006-01-02T15:04:05.000Z") + "#" + string(id)
}

func shardOf(id webhook.EventID) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash takes everything
	return int(h.Sum32() % ledger.DueShards)
}

// RecordRejectedRequest keeps a request that was not accepted.
func (l *Ledger) RecordRejectedRequest(_ context.Context, r webhook.RejectedRequest) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.At = ms(r.At)
	l.refused = append(l.refused, r)
	return nil
}

// RejectedRequests lists the refused requests from since on and before until, newest
// first, at most limit.
func (l *Ledger) RejectedRequests(_ context.Context, since, until time.Time, limit int) ([]webhook.RejectedRequest, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []webhook.RejectedRequest{}
	for _, r := range l.refused {
		if !r.At.Before(since) && r.At.Before(until) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b webhook.RejectedRequest) int { return b.At.Compare(a.At) })
	return out[:min(limit, len(out))], nil
}

type documentKey struct{ kind, name string }

type document struct {
	body    []byte
	version int
}

// LoadDocument returns a document and its version, or webhook.ErrNotFound.
func (l *Ledger) LoadDocument(_ context.Context, kind, name string) (body []byte, version int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.documents[documentKey{kind, name}]
	if !ok {
		return nil, 0, webhook.ErrNotFound
	}
	return slices.Clone(d.body), d.version, nil
}

// SaveDocument writes a document if its version is still the one seen (0: it
// does not exist yet), else it returns webhook.ErrChanged. Nothing expires
// here, so neither time is kept.
func (l *Ledger) SaveDocument(_ context.Context, kind, name string, body []byte, seen int, _, _ time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := documentKey{kind, name}
	if l.documents[k].version != seen {
		return fmt.Errorf("%s %s: %w", kind, name, webhook.ErrChanged)
	}
	l.documents[k] = document{body: slices.Clone(body), version: seen + 1}
	return nil
}

// ListDocuments returns the documents of a kind, the last name first, at most
// limit.
func (l *Ledger) ListDocuments(_ context.Context, kind string, limit int) ([]webhook.Document, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := slices.SortedFunc(maps.Keys(l.documents), func(a, b documentKey) int {
		if a.name > b.name {
			return -1
		}
		return 1
	})
	out := []webhook.Document{}
	for _, k := range names {
		if k.kind == kind && len(out) < limit {
			d := l.documents[k]
			out = append(out, webhook.Document{Name: k.name, Version: d.version, Body: slices.Clone(d.body)})
		}
	}
	return out, nil
}
