package smartlead

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// tree is a scanned JSON text. Values are sub-slices of src, found by node
// index; 0 is the root and, as a value inside an object, means "absent".
type tree struct {
	src   []byte
	nodes []node
	open  []uint32
}

var trees = sync.Pool{New: func() any { return new(tree) }}

// maxPooledNodes keeps one huge body from occupying memory for ever.
const maxPooledNodes = 1 << 14

// scanTree scans src. The tree refers to src, which must not change; give it
// back with free.
func scanTree(src []byte, lim Limits) (*tree, error) {
	t := trees.Get().(*tree)
	if bound := nodeBound(src, lim); bound > cap(t.nodes) {
		t.nodes = make([]node, 0, bound)
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

// nodeBound is how many nodes src can have at most, so that the slice never
// grows by copying. Commas inside text make it too high, which is cheap.
func nodeBound(src []byte, lim Limits) int {
	n := 2
	for _, c := range []byte{',', ':', '{', '['} {
		n += bytes.Count(src, []byte{c})
	}
	return min(n, lim.Values+1)
}

func (t *tree) free() {
	t.src = nil
	if cap(t.nodes) > maxPooledNodes {
		t.nodes = nil
	}
	trees.Put(t)
}

// kind is the first byte of the value: { [ " t f n - or a digit.
func (t *tree) kind(i uint32) byte { return t.src[t.nodes[i].start] }

// raw is the value as it stands in the text.
func (t *tree) raw(i uint32) []byte { return t.src[t.nodes[i].start:t.nodes[i].end] }

// inner is a string without its quotes, escapes as they stand.
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

// get returns the member of that name, the last one if there are several, or 0.
func (t *tree) get(object uint32, name string) uint32 {
	if !t.isObject(object) {
		return 0
	}
	found := uint32(0)
	for n, v := range t.children(object) {
		if t.nameIs(n, name) {
			found = v
		}
	}
	return found
}

// path follows names downwards.
func (t *tree) path(object uint32, names ...string) uint32 {
	for _, n := range names {
		object = t.get(object, n)
	}
	return object
}

func (t *tree) nameIs(i uint32, name string) bool {
	in := t.inner(i)
	if len(in) == len(name) {
		return string(in) == name
	}
	return bytes.IndexByte(in, '\\') >= 0 && string(unescape(nil, in)) == name
}

// verbatim is the decoded text of a string, the decimal text of a number, a
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

// text is verbatim without white space around it.
func (t *tree) text(i uint32) string { return strings.TrimSpace(t.verbatim(i)) }

// firstText is the first text that is not empty.
func (t *tree) firstText(values ...uint32) string {
	for _, v := range values {
		if s := t.text(v); s != "" {
			return s
		}
	}
	return ""
}

func (t *tree) str(i uint32) string {
	in := t.inner(i)
	if bytes.IndexByte(in, '\\') < 0 {
		return string(in)
	}
	return string(unescape(make([]byte, 0, len(in)), in))
}

// isNull tells whether a string's text stands for null: integrators of the
// provider's webhooks guard against the word (smartlead-facts, "Types").
func isNull(in []byte) bool {
	in = bytes.TrimSpace(in)
	return len(in) == 4 && strings.EqualFold(string(in), "null")
}

// unescape appends the decoded form of a string's inside. NUL and surrogates
// without a partner become U+FFFD, since neither survives every destination.
func unescape(dst, in []byte) []byte {
	for len(in) > 0 {
		i := bytes.IndexByte(in, '\\')
		if i < 0 {
			return append(dst, in...)
		}
		dst = append(dst, in[:i]...)
		in = in[i+1:]
		c := in[0]
		in = in[1:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			var r rune
			r, in = unescapeRune(in)
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
	return dst
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
