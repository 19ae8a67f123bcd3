package incident

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Documents keeps incidents. A version is a fencing token: a writer that was overtaken
// gets webhook.ErrChanged and has changed nothing.
type Documents interface {
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
	ListDocuments(ctx context.Context, kind string, limit int) ([]webhook.Document, error)
}

// documentKind is the partition of the incidents.
const documentKind = "incident"

// maxListed bounds a listing. The limits of the kinds keep what there is far below it,
// but for errors, which are limited by source.
const maxListed = 1000

// maxRaces bounds how often a write is repeated because somebody else wrote.
const maxRaces = 5

// ErrNotFound: there is no such incident.
var ErrNotFound = errors.New("no such incident")

// Store is safe for concurrent use. Its errors wrap webhook.ErrUnavailable where the
// ledger did not answer.
type Store struct {
	docs Documents
	now  func() time.Time
}

// NewStore returns the incidents that are kept in a ledger. It makes no call.
func NewStore(docs Documents, now func() time.Time) *Store { return &Store{docs: docs, now: now} }

// Query chooses incidents. Empty fields match everything.
type Query struct {
	Ongoing bool // those that are not closed
	Kind    Kind
	Source  string
	Since   time.Time // seen since then
}

func (q Query) matches(in Incident) bool {
	return (!q.Ongoing || in.Ongoing()) && (q.Kind == "" || in.Kind == q.Kind) &&
		(q.Source == "" || in.Source == q.Source) && !in.LastAt.Before(q.Since)
}

// List returns the incidents that are kept, those that go on first, then the latest
// first. It is one consistent look-up of a partition: a read unit for each 4 KB, about
// eight incidents.
func (s *Store) List(ctx context.Context, q Query) ([]Incident, error) {
	all, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(all, func(in Incident) bool { return !q.matches(in) })
	Newest(list)
	return list, nil
}

// all reads every incident. What is not as it is written is left out; a sighting writes
// over it. What has expired and is not deleted yet is left out, too.
func (s *Store) all(ctx context.Context) ([]Incident, error) {
	docs, err := s.docs.ListDocuments(ctx, documentKind, maxListed)
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	list := make([]Incident, 0, len(docs))
	for _, d := range docs {
		in, ok := read(d.Body, d.Version)
		if ok && in.ID == d.Name && s.now().Before(in.expiresAt()) {
			list = append(list, in)
		}
	}
	return list, nil
}

func read(body []byte, version int) (Incident, bool) {
	var in Incident
	if json.Unmarshal(body, &in) != nil || in.ID == "" {
		return Incident{version: version}, false
	}
	in.version = version
	return in, true
}

// Get returns an incident. It returns ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (Incident, error) {
	in, err := s.load(ctx, id)
	if err == nil && in.ID == "" {
		err = ErrNotFound
	}
	return in, err
}

// load returns an incident, and an empty one where there is none.
func (s *Store) load(ctx context.Context, id string) (Incident, error) {
	body, version, err := s.docs.LoadDocument(ctx, documentKind, id)
	if errors.Is(err, webhook.ErrNotFound) {
		return Incident{}, nil
	}
	if err != nil {
		return Incident{}, fmt.Errorf("read incident %s: %w", id, err)
	}
	in, _ := read(body, version)
	return in, nil
}

// save writes an incident that nobody wrote since it was read. It returns
// webhook.ErrChanged where somebody did.
func (s *Store) save(ctx context.Context, in *Incident) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode incident: %w", err)
	}
	if err := s.docs.SaveDocument(ctx, documentKind, in.ID, body, in.version, s.now(), in.expiresAt()); err != nil {
		return err
	}
	in.version++
	return nil
}

// change reads an incident, changes it and writes it, as often as somebody else writes
// meanwhile. do returns false where nothing is to be written.
func (s *Store) change(ctx context.Context, id string, do func(*Incident) bool) (Incident, error) {
	for range maxRaces {
		in, err := s.load(ctx, id)
		if err != nil || !do(&in) {
			return in, err
		}
		if err := s.save(ctx, &in); !errors.Is(err, webhook.ErrChanged) {
			return in, err
		}
	}
	return Incident{}, fmt.Errorf("incident %s was changed %d times meanwhile: %w", id, maxRaces, webhook.ErrUnavailable)
}

// Record counts a sighting on its incident, and opens it where need be. Repeating it
// counts it twice.
func (s *Store) Record(ctx context.Context, seen Sighting) (Incident, error) {
	seen = seen.bounded()
	return s.change(ctx, seen.ID(), func(in *Incident) bool { in.see(seen, s.now().UTC()); return true })
}

// Acknowledge says that somebody knows. It returns ErrNotFound. One that is closed stays
// closed.
func (s *Store) Acknowledge(ctx context.Context, id, note string) (Incident, error) {
	return s.existing(ctx, id, func(in *Incident) bool {
		if !in.Ongoing() {
			return false
		}
		in.State, in.AckedAt, in.Note = Acknowledged, s.now().UTC(), clip(note, MaxNote)
		return true
	})
}

// Close ends an incident by hand. It returns ErrNotFound. What is seen later opens it
// again.
func (s *Store) Close(ctx context.Context, id string) (Incident, error) {
	return s.existing(ctx, id, func(in *Incident) bool {
		if !in.Ongoing() {
			return false
		}
		in.close(s.now().UTC(), "an operator closed it")
		return true
	})
}

func (s *Store) existing(ctx context.Context, id string, do func(*Incident) bool) (Incident, error) {
	in, err := s.change(ctx, id, func(in *Incident) bool { return in.ID != "" && do(in) })
	if err == nil && in.ID == "" {
		err = ErrNotFound
	}
	return in, err
}

// Forget takes an address out of what is kept of incidents, and returns of how many. It
// may be repeated. An incident about the address itself keeps its id, kind and times.
func (s *Store) Forget(ctx context.Context, mentions func(text string) bool, count func()) (int, error) {
	all, err := s.all(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, in := range all {
		count()
		if !in.mentions(mentions) {
			continue
		}
		_, err := s.change(ctx, in.ID, func(in *Incident) bool {
			if in.ID == "" || !in.mentions(mentions) {
				return false
			}
			for _, text := range in.texts() {
				if mentions(*text) {
					*text = erased
				}
			}
			return true
		})
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Mentions counts the incidents in which an address stands.
func (s *Store) Mentions(ctx context.Context, mentions func(text string) bool, count func()) (int, error) {
	all, err := s.all(ctx)
	n := 0
	for _, in := range all {
		count()
		if in.mentions(mentions) {
			n++
		}
	}
	return n, err
}

// erased stands in the place of a text that named a person.
const erased = "(erased)"

func (in *Incident) texts() []*string {
	return []*string{&in.Cause, &in.Subject, &in.Source, &in.Account, &in.Text, &in.Note}
}

func (in *Incident) mentions(mentions func(string) bool) bool {
	return slices.ContainsFunc(in.texts(), func(text *string) bool { return strings.TrimSpace(*text) != "" && mentions(*text) })
}
