package persist

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Restored says what Restore did.
type Restored struct {
	Items, Objects, Parameters int
	Expired                    int // items whose time has passed: they are forgotten
}

// batch is how many items go into one call.
const batch = 25

// Restore puts every record into the engine, whose table and bucket are there.
// Items whose ttlAttribute, in seconds since 1970, is not after now are
// forgotten: the engine deletes them only in memory.
func (f *Front) Restore(ctx context.Context, ttlAttribute string, now time.Time) (Restored, error) {
	var done Restored
	items := itemBatch{front: f}
	expired := map[record][]byte{}
	err := f.store.each(func(r record, image []byte) error {
		var err error
		switch {
		case strings.HasPrefix(r.kind, itemKind):
			if hasExpired(image, ttlAttribute, now) {
				expired[r] = nil
				return nil
			}
			done.Items++
			err = items.add(ctx, r, image)
		case r.kind == objectKind:
			done.Objects++
			err = f.restoreObject(ctx, r.key, image)
		case r.kind == parameterKind:
			done.Parameters++
			err = f.ask(ctx, parameterCalls+"PutParameter", image, nil)
		}
		return err
	})
	if err = errors.Join(err, items.flush(ctx)); err != nil {
		return done, fmt.Errorf("put back what was kept: %w", err)
	}
	done.Expired = len(expired)
	f.store.add(expired)
	return done, f.store.settled()
}

func hasExpired(image []byte, ttlAttribute string, now time.Time) bool {
	var item map[string]struct{ N string }
	_ = json.Unmarshal(image, &item) // attributes of other types stay empty
	at, err := strconv.ParseInt(item[ttlAttribute].N, 10, 64)
	return err == nil && at <= now.Unix()
}

// itemBatch puts items of one table at a time.
type itemBatch struct {
	front *Front
	table string
	puts  []json.RawMessage
}

func (b *itemBatch) add(ctx context.Context, r record, image []byte) error {
	table := strings.TrimPrefix(r.kind, itemKind)
	if table != b.table || len(b.puts) == batch {
		if err := b.flush(ctx); err != nil {
			return err
		}
		b.table = table
	}
	put := append(append([]byte(`{"PutRequest":{"Item":`), image...), `}}`...)
	b.puts = append(b.puts, put)
	return nil
}

func (b *itemBatch) flush(ctx context.Context) error {
	if len(b.puts) == 0 {
		return nil
	}
	body, err := json.Marshal(map[string]any{"RequestItems": map[string]any{b.table: b.puts}})
	if err != nil {
		return err
	}
	b.puts = nil
	var out struct{ UnprocessedItems map[string]json.RawMessage }
	if err := b.front.ask(ctx, dynamodbCalls+"BatchWriteItem", body, &out); err != nil {
		return fmt.Errorf("table %s: %w", b.table, err)
	}
	if len(out.UnprocessedItems) > 0 {
		return fmt.Errorf("table %s: the engine left items out", b.table)
	}
	return nil
}

// image reads what a record is now; nil: it is gone.
func (f *Front) image(ctx context.Context, r record) ([]byte, error) {
	switch r.kind {
	case objectKind:
		return f.objectImage(ctx, r.key)
	case parameterKind:
		return f.parameterImage(ctx, r.key)
	}
	body, err := json.Marshal(map[string]any{
		"TableName": strings.TrimPrefix(r.kind, itemKind), "Key": json.RawMessage(r.key), "ConsistentRead": true,
	})
	if err != nil {
		return nil, err
	}
	var out struct{ Item json.RawMessage }
	if err := f.ask(ctx, dynamodbCalls+"GetItem", body, &out); err != nil {
		return nil, err
	}
	if len(out.Item) == 0 || string(out.Item) == "null" || string(out.Item) == "{}" {
		return nil, nil
	}
	return out.Item, nil
}

// parameterImage is the call that puts the parameter back.
func (f *Front) parameterImage(ctx context.Context, name string) ([]byte, error) {
	body, err := json.Marshal(map[string]any{"Name": name, "WithDecryption": true})
	if err != nil {
		return nil, err
	}
	var out struct {
		Parameter struct{ Name, Value, Type string }
	}
	var refusal *refusedError
	if err := f.ask(ctx, parameterCalls+"GetParameter", body, &out); errors.As(err, &refusal) && strings.Contains(refusal.text, "ParameterNotFound") {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"Name": out.Parameter.Name, "Value": out.Parameter.Value, "Type": out.Parameter.Type, "Overwrite": true,
	})
}

// refusedError is an answer of the engine that is no success.
type refusedError struct {
	call   string
	status int
	text   string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("the engine answered %s with %d: %.200q", e.call, e.status, e.text)
}

// ask makes a call of a service that speaks JSON. Out may be nil.
func (f *Front) ask(ctx context.Context, target string, body []byte, out any) error {
	version := "application/x-amz-json-1.0"
	if strings.HasPrefix(target, parameterCalls) {
		version = "application/x-amz-json-1.1"
	}
	a, err := f.Do(ctx, http.MethodPost, "/", http.Header{"X-Amz-Target": {target}, "Content-Type": {version}}, body)
	if err != nil {
		return errNoAnswer
	}
	if a.Status != http.StatusOK {
		return &refusedError{target, a.Status, string(a.Body)}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(a.Body, out)
}

// object is a stored object. Header has its type, its metadata and its tags, as
// they are sent with it.
type object struct {
	Header http.Header
	Body   []byte
}

func (f *Front) objectImage(ctx context.Context, path string) ([]byte, error) {
	got, err := f.Do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return nil, errNoAnswer
	}
	if got.Status == http.StatusNotFound {
		return nil, nil
	}
	if got.Status != http.StatusOK {
		return nil, &refusedError{"GetObject", got.Status, string(got.Body)}
	}
	kept := object{Header: http.Header{}, Body: got.Body}
	for name, values := range got.Header {
		if name == "Content-Type" || strings.HasPrefix(name, "X-Amz-Meta-") {
			kept.Header[name] = values
		}
	}
	tags, err := f.Do(ctx, http.MethodGet, path+"?tagging", nil, nil)
	if err != nil {
		return nil, errNoAnswer
	}
	var set struct {
		Tags []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	if tags.Status == http.StatusOK {
		if err := xml.Unmarshal(tags.Body, &set); err != nil {
			return nil, fmt.Errorf("read an object's tags: %w", err)
		}
	}
	query := url.Values{}
	for _, tag := range set.Tags {
		query.Set(tag.Key, tag.Value)
	}
	if len(query) > 0 {
		kept.Header.Set("X-Amz-Tagging", query.Encode())
	}
	return json.Marshal(kept)
}

func (f *Front) restoreObject(ctx context.Context, path string, image []byte) error {
	var kept object
	if err := json.Unmarshal(image, &kept); err != nil {
		return fmt.Errorf("an object: %w", err)
	}
	put, err := f.Do(ctx, http.MethodPut, path, kept.Header, kept.Body)
	if err != nil {
		return errNoAnswer
	}
	if put.Status != http.StatusOK {
		return &refusedError{"PutObject", put.Status, string(put.Body)}
	}
	return nil
}
