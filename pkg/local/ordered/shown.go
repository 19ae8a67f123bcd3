package ordered

import (
	"bytes"
	"encoding/json"
	"slices"
)

// span is where a value stands in an item's JSON; empty: the item lacks it. What an
// index shows is copied from there, because to read whole items anew was most of the
// time of a listing.
type span struct{ from, to int }

// show gathers what the indexes show, once all are there.
func (t *table) show() {
	for _, ix := range t.indexes {
		t.shown = append(append(t.shown, ix.hash, ix.sort), ix.projected...)
	}
	slices.Sort(t.shown)
	t.shown = slices.DeleteFunc(slices.Compact(t.shown), func(name string) bool { return name == "" })
	for _, ix := range t.indexes {
		for _, name := range ix.projected {
			place, _ := slices.BinarySearch(t.shown, name) // it is there
			ix.shown = append(ix.shown, place)
		}
	}
}

// parse reads what the indexes need of an item: the attributes that they are ordered
// by, or by which it expires, and where those stand that they show. ok is false for
// what is no item.
func (t *table) parse(raw json.RawMessage) (item attributes, values []span, ok bool) {
	t.mu.RLock()
	ttl := t.ttl
	t.mu.RUnlock()
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, nil, false
	}
	item, values = attributes{}, make([]span, len(t.shown))
	var value json.RawMessage
	for decoder.More() {
		token, err := decoder.Token()
		name, text := token.(string)
		if err != nil || !text || decoder.Decode(&value) != nil {
			return nil, nil, false
		}
		end := int(decoder.InputOffset())
		place, shown := slices.BinarySearch(t.shown, name)
		if shown {
			values[place] = span{end - len(value), end}
		}
		if !shown && name != ttl {
			continue
		}
		var a attribute
		if json.Unmarshal(value, &a) != nil {
			return nil, nil, false
		}
		item[name] = a
	}
	_, err := decoder.Token()
	return item, values, err == nil
}

// write appends what the index shows of an item.
func (t *table) write(out *bytes.Buffer, ix *index, r *record) {
	if ix.projected == nil {
		out.Write(r.raw)
		return
	}
	between := byte('{')
	for i, place := range ix.shown {
		v := r.values[place]
		if v.to == 0 {
			continue
		}
		out.WriteByte(between)
		quoted, _ := json.Marshal(ix.projected[i]) // a text
		out.Write(quoted)
		out.WriteByte(':')
		out.Write(r.raw[v.from:v.to])
		between = ','
	}
	out.WriteByte('}')
}
