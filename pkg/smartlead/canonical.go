package smartlead

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"slices"
	"strconv"
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
	order   []uint32
	typ     uint32 // the value that holds the type
	typName string
}

var canonicalWriters = sync.Pool{New: func() any { return &canonicalWriter{hash: sha256.New()} }}

// canonicalFlush is how much is gathered before it is hashed, in bytes.
const canonicalFlush = 4 << 10

// hash is the fingerprint, made when it is first asked for: a stored payload is read
// without it, as long as its identity does not rest on it.
func (b *body) hash() string {
	if b.bodyHash == "" {
		b.bodyHash = b.fingerprint()
	}
	return b.bodyHash
}

// fingerprint returns the base32 of the first 20 bytes of the SHA-256 of the
// canonical body.
func (b *body) fingerprint() string {
	w := canonicalWriters.Get().(*canonicalWriter)
	defer canonicalWriters.Put(w)
	w.t, w.typ, w.typName = b.tree, b.f[b.typeKey], string(b.typ)
	if !b.known() {
		w.typName = normalType(b.rawType)
	}
	w.hash.Reset()
	w.buf, w.order = w.buf[:0], w.order[:0]
	w.object(0, true)
	w.hash.Write(w.buf)
	w.t = nil
	if cap(w.order) > maxPooledNodes {
		w.order = nil
	}
	var sum [sha256.Size]byte
	return keyEncoding.EncodeToString(w.hash.Sum(sum[:0])[:20])
}

// value writes any value; timely tells that its name speaks of a time.
func (w *canonicalWriter) value(i uint32, timely bool) {
	switch w.t.kind(i) {
	case '{':
		w.object(i, false)
	case '[':
		w.buf = append(w.buf, '[')
		for _, c := range w.t.children(i) {
			w.value(c, false)
		}
		w.buf = append(w.buf, ']')
	default:
		w.scalar(i, timely)
	}
	w.flush()
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
		w.buf = append(append(append(w.buf, 't'), w.typName...), 0) // it is decoded already
	}
	for n, name := range members {
		if n+1 < len(members) && w.t.compareNames(name, members[n+1]) == 0 {
			continue // of duplicate members the last one counts
		}
		w.text('m', w.t.inner(name))
		w.value(name+1, namesTime(w.t.decode(name)))
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
	decoded := w.t.decode(name)
	if top && volatileMembers[string(decoded)] {
		return false
	}
	return memberKind(decoded) == plainMember
}

func (w *canonicalWriter) scalar(i uint32, timely bool) {
	switch w.t.kind(i) {
	case 'n':
		w.buf = append(w.buf, 'n')
	case '"':
		in := w.t.inner(i)
		if len(in) <= maxEscapedTime && w.time(w.t.decode(i), timely) {
			return
		}
		w.text('s', in)
	case 't', 'f':
		w.text('s', w.t.raw(i))
	default:
		text := w.t.raw(i)
		if bytes.ContainsAny(text, ".eE-") {
			text = []byte(decimal(text))
		}
		if !w.time(text, timely) {
			w.text('s', text)
		}
	}
}

// text writes the decoded form of a string's inside. A zero byte ends it:
// decoded text never has one.
func (w *canonicalWriter) text(kind byte, in []byte) {
	w.buf = append(w.buf, kind)
	if len(in) <= canonicalFlush {
		w.buf = append(unescape(w.buf, in), 0)
		return
	}
	for piece := range pieces(in) {
		for len(piece) > 0 {
			n := min(len(piece), canonicalFlush)
			w.buf = append(w.buf, piece[:n]...)
			w.flush()
			piece = piece[n:]
		}
	}
	w.buf = append(w.buf, 0)
}

// flush hashes what is gathered once it is worth it.
func (w *canonicalWriter) flush() {
	if len(w.buf) >= canonicalFlush {
		w.hash.Write(w.buf)
		w.buf = w.buf[:0]
	}
}

// These bound a text that is tried as a time, in bytes, plain and escaped.
const (
	maxTime        = 40
	maxEscapedTime = 6 * maxTime
)

// time writes a time as milliseconds, or nothing when the text is none. Text
// must look like a date; digits must stand under a name that speaks of a time.
func (w *canonicalWriter) time(text []byte, timely bool) bool {
	if len(text) < 9 || len(text) > maxTime || text[0] < '0' || text[0] > '9' {
		return false
	}
	if !timely && !(len(text) >= 19 && text[4] == '-' && text[7] == '-' && text[13] == ':') {
		return false
	}
	at, ok := parseTime(string(text))
	if ok {
		w.buf = append(w.buf, 'd')
		w.buf = strconv.AppendInt(w.buf, at.UnixMilli(), 10)
		w.buf = append(w.buf, 0)
	}
	return ok
}

// namesTime tells whether a member's name speaks of a time.
func namesTime(name []byte) bool {
	return string(name) == "time" || bytes.HasPrefix(name, []byte("time_")) ||
		bytes.HasSuffix(name, []byte("timestamp")) || bytes.HasSuffix(name, []byte("_at"))
}
