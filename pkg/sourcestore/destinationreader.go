package sourcestore

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"smartlead-receiver/pkg/sourcestore/parameter"
)

// defaultTTL is the TTL of a reader whose settings name none.
const defaultTTL = time.Minute

// Settings tune a reader.
type Settings struct {
	// TTL is the age at which a copy is renewed: how long a withdrawn token, a
	// removed source or an older destination lives on in a running function. 0
	// means a minute.
	TTL time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// OnError is told each failed load and each unreadable source; no error
	// carries a secret. It may be called from several goroutines. Nil means that nobody is told.
	OnError func(error)
}

func (s Settings) withDefaults() Settings {
	if s.TTL <= 0 {
		s.TTL = defaultTTL
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.OnError == nil {
		s.OnError = func(error) {}
	}
	return s
}

// PathReader is what a DestinationReader needs of Parameter Store.
type PathReader interface {
	// ParametersByPath returns a page of the parameters below a path: the first for an
	// empty page. next names the page behind it, "" where there is none.
	ParametersByPath(ctx context.Context, path, page string) (found []parameter.Parameter, next string, err error)
}

// Reader reads parameters by their path, and one by its name.
type Reader interface {
	PathReader
	NamedReader
}

// NamedReader reads one parameter.
type NamedReader interface {
	// GetParameter returns a parameter, decrypted.
	GetParameter(ctx context.Context, name string) (parameter.Parameter, error)
}

// DestinationReader serves destinations from a copy that is renewed every TTL.
// It is safe for concurrent use.
type DestinationReader struct {
	api    PathReader
	path   string
	copies *cache[map[string][]byte]
}

// NewDestinationReader returns a reader below prefix, or an error for a prefix
// below which nothing can be kept. Nothing is loaded yet.
func NewDestinationReader(api PathReader, prefix string, settings Settings) (*DestinationReader, error) {
	return readerBelow(api, prefix, destinationsPath, settings)
}

// NewNoticeReader returns the same for the targets of notices.
func NewNoticeReader(api PathReader, prefix string, settings Settings) (*DestinationReader, error) {
	return readerBelow(api, prefix, noticesPath, settings)
}

func readerBelow(api PathReader, prefix, folder string, settings Settings) (*DestinationReader, error) {
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	r := &DestinationReader{api: api, path: prefix + folder}
	r.copies = &cache[map[string][]byte]{load: r.load, settings: settings.withDefaults()}
	return r, nil
}

// Destinations returns the stored configuration of each destination by name,
// undecoded. The map is the caller's, the bytes are shared: read only. It
// returns webhook.ErrUnavailable, wrapped, when no copy could ever be loaded.
func (r *DestinationReader) Destinations(ctx context.Context) (map[string][]byte, error) {
	all, err := r.copies.get(ctx)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", r.path, err)
	}
	return maps.Clone(all), nil
}

func (r *DestinationReader) load(ctx context.Context) (map[string][]byte, error) {
	entries, err := readPath(ctx, r.api, r.path)
	if err != nil {
		return nil, err
	}
	all := make(map[string][]byte, len(entries))
	for _, e := range entries {
		all[e.Name] = e.Value
	}
	return all, nil
}

// readPath reads everything below a path, all pages.
func readPath(ctx context.Context, api PathReader, path string) ([]Entry, error) {
	var entries []Entry
	for page := ""; ; {
		found, next, err := api.ParametersByPath(ctx, path, page)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		for _, p := range found {
			entries = append(entries, entryOf(path, p))
		}
		if next == "" || next == page {
			return entries, nil
		}
		page = next
	}
}

func entryOf(path string, p parameter.Parameter) Entry {
	return Entry{
		Name:      strings.TrimPrefix(p.Name, path+"/"),
		Value:     []byte(p.Value),
		Version:   p.Version,
		UpdatedAt: p.UpdatedAt.UTC(),
	}
}
