package sourcestore

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
)

// documentKind is the partition of the table in which the sources are.
const documentKind = "source"

// ownerKeyName is the parameter of the operator's key, below the prefix. No
// function reads it.
const ownerKeyName = "/sources-key"

// keepRemoved is how long the revision of a removed source is kept, so that a
// writer that was overtaken by the removal changes nothing.
const keepRemoved = 30 * 24 * time.Hour

// maxSources bounds a listing.
const maxSources = 5000

// ErrCopyStale: the table has the change, and the copy that serves while the
// table is down has it not. Sync repairs it.
var ErrCopyStale = errors.New("the change is made, but the copy that serves while the table is down could not be written")

// Documents keeps small pieces of state under a version that every write must
// have seen.
type Documents interface {
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
	ListDocuments(ctx context.Context, kind string, limit int) ([]webhook.Document, error)
}

// Backing is where Sources keeps what.
type Backing struct {
	Documents  Documents // the sources, sealed
	Objects    Objects   // the copy of them
	Bucket     string
	Parameters API // the operator's key
	Prefix     string
	KeyID      string // customer key of the parameter; "": the account's own
	Now        func() time.Time
}

// Sources reads and writes the configured senders for an operator. A write is
// conditional, so of two operators who change one source at the same time the
// later one is told. It caches nothing and is safe for concurrent use.
type Sources struct{ b Backing }

// NewSources returns the sources, or an error for a prefix below which nothing
// can be kept.
func NewSources(b Backing) (*Sources, error) {
	if err := checkPrefix(b.Prefix); err != nil {
		return nil, err
	}
	return &Sources{b: b}, nil
}

// Listed is a source of a listing, or why it cannot be read.
type Listed struct {
	Name   string
	Source auth.Source
	Err    error
	// Outlined tells whether what is no secret of it is as the sealed source says.
	Outlined bool
}

// Get returns a source. It returns ErrNotFound, auth.ErrSealed,
// auth.ErrInvalidSource or webhook.ErrUnavailable, each wrapped.
func (s *Sources) Get(ctx context.Context, name string) (auth.Source, error) {
	sealed, err := s.load(ctx, name)
	if err != nil {
		return auth.Source{}, err
	}
	owner, err := s.ownerKey(ctx)
	if errors.Is(err, ErrNotFound) { // not the source, which is there
		return auth.Source{}, fmt.Errorf("source %s: the parameter %s, which holds its key, is not there: %w", name, s.b.Prefix+ownerKeyName, auth.ErrSealed)
	}
	if err != nil {
		return auth.Source{}, err
	}
	source, err := sealed.Open(owner)
	if err != nil {
		return auth.Source{}, fmt.Errorf("source %s: %w", name, err)
	}
	return source, nil
}

// Exists returns nil for a source that is there, readable or not. It returns
// ErrNotFound or webhook.ErrUnavailable, each wrapped.
func (s *Sources) Exists(ctx context.Context, name string) error {
	if _, err := s.load(ctx, name); err != nil && !errors.Is(err, auth.ErrInvalidSource) {
		return err
	}
	return nil
}

// load returns a source that is there and not removed.
func (s *Sources) load(ctx context.Context, name string) (auth.Sealed, error) {
	if err := auth.ValidateName(name); err != nil {
		return auth.Sealed{}, fmt.Errorf("%w: %w", errInvalid, err)
	}
	sealed, err := loadSealed(ctx, s.b.Documents, name)
	if errors.Is(err, webhook.ErrNotFound) || err == nil && sealed.Removed {
		return auth.Sealed{}, fmt.Errorf("source %s: %w", name, ErrNotFound)
	}
	return sealed, err
}

// Known tells whether a source is there, readable or not, and was not removed, to who
// may read the table alone. It returns webhook.ErrUnavailable, wrapped.
func Known(ctx context.Context, documents DocumentReader, name string) (bool, error) {
	sealed, err := loadSealed(ctx, documents, name)
	switch {
	case errors.Is(err, webhook.ErrNotFound):
		return false, nil
	case errors.Is(err, auth.ErrInvalidSource):
		return true, nil
	}
	return !sealed.Removed, err
}

