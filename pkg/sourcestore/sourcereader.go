package sourcestore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
)

const (
	// doubtTTL is the age at which a copy is no longer enough to refuse a
	// request: how long a new source or token is not known.
	doubtTTL = 3 * time.Second
	// tableTimeout bounds the read of the table, so that time is left for the
	// copy in S3 within the request's own bound.
	tableTimeout = time.Second
	// retryTable is how long a table that failed is not asked again, so that an
	// outage does not slow down every request.
	retryTable = 2 * time.Second
	// maxUnknown bounds how many names without a source are remembered.
	maxUnknown = 512
)

// DocumentReader is what a SourceReader needs of the table.
type DocumentReader interface {
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
}

// SourceReader serves sources to the receiver: each from the table, by its name,
// when it is first asked for and every TTL; and all from the copy in S3 while
// the table cannot be read. Nothing runs beyond the request that caused it,
// because Lambda freezes the process between requests. It is safe for
// concurrent use.
type SourceReader struct {
	documents DocumentReader
	objects   ObjectReader
	bucket    string
	settings  Settings

	mu        sync.Mutex
	known     map[string]reading
	unknown   map[string]reading
	order     []string // of unknown, the oldest first
	busy      map[string]chan struct{}
	tableDown time.Time
	copied    map[string]auth.Sealed
	copiedAt  time.Time
}

// reading is what the table said of a name, and when it was asked. The zero
// sealed is a name without a source.
type reading struct {
	sealed auth.Sealed
	at     time.Time
	copied bool // from the copy in S3, which may be behind
}

// NewSourceReader returns a reader that has read nothing yet.
func NewSourceReader(documents DocumentReader, objects ObjectReader, bucket string, settings Settings) *SourceReader {
	return &SourceReader{
		documents: documents, objects: objects, bucket: bucket, settings: settings.withDefaults(),
		known: map[string]reading{}, unknown: map[string]reading{}, busy: map[string]chan struct{}{},
	}
}

// Source returns the source of that name, opened with the token. With a token
// that is none of the source's it returns what Authenticate refuses, and for a
// name without a source auth.ErrUnknownSource: both only on the word of the
// table, asked doubtTTL ago at most, so that both cost the same. It returns
// webhook.ErrUnavailable, wrapped, where the table did not say so, or where this
// very source cannot be read: that is our fault, and an answer that ends the
// sender's retries would lose events.
func (r *SourceReader) Source(ctx context.Context, name, token string) (auth.Source, error) {
	read, err := r.look(ctx, name, r.settings.TTL)
	if err != nil {
		return auth.Source{}, err
	}
	source, ok, err := read.sealed.OpenWith(token)
	if !ok && err == nil {
		if read, err = r.look(ctx, name, min(doubtTTL, r.settings.TTL)); err != nil {
			return auth.Source{}, err
		}
		source, ok, err = read.sealed.OpenWith(token)
	}
	switch {
	case err != nil:
		err = fmt.Errorf("source %s, revision %d: %w", name, read.sealed.Revision, err)
		r.settings.OnError(err)
		return auth.Source{}, fmt.Errorf("%w: %w", webhook.ErrUnavailable, err)
	case !ok && read.copied:
		return auth.Source{}, fmt.Errorf("%w: the table did not say whether this token is valid", webhook.ErrUnavailable)
	case read.sealed.Name == "":
		return auth.Source{}, auth.ErrUnknownSource
	}
	return source, nil
}

// look returns what is known of a name for less than maxAge, or asks. Of several
// requests for one name the first asks for all, on its own time; should it fail,
// the next one asks.
func (r *SourceReader) look(ctx context.Context, name string, maxAge time.Duration) (reading, error) {
	for {
		r.mu.Lock()
		if read, ok := r.remembered(name); ok && within(r.now(), read.at, maxAge) {
			r.mu.Unlock()
			return read, nil
		}
		done, busy := r.busy[name]
		if !busy {
			done = make(chan struct{})
			r.busy[name] = done
			r.mu.Unlock()
			return r.ask(ctx, name, done)
		}
		r.mu.Unlock()
		select {
		case <-done:
		case <-ctx.Done():
			return reading{}, fmt.Errorf("%w: %w", webhook.ErrUnavailable, context.Cause(ctx))
		}
	}
}

