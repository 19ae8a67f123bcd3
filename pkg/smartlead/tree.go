package smartlead

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// tree is a scanned JSON text. Values are sub-slices of src, found by node
// index; 0 is the root and, as a value inside an object, means "absent".
type tree struct {
	src     []byte
	nodes   []node
	open    []uint32
	scratch []byte
	texts   strings.Builder // memory of short texts that are read, where they share it
	shared  bool
}

var trees = sync.Pool{New: func() any { return new(tree) }}

// What is kept for the next body is bounded, so that one huge body does not
// occupy memory for ever.
const (
	maxPooledNodes   = 1 << 14
	maxPooledScratch = 1 << 16
)

// scanTree scans src. The tree refers to src, which must not change; give it
// back with free.
func scanTree(src []byte, lim limits) (*tree, error) {
	t := trees.Get().(*tree)
	if guess := min(len(src)/bytesPerNode, lim.values) + 64; guess > cap(t.nodes) {
		t.nodes = make([]node, 0, guess)
	}
	s := scanner{src: src, nodes: t.nodes[:0], open: t.open[:0], lim: lim}
	err := s.run()
	t.src, t.nodes, t.open = src, s.nodes, s.open
	if err != nil {
		t.free()
		return nil, err
	}
	return t, nil
}

// bytesPerNode guesses low how many nodes a body has: most of a large one is
// the text of mails.
const bytesPerNode = 64

// Short texts that are read from a body share memory, so that each is not an allocation:
// up to maxShared bytes each, sharedRoom at once, or as much as the body has.
const (
	maxShared  = 256
	sharedRoom = 1 << 10
)

func (t *tree) free() {
	t.src, t.shared = nil, false
	t.texts.Reset()
	if cap(t.nodes) > maxPooledNodes {
		t.nodes = nil
	}
	if cap(t.scratch) > maxPooledScratch {
		t.scratch = nil
	}
	trees.Put(t)
}

// kind returns the first byte of the value: { [ " t f n - or a digit.
func (t *tree) kind(i uint32) byte { return t.src[t.nodes[i].start] }

// raw returns the value as it stands in the text.
func (t *tree) raw(i uint32) []byte { return t.src[t.nodes[i].start:t.nodes[i].end] }

// inner returns a string without its quotes, escapes as they stand.
func (t *tree) inner(i uint32) []byte { return t.src[t.nodes[i].start+1 : t.nodes[i].end-1] }

// isObject and isArray are false for an absent value.
func (t *tree) isObject(i uint32) bool { return i != 0 && t.kind(i) == '{' }
func (t *tree) isArray(i uint32) bool  { return i != 0 && t.kind(i) == '[' }

// children yields the values of an array, or name and value of each member of
// an object (name is 0 in an array).
func (t *tree) children(i uint32) func(yield func(name, value uint32) bool) {
	return func(yield func(name, value uint32) bool) {
		object := t.kind(i) == '{'
		for c := i + 1; c < t.nodes[i].next; {
			name := uint32(0)
			if object {
				name = c
				c++
			}
			value := c
			c = t.nodes[c].next
			if !yield(name, value) {
				return
			}
		}
	}
}

// get returns the member of that name, which begins with a small letter, the last one if
// there are several; 0 when there is none or object is absent.
func (t *tree) get(object uint32, name string) uint32 {
	if !t.isObject(object) {
		return 0
	}
	return t.member(object, name)
}

// member does what get does, for an object that is there; it may be the root.
func (t *tree) member(object uint32, name string) uint32 {
	found, folded := uint32(0), uint32(0)
	for n, v := range t.children(object) {
		in := t.inner(n)
		switch {
		case t.nodes[n].has&hasEscape != 0:
			in = unescape(nil, in)
		case len(in) == 0 || lower(in[0]) != name[0] && in[0] != '_':
			continue
		}
		switch {
		case string(in) == name:
			found = v
		case sameFolded(in, name):
			folded = v
		}
	}
	if found == 0 {
		return folded
	}
	return found
}

