// Package ordered stands before the embedded engine and answers the reads of
// DynamoDB (GetItem, BatchGetItem, Query) from ordered indexes. The engine keeps its
// items in a map: it looks at every item of a table for each Query, which takes a
// tenth of a second at 50,000 events, and copies and encodes whole items to project
// them.
//
// The engine makes every write and judges its condition. The front sees each of
// them, because all clients of the one process and of the command line come through
// it, and keeps each item as the engine has it, before it passes the answer on. A
// call that the front does not understand goes to the engine as it is, and a write
// whose effect it cannot know ends its indexes: slower, never wrong.
package ordered

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxCall bounds what is read of one call, in bytes: more than an object or a batch
// of items has.
const maxCall = 64 << 20

// prefix is that of the calls of DynamoDB in X-Amz-Target.
const prefix = "DynamoDB_20120810."

// Front is safe for concurrent use.
type Front struct {
	URL string

	engine string // its base URL
	client *http.Client
	server *http.Server

	mu     sync.RWMutex
	tables map[string]*table // that were created through the front

	// writing orders the writes of a key: the indexes are written as the engine is.
	writing [64]sync.Mutex
}

// Listen starts a front before the engine.
func Listen(ctx context.Context, engine string) (*Front, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen before the engine: %w", err)
	}
	f := &Front{
		URL: "http://" + listener.Addr().String(), engine: engine, tables: map[string]*table{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.server.Serve(listener) }() // it ends with Close
	return f, nil
}

// Close finishes the calls in flight and stops listening.
func (f *Front) Close() {
	_ = f.server.Shutdown(context.Background()) // without a deadline it only reports the listener's own error
	f.client.CloseIdleConnections()
}

// reads are the calls that change no item.
var reads = []string{
	"TransactGetItems", "Scan", "ListTables", "DescribeTable", "DescribeTimeToLive", "ListTagsOfResource", "DescribeContinuousBackups",
}

// ServeHTTP passes a call to the engine, or answers it.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
	if err != nil {
		http.Error(w, "the call cannot be read", http.StatusBadRequest)
		return
	}
	a, err := f.answer(r, body)
	if err != nil {
		http.Error(w, "the engine does not answer", http.StatusBadGateway)
		return
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may be gone
}

func (f *Front) answer(r *http.Request, body []byte) (answer, error) {
	forward := func() (answer, error) {
		return f.do(r.Context(), r.Method, r.URL.RequestURI(), r.Header, body)
	}
	name, ours := strings.CutPrefix(r.Header.Get("X-Amz-Target"), prefix)
	if !ours || slices.Contains(reads, name) {
		return forward()
	}
	switch name {
	case "Query":
		if a, ok := f.query(r.Context(), body); ok {
			return a, nil
		}
		return forward()
	case "GetItem":
		if a, ok := f.getItem(r.Context(), body); ok {
			return a, nil
		}
		return forward()
	case "BatchGetItem":
		if a, ok := f.batchGet(r.Context(), body); ok {
			return a, nil
		}
		return forward()
	case "CreateTable", "DeleteTable", "UpdateTimeToLive":
		a, err := forward()
		if err == nil && a.status == http.StatusOK {
			f.defined(name, body)
		}
		return a, err
	}
	if changes, ok := changesOf(name, body); ok {
		return f.write(r, body, changes)
	}
	defer f.forget()
	return forward()
}

// forget ends all indexes, behind a call whose effect is not known.
func (f *Front) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.tables)
}

func (f *Front) table(name string) *table {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.tables[name]
}

// answer is what a client gets.
type answer struct {
	status int
	header http.Header
	body   []byte
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

// ask makes a call of DynamoDB of the front's own.
func (f *Front) ask(ctx context.Context, name string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	a, err := f.do(ctx, http.MethodPost, "/", http.Header{"X-Amz-Target": {prefix + name}, "Content-Type": {contentType}}, body)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("the engine answered %s with %d", name, a.status)
	}
	return json.Unmarshal(a.body, out)
}

const contentType = "application/x-amz-json-1.0"

// succeeded is an answer of the front's own.
func succeeded(body []byte) answer {
	return answer{http.StatusOK, http.Header{"Content-Type": {contentType}}, body}
}
