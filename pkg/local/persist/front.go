package persist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxCall bounds what is read of one call, in bytes: more than an object or a
// batch of items of this receiver has.
const maxCall = 64 << 20

// Front stands between the SDK clients and the engine. It is safe for concurrent
// use.
//
// Whatever a client learns from an answer is in the file: a write answers after
// its commit, and so does a read or a refused write, which may have seen another
// one's write.
type Front struct {
	URL string

	engine   string // the engine's base URL
	store    *Store
	onlyCopy func(body string) bool
	client   *http.Client
	server   *http.Server

	mu   sync.Mutex
	owed map[record]bool // changed in the engine, not yet read for the store
}

// Listen starts a front before the engine. OnlyCopy, if it is not nil, tells
// whether a message is the only copy of something: since messages are not kept,
// it is refused, as an engine that is down would, and its sender may not
// acknowledge what is in it.
func Listen(ctx context.Context, engine string, store *Store, onlyCopy func(body string) bool) (*Front, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen before the engine: %w", err)
	}
	f := &Front{
		URL: "http://" + listener.Addr().String(), engine: engine, store: store, onlyCopy: onlyCopy,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}, owed: map[record]bool{},
	}
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.server.Serve(listener) }() // it ends with Close
	return f, nil
}

// Close finishes the calls in flight and stops listening. The store stays open.
func (f *Front) Close() {
	_ = f.server.Shutdown(context.Background()) // without a deadline it only reports the listener's own error
	f.client.CloseIdleConnections()
}

// ServeHTTP passes one call to the engine.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
	if err != nil {
		fail(w, http.StatusBadRequest, "the call cannot be read")
		return
	}
	c := f.read(r, body)
	if c.refused != "" {
		fail(w, c.status, c.refused)
		return
	}
	if c.messages {
		a, err := f.forward(r.Context(), r, body)
		if err != nil {
			fail(w, http.StatusBadGateway, "the engine does not answer")
			return
		}
		a.write(w)
		return
	}
	a, err := f.kept(r, body, c.changes)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	a.write(w)
}

// kept passes a call on, and returns the answer when all that it tells of is in
// the file. One call that changes something follows the other, so that the last
// image of a record is the last in the file, too.
func (f *Front) kept(r *http.Request, body []byte, changes []record) (answer, error) {
	ctx := context.WithoutCancel(r.Context()) // a client that has gone does not undo its write
	if len(changes) == 0 {
		a, err := f.forward(r.Context(), r, body)
		if err != nil {
			return answer{}, errNoAnswer
		}
		// A write that this answer saw has the lock, or has been added.
		f.mu.Lock()
		err = f.look(ctx)
		f.mu.Unlock()
		return a, errors.Join(err, f.store.settled())
	}
	f.mu.Lock()
	a, err := f.forward(ctx, r, body)
	if err != nil || a.status < 300 || a.status >= 500 { // else it was refused, and changed nothing
		for _, c := range changes {
			f.owed[c] = true
		}
	}
	looked := f.look(ctx)
	f.mu.Unlock()
	if err != nil {
		return answer{}, errNoAnswer
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

// answer is what the engine said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (f *Front) forward(ctx context.Context, r *http.Request, body []byte) (answer, error) {
	return f.do(ctx, r.Method, r.URL.RequestURI(), r.Header, body)
}

func (f *Front) do(ctx context.Context, method, uri string, header http.Header, body []byte) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, f.engine+uri, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header = header.Clone()
	response, err := f.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{response.StatusCode, response.Header, content}, nil
}

func (a answer) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may be gone
}

// fail answers in a form that the clients of every service take for an error.
func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", "InternalServerError")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"__type":"InternalServerError","message":%q}`, message)
}
