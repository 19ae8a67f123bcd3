package ordered

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
)

// attribute is a value of which only text is looked at: a table whose keys are of
// another type has no indexes here.
type attribute struct {
	S *string `json:",omitempty"`
	N string  `json:",omitempty"`
}

type attributes map[string]attribute

// text returns the value of an attribute; ok is false where there is none.
func (a attributes) text(name string) (value string, ok bool) {
	if s := a[name].S; s != nil {
		return *s, true
	}
	return "", false
}

// primary is the key of an item. A table without a sort key has the sort key "".
type primary struct{ hash, sort string }

// place is where an item lies in an index.
type place struct {
	partition, sort string
	in              bool
}

// record is one item. It is not changed: another one takes its place.
type record struct {
	key     primary
	places  []place // in each index, in their order
	raw     json.RawMessage
	values  []span // of the table's shown attributes in raw
	expires int64  // seconds since 1970; 0: never
}

// index is the table itself, which comes first and has no name, or one of its
// secondary indexes.
type index struct {
	name       string
	hash, sort string   // attributes; sort may be ""
	projected  []string // attributes; nil: all
	shown      []int    // the same, by their place in the table's shown
	partitions map[string][]*record
	number     int // among the indexes of its table
}

// table has the indexes of one table. It is safe for concurrent use.
type table struct {
	name    string
	indexes []*index
	shown   []string // attributes that an index projects or is ordered by, sorted

	mu      sync.RWMutex
	ttl     string // the attribute by which items expire; empty: none does
	records map[primary]*record
}

type schema []struct{ AttributeName, KeyType string }

func (s schema) names() (hash, sort string) {
	for _, k := range s {
		if k.KeyType == "HASH" {
			hash = k.AttributeName
		} else {
			sort = k.AttributeName
		}
	}
	return hash, sort
}

// defined follows what a table is: created, deleted, or with another time to live.
func (f *Front) defined(call string, body []byte) {
	var in struct {
		TableName               string
		TimeToLiveSpecification struct {
			AttributeName string
			Enabled       bool
		}
	}
	if json.Unmarshal(body, &in) != nil {
		return
	}
	ttl := in.TimeToLiveSpecification
	switch t := f.table(in.TableName); {
	case call == "CreateTable":
		f.created(body)
	case call == "DeleteTable" || t != nil && !t.expireBy(ttl.AttributeName, ttl.Enabled):
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.tables, in.TableName)
	}
}

// expireBy says by which attribute items expire; false where some are there already,
// of which that is not known.
func (t *table) expireBy(attribute string, enabled bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ttl = ""; enabled {
		t.ttl = attribute
	}
	return len(t.records) == 0
}

// created begins the indexes of a new table.
func (f *Front) created(body []byte) {
	var in struct {
		TableName              string
		KeySchema              schema
		AttributeDefinitions   []struct{ AttributeType string }
		LocalSecondaryIndexes  json.RawMessage
		GlobalSecondaryIndexes []struct {
			IndexName  string
			KeySchema  schema
			Projection struct {
				ProjectionType   string
				NonKeyAttributes []string
			}
		}
	}
	if json.Unmarshal(body, &in) != nil || in.LocalSecondaryIndexes != nil {
		return
	}
	for _, definition := range in.AttributeDefinitions {
		if definition.AttributeType != "S" {
			return
		}
	}
	t := &table{name: in.TableName, records: map[primary]*record{}}
	hash, sort := in.KeySchema.names()
	t.add(&index{hash: hash, sort: sort})
	for _, g := range in.GlobalSecondaryIndexes {
		ix := &index{name: g.IndexName}
		ix.hash, ix.sort = g.KeySchema.names()
		if g.Projection.ProjectionType != "ALL" {
			ix.projected = append([]string{hash, sort, ix.hash, ix.sort}, g.Projection.NonKeyAttributes...)
			slices.Sort(ix.projected)
			ix.projected = slices.DeleteFunc(slices.Compact(ix.projected), func(name string) bool { return name == "" })
		}
		t.add(ix)
	}
	t.show()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tables[t.name] = t
}

func (t *table) add(ix *index) {
	ix.number, ix.partitions = len(t.indexes), map[string][]*record{}
	t.indexes = append(t.indexes, ix)
}

func (t *table) index(name string) *index {
	for _, ix := range t.indexes {
		if ix.name == name {
			return ix
		}
	}
	return nil
}

// keyOf reads the primary key of an item.
func (t *table) keyOf(item attributes) (primary, bool) {
	at := t.indexes[0].place(item)
	return primary{at.partition, at.sort}, at.in
}

// place is where an item lies in the index: nowhere where it lacks a key.
func (ix *index) place(item attributes) place {
	partition, in := item.text(ix.hash)
	sort := ""
	if in && ix.sort != "" {
		sort, in = item.text(ix.sort)
	}
	if !in {
		return place{}
	}
	return place{partition, sort, true}
}

// put lets the indexes have an item as it is now; nil: it is gone. It returns the
// item's record, and false for what is no item of the table.
func (t *table) put(key primary, raw json.RawMessage) (now *record, ok bool) {
	var item attributes
	if raw != nil {
		now = &record{key: key, places: make([]place, len(t.indexes)), raw: raw}
		if item, now.values, ok = t.parse(raw); !ok {
			return nil, false
		}
		for i, ix := range t.indexes {
			now.places[i] = ix.place(item)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.records[key]
	if now == nil {
		delete(t.records, key)
	} else {
		now.expires, _ = strconv.ParseInt(item[t.ttl].N, 10, 64) // 0 for none, and for what is no number
		t.records[key] = now
	}
	for _, ix := range t.indexes {
		ix.replace(old, now)
	}
	return now, true
}

// compare orders records as the index does: by the sort key, and where that is
// equal, by the item's own key.
func (ix *index) compare(r *record, sort string, key primary) int {
	return cmp.Or(cmp.Compare(r.places[ix.number].sort, sort), cmp.Compare(r.key.hash, key.hash), cmp.Compare(r.key.sort, key.sort))
}

func (ix *index) find(list []*record, sort string, key primary) (int, bool) {
	return slices.BinarySearchFunc(list, key, func(r *record, key primary) int { return ix.compare(r, sort, key) })
}

// replace puts a record in the place of another one. Either may be nil.
func (ix *index) replace(old, now *record) {
	var was, is place
	if old != nil {
		was = old.places[ix.number]
	}
	if now != nil {
		is = now.places[ix.number]
	}
	if was.in {
		list := ix.partitions[was.partition]
		i, _ := ix.find(list, was.sort, old.key) // it is there
		switch {
		case was == is:
			list[i] = now
			return
		case len(list) == 1:
			delete(ix.partitions, was.partition)
		default:
			ix.partitions[was.partition] = slices.Delete(list, i, i+1)
		}
	}
	if is.in {
		list := ix.partitions[is.partition]
		i, _ := ix.find(list, is.sort, now.key)
		ix.partitions[is.partition] = slices.Insert(list, i, now)
	}
}
