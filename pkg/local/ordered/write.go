package ordered

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"net/http"
	"slices"

	"smartlead-receiver/pkg/local/relay"
)

// change is what a call writes.
type change struct {
	table string
	key   attributes      // or the whole item, which has it
	item  json.RawMessage // as it is then; nil: gone
	known bool            // whether the call says how the item is then; else it is read
	tells bool            // its answer says so
}

// changesOf reads what a call writes; ok is false where that is not understood.
func changesOf(name string, body []byte) (changes []change, ok bool) {
	var in struct {
		TableName    string
		Key          attributes
		Item         json.RawMessage
		ReturnValues string
		RequestItems map[string][]struct {
			PutRequest    *struct{ Item json.RawMessage }
			DeleteRequest *struct{ Key attributes }
		}
	}
	if json.Unmarshal(body, &in) != nil {
		return nil, false
	}
	ok = true
	put := func(table string, item json.RawMessage) {
		c := change{table: table, item: item, known: true}
		ok = json.Unmarshal(item, &c.key) == nil && ok
		changes = append(changes, c)
	}
	switch name {
	case "PutItem":
		put(in.TableName, in.Item)
	case "DeleteItem":
		changes = append(changes, change{table: in.TableName, key: in.Key, known: true})
	case "UpdateItem":
		changes = append(changes, change{table: in.TableName, key: in.Key, tells: in.ReturnValues == "ALL_NEW"})
	case "BatchWriteItem":
		for table, requests := range in.RequestItems {
			for _, r := range requests {
				if r.PutRequest != nil {
					put(table, r.PutRequest.Item)
				}
				if r.DeleteRequest != nil {
					changes = append(changes, change{table: table, key: r.DeleteRequest.Key, known: true})
				}
			}
		}
	default:
		return nil, false
	}
	return changes, ok
}

// write makes a call that changes items, and tells the indexes before it answers.
func (f *Front) write(r *http.Request, body []byte, changes []change) (relay.Answer, error) {
	defer f.lock(changes)()
	ctx := context.WithoutCancel(r.Context()) // a client that has gone does not undo its write
	a, err := f.Pass(ctx, r, body)
	if err == nil && a.Status >= 400 && a.Status < 500 {
		return a, nil // it was refused, and changed nothing
	}
	var out struct {
		Attributes       json.RawMessage
		UnprocessedItems map[string]json.RawMessage
	}
	sure := err == nil && a.Status == http.StatusOK && json.Unmarshal(a.Body, &out) == nil && len(out.UnprocessedItems) == 0
	for _, c := range changes {
		t := f.table(c.table)
		if t == nil {
			continue
		}
		if c.tells && out.Attributes != nil {
			c.item, c.known = out.Attributes, true
		}
		if err := f.keep(ctx, t, c, sure && c.known); err != nil {
			f.forget()
		}
	}
	return a, err
}

var errUnknown = errors.New("the item is not known")

// keep tells the indexes of a change; unless it is sure how the item is then, the
// engine is asked.
func (f *Front) keep(ctx context.Context, t *table, c change, sure bool) error {
	key, ok := t.keyOf(c.key)
	if !ok {
		return errUnknown
	}
	if !sure {
		_, err := f.read(ctx, t, key)
		return err
	}
	if _, ok := t.put(key, c.item); !ok {
		return errUnknown
	}
	return nil
}

// read reads an item of the engine anew; nil: there is none. The caller holds the
// lock of its key.
func (f *Front) read(ctx context.Context, t *table, key primary) (*record, error) {
	var out struct{ Item json.RawMessage }
	if err := f.ask(ctx, "GetItem", map[string]any{"TableName": t.name, "Key": t.wire(key), "ConsistentRead": true}, &out); err != nil {
		return nil, err
	}
	if string(out.Item) == "null" || string(out.Item) == "{}" {
		out.Item = nil
	}
	r, ok := t.put(key, out.Item)
	if !ok {
		return nil, errUnknown
	}
	return r, nil
}

// wire is a primary key as DynamoDB writes it.
func (t *table) wire(key primary) attributes {
	own := t.indexes[0]
	wire := attributes{own.hash: {S: &key.hash}}
	if own.sort != "" {
		wire[own.sort] = attribute{S: &key.sort}
	}
	return wire
}

var seed = maphash.MakeSeed()

// lock keeps other writes of the same items back; the answer lets them go on.
func (f *Front) lock(changes []change) (unlock func()) {
	var keys []primary
	for _, c := range changes {
		if t := f.table(c.table); t != nil {
			if key, ok := t.keyOf(c.key); ok {
				keys = append(keys, key)
			}
		}
	}
	return f.lockKeys(keys...)
}

// lockKeys takes the locks in one order, so that two batches do not wait for each
// other.
func (f *Front) lockKeys(keys ...primary) (unlock func()) {
	var numbers []int
	for _, key := range keys {
		numbers = append(numbers, int(maphash.Comparable(seed, key)%uint64(len(f.writing))))
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	for _, n := range numbers {
		f.writing[n].Lock()
	}
	return func() {
		for _, n := range numbers {
			f.writing[n].Unlock()
		}
	}
}