func (r *SourceReader) ask(ctx context.Context, name string, done chan struct{}) (reading, error) {
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.busy, name)
		close(done)
	}()
	read := reading{at: r.now()} // before the question: what is written from now on may be missed
	r.mu.Lock()
	down := within(read.at, r.tableDown, retryTable)
	r.mu.Unlock()
	var cause error
	if !down {
		read.sealed, cause = r.askTable(ctx, name)
		if cause == nil {
			r.remember(name, read)
			return read, nil
		}
		if !errors.Is(cause, webhook.ErrUnavailable) {
			r.settings.OnError(cause)
			return reading{}, fmt.Errorf("%w: %w", webhook.ErrUnavailable, cause)
		}
		r.settings.OnError(fmt.Errorf("the copy of the sources serves: %w", cause))
	}
	return r.askCopy(ctx, name, read.at, cause)
}

// askTable returns the zero Sealed for a name without a source.
func (r *SourceReader) askTable(ctx context.Context, name string) (auth.Sealed, error) {
	bounded, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	sealed, err := loadSealed(bounded, r.documents, name)
	switch {
	case errors.Is(err, webhook.ErrNotFound) || err == nil && sealed.Removed:
		return auth.Sealed{}, nil
	case err != nil && errors.Is(err, webhook.ErrUnavailable) && ctx.Err() == nil:
		r.mu.Lock()
		r.tableDown = r.now()
		r.mu.Unlock()
	}
	return sealed, err
}

// askCopy returns what the copy in S3 has, or what the table said before if that
// is newer. It is not remembered, so that the table is asked as soon as it may
// answer.
func (r *SourceReader) askCopy(ctx context.Context, name string, now time.Time, cause error) (reading, error) {
	r.mu.Lock()
	all, at, before := r.copied, r.copiedAt, r.known[name]
	r.mu.Unlock()
	if all == nil || !within(now, at, r.settings.TTL) {
		text, err := readBundle(ctx, r.objects, r.bucket)
		if err == nil {
			all, err = parseBundle(text)
		}
		if err != nil {
			r.settings.OnError(err)
			return reading{}, fmt.Errorf("%w: neither the table nor the copy of the sources can be read: %w", webhook.ErrUnavailable, errors.Join(cause, err))
		}
		r.mu.Lock()
		r.copied, r.copiedAt = all, now
		r.mu.Unlock()
	}
	sealed := all[name]
	if before.sealed.Revision > sealed.Revision {
		sealed = before.sealed
	}
	return reading{sealed: sealed, at: now, copied: true}, nil
}

// remembered is what the table said of a name. The caller holds mu.
func (r *SourceReader) remembered(name string) (reading, bool) {
	if read, ok := r.known[name]; ok {
		return read, true
	}
	read, ok := r.unknown[name]
	return read, ok
}

// remember keeps what the table said. Strangers can name as many sources as they
// like, so the names without one are bounded: the oldest is forgotten.
func (r *SourceReader) remember(name string, read reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if read.sealed.Name != "" {
		r.known[name] = read
		return
	}
	delete(r.known, name)
	if _, ok := r.unknown[name]; !ok {
		if len(r.order) >= maxUnknown {
			delete(r.unknown, r.order[0])
			r.order = append(r.order[:0], r.order[1:]...)
		}
		r.order = append(r.order, name)
	}
	r.unknown[name] = read
}

// now is wall-clock time: the monotonic clock may stand still while the process
// is frozen, and a copy would then seem young after an hour.
func (r *SourceReader) now() time.Time { return r.settings.Now().Round(0) }
