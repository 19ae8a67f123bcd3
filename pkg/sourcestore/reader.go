package sourcestore

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
)

// defaultTTL is the TTL of a Reader whose settings name none.
const defaultTTL = time.Minute

// Settings tune a Reader.
type Settings struct {
	// TTL is the age at which the copy is renewed: how long a rotated token or
	// a removed source lives on in a running function. 0 means a minute.
	TTL time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// OnError is told each failed load once and each unreadable parameter once
	// per version; no error carries a secret. It may be called from several
	// goroutines. Nil means that nobody is told.
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

// PathReader is what a Reader needs of ssm.Client.
type PathReader interface {
	GetParametersByPath(context.Context, *ssm.GetParametersByPathInput, ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error)
}

// Reader serves sources and destinations from a copy that is renewed every TTL.
// Each kind is loaded when it is first asked for. It is safe for concurrent
// use.
type Reader struct {
	api          PathReader
	prefix       string
	onError      func(error)
	sources      *cache[map[string]loadedSource]
	destinations *cache[map[string][]byte]

	mu       sync.Mutex
	reported map[string]int64 // name and version of unreadable sources already told
}

type loadedSource struct {
	source auth.Source
	err    error
}

// NewReader returns a reader below prefix, or an error for a prefix below which
// nothing can be kept. Nothing is loaded yet.
func NewReader(api PathReader, prefix string, settings Settings) (*Reader, error) {
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	settings = settings.withDefaults()
	r := &Reader{api: api, prefix: prefix, onError: settings.OnError, reported: map[string]int64{}}
	r.sources = &cache[map[string]loadedSource]{load: r.loadSources, settings: settings}
	r.destinations = &cache[map[string][]byte]{load: r.loadDestinations, settings: settings}
	return r, nil
}

// Source returns the source of that name. It returns auth.ErrUnknownSource for
// a name that the copy does not hold, without asking the store beyond the
// regular renewal; and webhook.ErrUnavailable, wrapped, when no copy could ever
// be loaded or when this very source cannot be read: that is our fault, and an
// answer that ends the sender's retries would lose events.
func (r *Reader) Source(ctx context.Context, name string) (auth.Source, error) {
	all, err := r.sources.get(ctx)
	if err != nil {
		return auth.Source{}, fmt.Errorf("load sources: %w", err)
	}
	found, ok := all[name]
	if !ok {
		return auth.Source{}, auth.ErrUnknownSource
	}
	if found.err != nil {
		return auth.Source{}, fmt.Errorf("%w: source %s cannot be read: %w", webhook.ErrUnavailable, name, found.err)
	}
	return found.source, nil
}

// Destinations returns the stored configuration of each destination by name,
// undecoded. The map is the caller's, the bytes are shared: read only. It
// returns webhook.ErrUnavailable, wrapped, when no copy could ever be loaded.
func (r *Reader) Destinations(ctx context.Context) (map[string][]byte, error) {
	all, err := r.destinations.get(ctx)
	if err != nil {
		return nil, fmt.Errorf("load destinations: %w", err)
	}
	return maps.Clone(all), nil
}

func (r *Reader) loadSources(ctx context.Context) (map[string]loadedSource, error) {
	entries, err := readPath(ctx, r.api, r.prefix, Sources)
	if err != nil {
		return nil, err
	}
	all := make(map[string]loadedSource, len(entries))
	for _, e := range entries {
		source, err := auth.ParseSource(e.Name, e.Value)
		if err != nil {
			r.report(e, err)
		}
		all[e.Name] = loadedSource{source: source, err: err}
	}
	return all, nil
}

func (r *Reader) loadDestinations(ctx context.Context) (map[string][]byte, error) {
	entries, err := readPath(ctx, r.api, r.prefix, Destinations)
	if err != nil {
		return nil, err
	}
	all := make(map[string][]byte, len(entries))
	for _, e := range entries {
		all[e.Name] = e.Value
	}
	return all, nil
}

// report tells of an unreadable source once per version, not once a minute.
func (r *Reader) report(e Entry, err error) {
	r.mu.Lock()
	told := r.reported[e.Name] == e.Version
	r.reported[e.Name] = e.Version
	r.mu.Unlock()
	if !told {
		r.onError(fmt.Errorf("source %s, version %d: %w", e.Name, e.Version, err))
	}
}

// readPath reads every parameter of a kind, decrypted, all pages.
func readPath(ctx context.Context, api PathReader, prefix string, kind Kind) ([]Entry, error) {
	path := prefix + "/" + string(kind)
	pages := ssm.NewGetParametersByPathPaginator(api, &ssm.GetParametersByPathInput{
		Path:           aws.String(path),
		WithDecryption: aws.Bool(true),
		MaxResults:     aws.Int32(10), // the service's maximum
	})
	var entries []Entry
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		for _, p := range page.Parameters {
			entries = append(entries, entryOf(path, p))
		}
	}
	return entries, nil
}

func entryOf(path string, p types.Parameter) Entry {
	return Entry{
		Name:      strings.TrimPrefix(aws.ToString(p.Name), path+"/"),
		Value:     []byte(aws.ToString(p.Value)),
		Version:   p.Version,
		UpdatedAt: aws.ToTime(p.LastModifiedDate).UTC(),
	}
}