// List returns every source by name. It returns webhook.ErrUnavailable, wrapped.
func (s *Sources) List(ctx context.Context) ([]Listed, error) {
	all, err := s.rest(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	owner, err := s.ownerKey(ctx)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	var listed []Listed
	for _, r := range all {
		one := Listed{Name: r.sealed.Name, Err: r.err}
		if one.Err == nil {
			one.Source, one.Err = r.sealed.Open(owner)
			one.Outlined = one.Err == nil && r.sealed.Outline != nil && *r.sealed.Outline == one.Source.Outline()
		}
		listed = append(listed, one)
	}
	return listed, nil
}

// resting is a source as it rests, or auth.ErrInvalidSource, wrapped, and its name
// and revision alone.
type resting struct {
	sealed auth.Sealed
	err    error
}

// rest returns every source as it rests, by name, readable or not, without those
// that are removed.
func (s *Sources) rest(ctx context.Context) ([]resting, error) {
	documents, err := s.b.Documents.ListDocuments(ctx, documentKind, maxSources)
	if err != nil {
		return nil, err
	}
	all := make([]resting, 0, len(documents))
	for _, d := range documents {
		sealed, err := sealedOf(d)
		if !sealed.Removed {
			all = append(all, resting{sealed, err})
		}
	}
	slices.SortFunc(all, func(a, b resting) int { return cmp.Compare(a.sealed.Name, b.sealed.Name) })
	return all, nil
}

// PutSource writes a source, and the copy. It returns ErrExists for a new one
// whose name is taken, webhook.ErrChanged where somebody wrote or removed it
// since it was read, ErrCopyStale where the copy alone is not written,
// auth.ErrInvalidSource or webhook.ErrUnavailable, each wrapped.
func (s *Sources) PutSource(ctx context.Context, source auth.Source) error {
	seen := source.Revision
	if seen == 0 {
		before, err := loadSealed(ctx, s.b.Documents, source.Name)
		switch {
		case errors.Is(err, webhook.ErrNotFound):
		case err != nil:
			return err
		case !before.Removed:
			return fmt.Errorf("source %s: %w", source.Name, ErrExists)
		default:
			seen = before.Revision
		}
	}
	owner, err := s.ownerKey(ctx)
	if errors.Is(err, ErrNotFound) {
		owner, err = s.makeOwnerKey(ctx)
	}
	if err != nil {
		return err
	}
	source.Revision = seen + 1
	sealed, err := source.Seal(owner)
	if err != nil {
		return err
	}
	return s.save(ctx, sealed, time.Time{})
}

// Remove removes a source, readable or not, and its entry in the copy. It
// returns ErrNotFound, or what PutSource returns.
func (s *Sources) Remove(ctx context.Context, name string) error {
	before, err := s.load(ctx, name)
	if err != nil && !errors.Is(err, auth.ErrInvalidSource) {
		return err
	}
	return s.save(ctx, auth.Sealed{Name: name, Revision: before.Revision + 1, Removed: true}, s.b.Now().Add(keepRemoved))
}

func (s *Sources) save(ctx context.Context, sealed auth.Sealed, expiresAt time.Time) error {
	form, err := json.Marshal(sealed)
	if err != nil {
		return fmt.Errorf("encode source %s: %w", sealed.Name, err)
	}
	err = s.b.Documents.SaveDocument(ctx, documentKind, sealed.Name, form, sealed.Revision-1, s.b.Now(), expiresAt)
	if err != nil {
		return fmt.Errorf("write source %s: %w", sealed.Name, err)
	}
	if _, err := s.Sync(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrCopyStale, err)
	}
	return nil
}

// ownerKey reads the operator's key. It returns ErrNotFound where there is none
// yet.
func (s *Sources) ownerKey(ctx context.Context) ([]byte, error) {
	name := s.b.Prefix + ownerKeyName
	found, err := s.b.Parameters.GetParameter(ctx, name)
	if err != nil {
		return nil, explain("read", name, err)
	}
	key, err := base64.StdEncoding.DecodeString(found.Value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: not base64", name, errInvalid) // the cause would quote it
	}
	return key, nil
}

// makeOwnerKey writes the operator's key, once, and the one that is derived from it.
func (s *Sources) makeOwnerKey(ctx context.Context) ([]byte, error) {
	if _, err := s.newOwnerKey(ctx); err != nil {
		return nil, err
	}
	if _, err := s.ErasureKey(ctx); err != nil {
		return nil, err
	}
	return s.ownerKey(ctx)
}

// newOwnerKey writes the operator's key, once: of two operators who are the first, both
// use the one that was written.
func (s *Sources) newOwnerKey(ctx context.Context) ([]byte, error) {
	key, err := auth.NewOwnerKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	name := s.b.Prefix + ownerKeyName
	err = s.b.Parameters.PutParameter(ctx, name, base64.StdEncoding.EncodeToString(key), s.b.KeyID, false)
	if err := explain("write", name, err); err != nil && !errors.Is(err, ErrExists) {
		return nil, err
	}
	return s.ownerKey(ctx)
}

// Outline writes anew the sources of a listing whose outline is missing or says something
// else, and returns how many. One that somebody else wrote meanwhile has one. It returns
// what PutSource returns.
func (s *Sources) Outline(ctx context.Context, listed []Listed) (written int, err error) {
	for _, one := range listed {
		if one.Err != nil || one.Outlined {
			continue
		}
		switch err := s.PutSource(ctx, one.Source); {
		case errors.Is(err, webhook.ErrChanged):
		case err != nil:
			return written, err
		default:
			written++
		}
	}
	return written, nil
}

// loadSealed returns a source as it rests. It returns webhook.ErrNotFound,
// auth.ErrInvalidSource or webhook.ErrUnavailable, each wrapped.
func loadSealed(ctx context.Context, documents DocumentReader, name string) (auth.Sealed, error) {
	body, version, err := documents.LoadDocument(ctx, documentKind, name)
	if err != nil {
		return auth.Sealed{}, err
	}
	sealed, err := sealedOf(webhook.Document{Name: name, Version: version, Body: body})
	if err != nil {
		err = fmt.Errorf("source %s: %w", name, err)
	}
	return sealed, err
}

// sealedOf reads a source. With auth.ErrInvalidSource, wrapped, it returns its name
// and revision alone.
func sealedOf(d webhook.Document) (auth.Sealed, error) {
	sealed, err := auth.ParseSealed(d.Body)
	if err == nil && (sealed.Name != d.Name || sealed.Revision != d.Version) {
		err = fmt.Errorf("%w: another name or revision is written in it", auth.ErrInvalidSource)
	}
	if err != nil {
		return auth.Sealed{Name: d.Name, Revision: d.Version}, err
	}
	return sealed, nil
}
