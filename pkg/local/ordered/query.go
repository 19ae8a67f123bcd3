package ordered

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/local/relay"
)

// maxPage is how many bytes of items DynamoDB returns at once, about.
const maxPage = 1 << 20

// request has the members that the front understands. With any other, and with an
// expression that is not one of condition, the engine answers.
type request struct {
	TableName, IndexName      string
	KeyConditionExpression    string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues attributes
	ExclusiveStartKey         attributes
	Limit                     int
	ScanIndexForward          *bool
	ConsistentRead            bool
}

// query answers a Query; ok is false where the engine has to.
func (f *Front) query(ctx context.Context, body []byte) (a relay.Answer, ok bool) {
	var in request
	if !understood(body, &in) {
		return a, false
	}
	t := f.table(in.TableName)
	if t == nil {
		return a, false
	}
	ix := t.index(in.IndexName)
	if ix == nil || in.ConsistentRead && in.IndexName != "" {
		return a, false
	}
	matching, ok := t.matching(ix, in)
	if !ok {
		return a, false
	}
	return f.page(ctx, t, ix, matching, in.Limit)
}

// understood reads a call into a form that has every member of it.
func understood(body []byte, form any) bool {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	return decoder.Decode(form) == nil
}

// matching returns the records that a Query wants, in its order, behind its start key.
func (t *table) matching(ix *index, in request) ([]*record, bool) {
	partition, wanted, ok := in.condition(ix)
	if !ok {
		return nil, false
	}
	backward := in.ScanIndexForward != nil && !*in.ScanIndexForward
	key, whole := t.keyOf(in.ExclusiveStartKey)
	start := ix.place(in.ExclusiveStartKey)
	if in.ExclusiveStartKey != nil && (!whole || !start.in) {
		return nil, false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := wanted.of(ix, ix.partitions[partition])
	if in.ExclusiveStartKey != nil {
		i, found := ix.find(list, start.sort, key)
		switch {
		case backward:
			list = list[:i]
		case found:
			list = list[i+1:]
		default:
			list = list[i:]
		}
	}
	list = slices.Clone(list)
	if backward {
		slices.Reverse(list)
	}
	return list, true
}

// reach is which sort keys a query wants.
type reach struct {
	begun, bounded bool // whether from and to count
	from, to       string
	above          bool   // not from itself
	through        bool   // to itself, too
	prefix         string // what has it lies below to
}

// of returns the records of a partition whose sort keys lie in the reach.
func (s reach) of(ix *index, list []*record) []*record {
	first, last := 0, len(list)
	if s.begun {
		first, _ = slices.BinarySearchFunc(list, s.from, func(r *record, from string) int {
			if sort := r.places[ix.number].sort; sort < from || s.above && sort == from {
				return -1
			}
			return 1
		})
	}
	if s.bounded {
		last, _ = slices.BinarySearchFunc(list, s.to, func(r *record, to string) int {
			sort := r.places[ix.number].sort
			if sort < to || s.through && sort == to || s.prefix != "" && strings.HasPrefix(sort, s.prefix) {
				return -1
			}
			return 1
		})
	}
	return list[first:max(first, last)]
}

var (
	hashOnly = regexp.MustCompile(`^\s*(\S+)\s*=\s*(:\w+)\s*(?:AND\s+(.+?)\s*)?$`)
	between  = regexp.MustCompile(`^(\S+)\s+BETWEEN\s+(:\w+)\s+AND\s+(:\w+)$`)
	compared = regexp.MustCompile(`^(\S+)\s*(=|<=|>=|<|>)\s*(:\w+)$`)
	begins   = regexp.MustCompile(`^begins_with\s*\(\s*(\S+)\s*,\s*(:\w+)\s*\)$`)
)

// condition reads the partition and the reach; ok is false for what it does not
// understand.
func (in request) condition(ix *index) (partition string, s reach, ok bool) {
	parts := hashOnly.FindStringSubmatch(in.KeyConditionExpression)
	if parts == nil || !in.names(parts[1], ix.hash) {
		return "", s, false
	}
	partition, ok = in.ExpressionAttributeValues.text(parts[2])
	if !ok || parts[3] == "" {
		return partition, s, ok
	}
	value := func(placeholder string) string {
		text, has := in.ExpressionAttributeValues.text(placeholder)
		ok = ok && has
		return text
	}
	if m := between.FindStringSubmatch(parts[3]); m != nil {
		s = reach{from: value(m[2]), to: value(m[3]), begun: true, bounded: true, through: true}
		return partition, s, ok && in.names(m[1], ix.sort) && s.from <= s.to // else DynamoDB refuses it
	}
	if m := begins.FindStringSubmatch(parts[3]); m != nil {
		prefix := value(m[2])
		s = reach{from: prefix, to: prefix, prefix: prefix, begun: true, bounded: true}
		return partition, s, ok && in.names(m[1], ix.sort) && prefix != ""
	}
	m := compared.FindStringSubmatch(parts[3])
	if m == nil || !in.names(m[1], ix.sort) {
		return "", s, false
	}
	v := value(m[3])
	switch m[2] {
	case "=":
		s = reach{from: v, to: v, begun: true, bounded: true, through: true}
	case "<", "<=":
		s = reach{to: v, bounded: true, through: m[2] == "<="}
	case ">", ">=":
		s = reach{from: v, begun: true, above: m[2] == ">"}
	}
	return partition, s, ok
}

// names tells whether a word of an expression is an attribute's name, or stands for it.
func (in request) names(word, attribute string) bool {
	if name, ok := in.ExpressionAttributeNames[word]; ok {
		word = name
	}
	return attribute != "" && word == attribute
}

// page is the answer to a Query: up to limit items, and about a megabyte of them.
func (f *Front) page(ctx context.Context, t *table, ix *index, matching []*record, limit int) (a relay.Answer, ok bool) {
	var out bytes.Buffer
	out.WriteString(`{"Items":[`)
	count := 0
	var last *record
	full := func() bool { return limit > 0 && count >= limit || out.Len() >= maxPage }
	for _, r := range matching {
		if full() {
			break
		}
		last = r
		now, err := f.current(ctx, t, r)
		if err != nil {
			return a, false
		}
		if now == nil {
			continue
		}
		if count > 0 {
			out.WriteByte(',')
		}
		t.write(&out, ix, now)
		count++
	}
	whole := !full()
	total := strconv.Itoa(count)
	out.WriteString(`],"Count":` + total + `,"ScannedCount":` + total)
	if !whole { // also where nothing is left, as DynamoDB does
		key, err := json.Marshal(ix.startKey(t, last))
		if err != nil {
			return a, false
		}
		out.WriteString(`,"LastEvaluatedKey":`)
		out.Write(key)
	}
	out.WriteByte('}')
	return succeeded(out.Bytes()), true
}

// current returns a record as it is now; nil: its item is gone. One whose time has
// passed is asked for, because the engine deletes it by itself.
func (f *Front) current(ctx context.Context, t *table, r *record) (*record, error) {
	if r == nil || r.expires == 0 || r.expires > time.Now().Unix() {
		return r, nil
	}
	defer f.lockKeys(r.key)()
	return f.read(ctx, t, r.key)
}

// startKey is where a query goes on behind a record.
func (ix *index) startKey(t *table, r *record) attributes {
	key := t.wire(r.key)
	at := r.places[ix.number]
	key[ix.hash] = attribute{S: &at.partition}
	if ix.sort != "" {
		key[ix.sort] = attribute{S: &at.sort}
	}
	return key
}
