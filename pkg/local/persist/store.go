// Package persist makes the embedded engine of the local stack keep its state.
// The engine holds everything in memory; a front before it writes what every
// changed record has become into a file, and answers only when the file has it.
// At the next start the records are put back into a new engine. Messages are not
// kept: the ledger says what a queue is owed, and the sweeper sends it again.
package persist

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// FileName is the store's file in its directory.
const FileName = "stack.db"

// ErrInUse is returned, wrapped, for a directory that another process has open.
var ErrInUse = errors.New("another process has it open")

const (
	// lockWait is how long Open waits for a process that is about to end.
	lockWait = time.Second
	// form is the version of what the file holds.
	form = "1"
)

var (
	metaBucket = []byte("meta")
	formKey    = []byte("form")
)

// record names one thing that is kept: the item, object or parameter key of that
// kind.
type record struct{ kind, key string }

// Store keeps the latest image of each record in a file. It is safe for
// concurrent use.
type Store struct {
	db    *bbolt.DB
	write func(images map[record][]byte) error // in one transaction
	wake  chan struct{}
	ended chan struct{}

	mu      sync.Mutex
	waiting map[record][]byte // images that no commit has taken; nil: the record is gone
	next    *commit           // the one that will take them; nil: nobody asked for one
	latest  *commit           // the one that has, or will have, the latest image
}

// commit is one transaction. Whoever added to it at the same time shares it.
type commit struct {
	done chan struct{}
	err  error // read it when done is closed
}

// Open opens the store in a directory, which it makes if it is absent. It
// returns ErrInUse, or an error that says what to do.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	path := filepath.Join(dir, FileName)
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType, NoFreelistSync: true})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%s: %w", path, ErrInUse)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := checkForm(db); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	done := make(chan struct{})
	close(done)
	s := &Store{
		db: db, wake: make(chan struct{}, 1), ended: make(chan struct{}),
		waiting: map[record][]byte{}, latest: &commit{done: done},
	}
	s.write = s.update
	go s.run()
	return s, nil
}

func checkForm(db *bbolt.DB) error {
	return db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(metaBucket)
		if err != nil {
			return err
		}
		switch found := meta.Get(formKey); {
		case found == nil:
			return meta.Put(formKey, []byte(form))
		case string(found) != form:
			return fmt.Errorf("it was written by another version of this program (form %q, not %q): use that one, or another directory", found, form)
		}
		return nil
	})
}

// add takes the images into the next commit. A later image of a record
// replaces an earlier one.
func (s *Store) add(images map[record][]byte) {
	if len(images) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for r, image := range images {
		s.waiting[r] = image
	}
	s.begin()
}

// begin asks for a commit of what waits. The caller holds mu.
func (s *Store) begin() {
	if s.next != nil {
		return
	}
	s.next = &commit{done: make(chan struct{})}
	s.latest = s.next
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// settled returns when everything that was added is in the file, or the reason
// why it is not. What a failed commit had stays, and each call tries it again.
func (s *Store) settled() error {
	s.mu.Lock()
	if s.next == nil && len(s.waiting) > 0 && isClosed(s.latest.done) {
		s.begin()
	}
	c := s.latest
	s.mu.Unlock()
	<-c.done
	return c.err
}

func isClosed(done chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func (s *Store) run() {
	defer close(s.ended)
	for range s.wake {
		s.mu.Lock()
		c, images := s.next, s.waiting
		s.next, s.waiting = nil, map[record][]byte{}
		s.mu.Unlock()
		if c == nil {
			continue
		}
		if c.err = s.write(images); c.err != nil {
			s.mu.Lock()
			for r, image := range images {
				if _, newer := s.waiting[r]; !newer {
					s.waiting[r] = image
				}
			}
			s.mu.Unlock()
		}
		close(c.done)
	}
}

func (s *Store) update(images map[record][]byte) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		for r, image := range images {
			bucket, err := tx.CreateBucketIfNotExists([]byte(r.kind))
			if err != nil {
				return err
			}
			if image == nil {
				err = bucket.Delete([]byte(r.key))
			} else {
				err = bucket.Put([]byte(r.key), image)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", s.db.Path(), err)
	}
	return nil
}

// each calls visit with every record in the order of kinds and keys. The image
// is valid until visit returns.
func (s *Store) each(visit func(r record, image []byte) error) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(kind []byte, bucket *bbolt.Bucket) error {
			if string(kind) == string(metaBucket) {
				return nil
			}
			return bucket.ForEach(func(key, image []byte) error {
				return visit(record{string(kind), string(key)}, image)
			})
		})
	})
}

// Close writes what waits and closes the file. Nothing may be added any more.
func (s *Store) Close() error {
	err := s.settled()
	close(s.wake)
	<-s.ended
	return errors.Join(err, s.db.Close())
}
