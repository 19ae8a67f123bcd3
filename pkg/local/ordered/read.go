package ordered

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"smartlead-receiver/pkg/local/relay"
)

// maxBatch is how many keys DynamoDB takes at once.
const maxBatch = 100

// get returns an item as it is now; nil: there is none.
func (f *Front) get(ctx context.Context, t *table, key primary) (json.RawMessage, error) {
	t.mu.RLock()
	r := t.records[key]
	t.mu.RUnlock()
	r, err := f.current(ctx, t, r)
	if err != nil || r == nil {
		return nil, err
	}
	return r.raw, nil
}

// getItem answers a GetItem; ok is false where the engine has to.
func (f *Front) getItem(ctx context.Context, body []byte) (a relay.Answer, ok bool) {
	var in struct {
		TableName      string
		Key            attributes
		ConsistentRead bool
	}
	if !understood(body, &in) {
		return a, false
	}
	t := f.table(in.TableName)
	if t == nil {
		return a, false
	}
	key, ok := t.keyOf(in.Key)
	if !ok || len(in.Key) != len(t.wire(key)) {
		return a, false
	}
	raw, err := f.get(ctx, t, key)
	switch {
	case err != nil:
		return a, false
	case raw == nil:
		return succeeded([]byte("{}")), true
	}
	return succeeded(slices.Concat([]byte(`{"Item":`), raw, []byte(`}`))), true
}

// batchGet answers a BatchGetItem of one table; ok is false where the engine has to.
func (f *Front) batchGet(ctx context.Context, body []byte) (a relay.Answer, ok bool) {
	var in struct {
		RequestItems map[string]struct {
			Keys           []attributes
			ConsistentRead bool
		}
	}
	if !understood(body, &in) || len(in.RequestItems) != 1 {
		return a, false
	}
	var items bytes.Buffer
	var name string
	for table, wanted := range in.RequestItems {
		name = table
		t := f.table(table)
		if t == nil || len(wanted.Keys) > maxBatch {
			return a, false
		}
		for _, wire := range wanted.Keys {
			key, ok := t.keyOf(wire)
			if !ok || len(wire) != len(t.wire(key)) {
				return a, false
			}
			raw, err := f.get(ctx, t, key)
			if err != nil {
				return a, false
			}
			if raw != nil {
				if items.Len() > 0 {
					items.WriteByte(',')
				}
				items.Write(raw)
			}
		}
	}
	table, err := json.Marshal(name)
	if err != nil {
		return a, false
	}
	return succeeded(slices.Concat([]byte(`{"UnprocessedKeys":{},"Responses":{`), table, []byte(`:[`), items.Bytes(), []byte(`]}}`))), true
}
