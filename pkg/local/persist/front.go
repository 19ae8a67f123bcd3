package persist

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"smartlead-receiver/pkg/local/relay"
)

// Front stands between the SDK clients and the engine. It is safe for concurrent
// use.
//
// Whatever a client learns from an answer is in the file: a write answers after
// its commit, and so does a read or a refused write, which may have seen another
// one's write.
type Front struct {
	*relay.Relay

	store    *Store
	onlyCopy func(body string) bool

	mu   sync.Mutex
	owed map[record]bool // changed in the engine, not yet read for the store
}

// Listen starts a front before the engine. OnlyCopy, if it is not nil, tells
// whether a message is the only copy of something: since messages are not kept,
// it is refused, as an engine that is down would, and its sender may not
// acknowledge what is in it.
func Listen(ctx context.Context, engine string, store *Store, onlyCopy func(body string) bool) (*Front, error) {
	l, err := relay.Listen(ctx, engine)
	if err != nil {
		return nil, err
	}
	f := &Front{Relay: l, store: store, onlyCopy: onlyCopy, owed: map[record]bool{}}
	l.Serve(f.serve)
	return f, nil
}

// serve passes one call to the engine.
func (f *Front) serve(r *http.Request, body []byte) relay.Answer {
	c := f.read(r, body)
	if c.refused != "" {
		return relay.Failed(c.status, c.refused)
	}
	if c.messages {
		a, err := f.Pass(r.Context(), r, body)
		if err != nil {
			return relay.Failed(http.StatusBadGateway, "the engine does not answer")
		}
		return a
	}
	a, err := f.kept(r, body, c.changes)
	if err != nil {
		return relay.Failed(http.StatusInternalServerError, err.Error())
	}
	return a
}

// kept passes a call on, and returns the answer when all that it tells of is in
// the file. One call that changes something follows the other, so that the last
// image of a record is the last in the file, too.
func (f *Front) kept(r *http.Request, body []byte, changes []record) (relay.Answer, error) {
	ctx := context.WithoutCancel(r.Context()) // a client that has gone does not undo its write
	if len(changes) == 0 {
		a, err := f.Pass(r.Context(), r, body)
		if err != nil {
			return relay.Answer{}, errNoAnswer
		}
		// A write that this answer saw has the lock, or has been added.
		f.mu.Lock()
		err = f.look(ctx)
		f.mu.Unlock()
		return a, errors.Join(err, f.store.settled())
	}
	f.mu.Lock()
	a, err := f.Pass(ctx, r, body)
	if err != nil || a.Status < 300 || a.Status >= 500 { // else it was refused, and changed nothing
		for _, c := range changes {
			f.owed[c] = true
		}
	}
	looked := f.look(ctx)
	f.mu.Unlock()
	if err != nil {
		return relay.Answer{}, errNoAnswer
	}
	return a, errors.Join(looked, f.store.settled())
}

var errNoAnswer = errors.New("the engine does not answer")

// look reads what is owed, and hands it to the store. The caller holds mu.
func (f *Front) look(ctx context.Context) error {
	images := map[record][]byte{}
	defer func() { f.store.add(images) }()
	for r := range f.owed {
		image, err := f.image(ctx, r)
		if err != nil {
			return err
		}
		images[r] = image
		delete(f.owed, r)
	}
	return nil
}
