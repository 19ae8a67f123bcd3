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
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"smartlead-receiver/pkg/local/relay"
)

// prefix is that of the calls of DynamoDB in X-Amz-Target.
const prefix = "DynamoDB_20120810."

// Front is safe for concurrent use.
type Front struct {
	*relay.Relay

	mu     sync.RWMutex
	tables map[string]*table // that were created through the front

	// writing orders the writes of a key: the indexes are written as the engine is.
	writing [64]sync.Mutex
}

// Listen starts a front before the engine.
func Listen(ctx context.Context, engine string) (*Front, error) {
	l, err := relay.Listen(ctx, engine)
	if err != nil {
		return nil, err
	}
	f := &Front{Relay: l, tables: map[string]*table{}}
	l.Serve(f.serve)
	return f, nil
}

// reads are the calls that change no item.
var reads = []string{
	"TransactGetItems", "Scan", "ListTables", "DescribeTable", "DescribeTimeToLive", "ListTagsOfResource", "DescribeContinuousBackups",
}

// serve passes a call to the engine, or answers it.
func (f *Front) serve(r *http.Request, body []byte) relay.Answer {
	a, err := f.answer(r, body)
	if err != nil {
		return relay.Failed(http.StatusBadGateway, "the engine does not answer")
	}
	return a
}

func (f *Front) answer(r *http.Request, body []byte) (relay.Answer, error) {
	forward := func() (relay.Answer, error) {
		return f.Pass(r.Context(), r, body)
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
		if err == nil && a.Status == http.StatusOK {
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

// ask makes a call of DynamoDB of the front's own.
func (f *Front) ask(ctx context.Context, name string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	a, err := f.Do(ctx, http.MethodPost, "/", http.Header{"X-Amz-Target": {prefix + name}, "Content-Type": {contentType}}, body)
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		return fmt.Errorf("the engine answered %s with %d", name, a.Status)
	}
	return json.Unmarshal(a.Body, out)
}

const contentType = "application/x-amz-json-1.0"

// succeeded is an answer of the front's own.
func succeeded(body []byte) relay.Answer {
	return relay.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {contentType}}, Body: body}
}
