package scopes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"smartlead-receiver/pkg/webhook"
)

const (
	// maxKnown bounds what an instance remembers.
	maxKnown = 4096
	// An instance looks at one document in lookEvery at most, behind a first lookBurst:
	// whatever is sent, and whoever sends it.
	lookEvery = 10 * time.Second
	lookBurst = 20
	// lookTimeout bounds the look and the write, beside the enqueueing of the events.
	lookTimeout = 300 * time.Millisecond
	// maxLooks of one request: an array may hold thousands of scopes.
	maxLooks = 4
)

// Documents keeps small pieces of state under a version that every write must have seen.
type Documents interface {
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
}

// Recorder writes the record. What it knows costs no call: it asks the table once a day
// for each scope, and writes where no other instance did. It is safe for concurrent use.
type Recorder struct {
	documents Documents
	now       func() time.Time
	looks     *rate.Limiter

	mu    sync.Mutex
	known map[webhook.Scope]time.Time // when it was last known to be in the record
}

// NewRecorder returns a recorder that knows nothing yet.
func NewRecorder(documents Documents, now func() time.Time) *Recorder {
	return &Recorder{
		documents: documents, now: now, looks: rate.NewLimiter(rate.Every(lookEvery), lookBurst),
		known: map[webhook.Scope]time.Time{},
	}
}

// Known tells whether there is nothing to record of a scope. It makes no call.
func (r *Recorder) Known(s webhook.Scope) bool {
	s, ok := bounded(s)
	return !ok || r.remembers(s)
}

func (r *Recorder) remembers(s webhook.Scope) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.known[s]
	age := r.now().Sub(at)
	return ok && age >= 0 && age < Refresh
}

// Record notes scopes that were seen, and tells which of them are second webhooks: new,
// while another one sends the same type of the same campaign. It answers within
// lookTimeout. What it could not note now it notes with a later event: nothing of it
// concerns the event itself, so it returns the cause for the log alone.
func (r *Recorder) Record(ctx context.Context, seen []webhook.Scope) (second []webhook.Scope, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	looks := 0
	for _, s := range seen {
		kept, ok := bounded(s)
		if !ok || r.remembers(kept) { // twice in one request
			continue
		}
		kept = cloned(kept)
		if looks++; looks > maxLooks || !r.looks.AllowN(r.now(), 1) {
			break
		}
		isSecond, failed := r.note(ctx, kept)
		if errors.Is(failed, webhook.ErrChanged) {
			continue // others write the same document: a later event notes it
		}
		if failed != nil {
			return second, fmt.Errorf("the record of webhooks: %w", failed)
		}
		r.remember(kept)
		if isSecond {
			second = append(second, s)
		}
	}
	return second, nil
}

// note writes a scope into its document, unless another instance has done so. Of two
// that write at once the later one looks again, once.
func (r *Recorder) note(ctx context.Context, s webhook.Scope) (second bool, err error) {
	name := documentName(s)
	for range 2 {
		body, version, loadErr := r.documents.LoadDocument(ctx, Kind, name)
		if loadErr != nil && !errors.Is(loadErr, webhook.ErrNotFound) {
			return false, loadErr
		}
		now := r.now()
		m := merge(parse(s.Account, body), s, now)
		if !m.changed {
			return false, nil
		}
		text, encodeErr := json.Marshal(m.entries)
		if encodeErr != nil {
			return false, encodeErr
		}
		err = r.documents.SaveDocument(ctx, Kind, name, text, version, now, now.Add(Keep))
		if err == nil {
			return m.second, nil
		}
		if !errors.Is(err, webhook.ErrChanged) {
			return false, err
		}
	}
	return false, err
}

func (r *Recorder) remember(s webhook.Scope) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= maxKnown {
		clear(r.known)
	}
	r.known[s] = r.now()
}