// sameFolded compares two names without their underscores and their case: one
// member is written message_id, messageId or MessageID.
func sameFolded(in []byte, name string) bool {
	i, j := 0, 0
	for {
		for i < len(in) && in[i] == '_' {
			i++
		}
		for j < len(name) && name[j] == '_' {
			j++
		}
		if i == len(in) || j == len(name) {
			return i == len(in) && j == len(name)
		}
		if lower(in[i]) != lower(name[j]) {
			return false
		}
		i, j = i+1, j+1
	}
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// verbatim returns the decoded text of a string, the decimal text of a number, a
// boolean's word; "" for null, the text "null", containers and absent values.
func (t *tree) verbatim(i uint32) string {
	if i == 0 {
		return ""
	}
	switch t.kind(i) {
	case '"':
		if isNull(t.inner(i)) {
			return ""
		}
		return t.str(i)
	case 'n', '{', '[':
		return ""
	case 't', 'f':
		return string(t.raw(i))
	}
	return decimal(t.raw(i))
}

// text returns verbatim without white space around it.
func (t *tree) text(i uint32) string { return strings.TrimSpace(t.verbatim(i)) }

// firstText returns the first text that is not empty.
func (t *tree) firstText(values ...uint32) string {
	for _, v := range values {
		if s := t.text(v); s != "" {
			return s
		}
	}
	return ""
}

// hasText tells whether verbatim is more than white space, without building it.
func (t *tree) hasText(i uint32) bool {
	if i == 0 {
		return false
	}
	switch t.kind(i) {
	case 'n', '{', '[':
		return false
	case '"':
		in := t.inner(i)
		if isNull(in) {
			return false
		}
		for piece := range pieces(in) {
			if len(bytes.TrimSpace(piece)) > 0 {
				return true
			}
		}
		return false
	}
	return true
}

func (t *tree) str(i uint32) string {
	in := t.inner(i)
	if t.nodes[i].has&hasEscape == 0 {
		return t.keep(in)
	}
	var text strings.Builder
	text.Grow(len(in))
	for {
		i := bytes.IndexByte(in, '\\')
		if i < 0 {
			text.Write(in)
			return text.String()
		}
		text.Write(in[:i])
		var r rune
		r, in = unescapeOne(in[i+1:])
		text.WriteRune(r)
	}
}

// keep makes a string of a text.
func (t *tree) keep(text []byte) string {
	if !t.shared || len(text) > maxShared {
		return string(text)
	}
	if t.texts.Cap()-t.texts.Len() < len(text) {
		t.texts.Reset()
		t.texts.Grow(max(len(text), min(sharedRoom, len(t.src))))
	}
	from := t.texts.Len()
	t.texts.Write(text)
	return t.texts.String()[from:]
}

// isNull tells whether a string's text stands for null: integrators of the
// provider's webhooks guard against the word.
func isNull(in []byte) bool {
	in = bytes.TrimSpace(in)
	return len(in) == 4 && strings.EqualFold(string(in), "null")
}

// unescape appends the decoded form of a string's inside.
func unescape(dst, in []byte) []byte {
	for {
		i := 0
		if len(in) == 0 || in[0] != '\\' { // as after \r in \r\n
			i = bytes.IndexByte(in, '\\')
		}
		if i < 0 {
			return append(dst, in...)
		}
		dst = append(dst, in[:i]...)
		var r rune
		r, in = unescapeOne(in[i+1:])
		dst = utf8.AppendRune(dst, r)
	}
}

// pieces yields the decoded form of a string's inside, bit by bit, so that a
// large text need not be copied to be hashed. NUL and surrogates without a
// partner become U+FFFD, since neither survives every destination.
func pieces(in []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		var one [utf8.UTFMax]byte
		for len(in) > 0 {
			i := bytes.IndexByte(in, '\\')
			if i < 0 {
				yield(in)
				return
			}
			if i > 0 && !yield(in[:i]) {
				return
			}
			var r rune
			if r, in = unescapeOne(in[i+1:]); !yield(utf8.AppendRune(one[:0], r)) {
				return
			}
		}
	}
}

// unescapeOne reads what follows a backslash.
func unescapeOne(in []byte) (rune, []byte) {
	c := in[0]
	in = in[1:]
	switch c {
	case 'b':
		return '\b', in
	case 'f':
		return '\f', in
	case 'n':
		return '\n', in
	case 'r':
		return '\r', in
	case 't':
		return '\t', in
	case 'u':
		return unescapeRune(in)
	}
	return rune(c), in
}

// unescapeRune reads what follows \u, and the second half of a pair.
func unescapeRune(in []byte) (rune, []byte) {
	r, _ := hex4(in, 0)
	in = in[4:]
	if utf16.IsSurrogate(r) {
		if len(in) >= 6 && in[0] == '\\' && in[1] == 'u' {
			low, _ := hex4(in, 2)
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				return both, in[6:]
			}
		}
		return utf8.RuneError, in
	}
	if r == 0 {
		r = utf8.RuneError
	}
	return r, in
}

// decode returns a string's decoded text. It is valid until the next call.
func (t *tree) decode(i uint32) []byte {
	in := t.inner(i)
	if t.nodes[i].has&hasEscape == 0 {
		return in
	}
	t.scratch = unescape(slices.Grow(t.scratch[:0], len(in)), in)
	return t.scratch
}

// compareNames orders member names by their decoded text.
func (t *tree) compareNames(a, b uint32) int {
	x, y := t.inner(a), t.inner(b)
	if (t.nodes[a].has|t.nodes[b].has)&hasEscape != 0 {
		return bytes.Compare(unescape(nil, x), unescape(nil, y))
	}
	return bytes.Compare(x, y)
}
