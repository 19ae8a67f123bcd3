package smartlead

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// volatileMembers differ between two deliveries of one event, or change after
// it: they are no part of the canonical body. They count at the top level;
// credentials and the hook's URL count at any depth.
var volatileMembers = map[string]bool{
	"webhook_id": true, "webhook_name": true, "metadata": true, "description": true,
	"app_url": true, "appUrl": true, "ui_master_inbox_link": true,
	"campaign_name": true, "campaign_status": true, "reply_category": true,
	"history": true, "last_reply": true, "lastReply": true, "client_id": true, "meta": true,
}

// canonicalWriter streams the canonical body into a hash: members sorted by
// name, nulls dropped, scalars as text, times as UTC milliseconds, the type's
// name normalized. Nothing of it is kept, so a large body costs no memory.
type canonicalWriter struct {
	t       *tree
	hash    hash.Hash
	buf     []byte
	scratch []byte
	order   []uint32
	typ     uint32 // the value that holds the type
	typName string
}

var canonicalWriters = sync.Pool{New: func() any { return &canonicalWriter{hash: sha256.New()} }}

// canonicalFlush is how much is gathered before it is hashed, in bytes.
const canonicalFlush = 4 << 10

// fingerprint is the base32 of the first 20 bytes of the SHA-256 of the
// canonical body.
func (b *body) fingerprint() string {
	w := canonicalWriters.Get().(*canonicalWriter)
	defer canonicalWriters.Put(w)
	w.t, w.typ, w.typName = b.tree, b.f[b.typeKey], string(b.typ)
	if b.typ == "UNKNOWN" {
		w.typName = normalType(b.rawType)
	}
	w.hash.Reset()
	w.buf, w.order = w.buf[:0], w.order[:0]
	w.object(0, true)
	w.hash.Write(w.buf)
	w.t = nil
	if cap(w.buf) > 4*canonicalFlush {
		w.buf, w.scratch = nil, nil
	}
	var sum [sha256.Size]byte
	return keyEncoding.EncodeToString(w.hash.Sum(sum[:0])[:20])
}

func (w *canonicalWriter) value(i uint32, name []byte) {
	switch w.t.kind(i) {
	case '{':
		w.object(i, false)
	case '[':
		w.buf = append(w.buf, '[')
		for _, c := range w.t.children(i) {
			w.value(c, nil)
		}
		w.buf = append(w.buf, ']')
	default:
		w.scalar(i, name)
	}
	if len(w.buf) >= canonicalFlush {
		w.hash.Write(w.buf)
		w.buf = w.buf[:0]
	}
}

func (w *canonicalWriter) object(i uint32, top bool) {
	from := len(w.order)
	for name, value := range w.t.children(i) {
		if w.counts(name, value, top) {
			w.order = append(w.order, name)
		}
	}
	members := w.order[from:]
	slices.SortStableFunc(members, w.t.compareNames)
	w.buf = append(w.buf, '{')
	if top && w.typName != "" {
		w.buf = appendText(append(w.buf, 't'), []byte(w.typName))
	}
	for n, name := range members {
		if n+1 < len(members) && w.t.compareNames(name, members[n+1]) == 0 {
			continue // of duplicate members the last one counts
		}
		var decoded []byte
		decoded, w.scratch = w.t.decode(name, w.scratch)
		w.buf = appendText(append(w.buf, 'm'), decoded)
		w.value(name+1, decoded)
	}
	w.buf = append(w.buf, '}')
	w.order = w.order[:from]
}

// counts tells whether a member is part of the canonical body.
func (w *canonicalWriter) counts(name, value uint32, top bool) bool {
	switch w.t.kind(value) {
	case 'n':
		return false
	case '"':
		if isNull(w.t.inner(value)) {
			return false
		}
	}
	if top && value == w.typ {
		return false
	}
	var in []byte
	in, w.scratch = w.t.decode(name, w.scratch)
	if top && volatileMembers[string(in)] {
		return false
	}
	return memberKind(in) == plainMember
}

func (w *canonicalWriter) scalar(i uint32, name []byte) {
	var text []byte
	switch w.t.kind(i) {
	case 'n':
		w.buf = append(w.buf, 'n')
		return
	case '"':
		text, w.scratch = w.t.decode(i, w.scratch)
	case 't', 'f':
		text = w.t.raw(i)
	default:
		text = []byte(decimal(w.t.raw(i)))
	}
	if mayBeTime(text, name) {
		if at, ok := parseTime(string(text)); ok {
			w.buf = append(w.buf, 'd')
			w.buf = strconv.AppendInt(w.buf, at.UnixMilli(), 10)
			return
		}
	}
	w.buf = appendText(append(w.buf, 's'), text)
}

// mayBeTime keeps the time parser away from what is none: text must look like
// a date, digits must stand under a name that speaks of a time.
func mayBeTime(text, name []byte) bool {
	if len(text) < 9 || len(text) > 40 || text[0] < '0' || text[0] > '9' {
		return false
	}
	if len(text) >= 19 && text[4] == '-' && text[7] == '-' && text[13] == ':' {
		return true
	}
	n := string(name)
	return n == "time" || strings.HasPrefix(n, "time_") || strings.HasSuffix(n, "timestamp") || strings.HasSuffix(n, "_at")
}

func appendText(buf, text []byte) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(text)))
	return append(buf, text...)
}

// decode returns a string's decoded text: its inside where no escape stands in
// it, else in scratch.
func (t *tree) decode(i uint32, scratch []byte) (text, grown []byte) {
	in := t.inner(i)
	if bytes.IndexByte(in, '\\') < 0 {
		return in, scratch
	}
	scratch = unescape(scratch[:0], in)
	return scratch, scratch
}

func (t *tree) compareNames(a, b uint32) int {
	x, y := t.inner(a), t.inner(b)
	if bytes.IndexByte(x, '\\') >= 0 || bytes.IndexByte(y, '\\') >= 0 {
		return bytes.Compare(unescape(nil, x), unescape(nil, y))
	}
	return bytes.Compare(x, y)
}
