package smartlead

import (
	"bytes"
	"slices"
)

// maxWrappers bounds how many wrappers and JSON texts are opened, one inside
// the other.
const maxWrappers = 4

// top reads the body's own value, opening what is wrapped around it.
func (p *parser) top(t *tree, i uint32, hops int) error {
	switch t.kind(i) {
	case '{', '"':
		if inner, at, ok := p.open(t, i, hops); ok {
			defer inner.freeUnless(t)
			return p.within(t, i, func() error { return p.top(inner, at, hops-1) })
		}
		if t.kind(i) == '"' {
			return refuse(ErrScalar, int(t.nodes[i].start), "the body is text")
		}
		return p.add(t, i)
	case '[':
		p.batch.Array = true
		p.reserve(t, i)
		for _, c := range t.children(i) {
			if err := p.element(t, c, hops); err != nil {
				return err
			}
		}
		return nil
	}
	return refuse(ErrScalar, int(t.nodes[i].start), "the body is a number or a word")
}

// reserve makes room for the elements of an array, since they are large.
func (p *parser) reserve(t *tree, array uint32) {
	n := 0
	for range t.children(array) {
		n++
	}
	p.batch.Elements = slices.Grow(p.batch.Elements, min(n, maxElements))
}

// element reads one element of an array. A wrapper in it is opened; what the
// wrapper holds counts as elements of the batch, in order.
func (p *parser) element(t *tree, i uint32, hops int) error {
	kind := t.kind(i)
	if kind == '{' || kind == '"' {
		if inner, at, ok := p.open(t, i, hops); ok {
			defer inner.freeUnless(t)
			switch {
			case inner.kind(at) == '{':
				return p.within(t, i, func() error { return p.element(inner, at, hops-1) })
			case kind == '{':
				return p.within(t, i, func() error { return p.top(inner, at, hops-1) })
			}
		}
	}
	if kind == '{' {
		return p.add(t, i)
	}
	return p.refused(refuse(ErrNotObject, int(t.nodes[i].start), "an event is an object"))
}

// within reads what a wrapper holds. A relay may leave the secret_key beside the
// event: it vouches for what has none of its own. The dashboard's word does not,
// since whoever reads the event alone must see that it is a test.
func (p *parser) within(t *tree, wrapper uint32, read func() error) error {
	before := p.secret
	if t.kind(wrapper) == '{' {
		f := t.index(wrapper)
		if s := t.text(f[fSecretKey]); s != "" && s != testSecret {
			p.secret = s
		}
	}
	err := read()
	p.secret = before
	return err
}

// wrapperMembers are where a wrapper holds the event, in the order in which they
// are looked at: a relay's body, and what integrators were seen to send.
var wrapperMembers = [...]string{"body", "data", "payload", "event"}

// open returns the object or array that a wrapper or a JSON text holds; ok is
// false when the value is neither. The tree is another one when the text had
// to be scanned.
func (p *parser) open(t *tree, i uint32, hops int) (inner *tree, at uint32, ok bool) {
	if t.kind(i) != '{' {
		return t.unfold(i, hops)
	}
	for _, name := range wrapperMembers {
		at := t.member(i, name)
		if at == 0 {
			continue
		}
		inner, at, ok := t.unfold(at, hops)
		if ok && t.wraps(i, inner, at) {
			return inner, at, true
		}
		if ok {
			inner.freeUnless(t)
		}
	}
	return nil, 0, false
}

// unfold returns the object or array at a value, or in the JSON text there.
func (t *tree) unfold(at uint32, hops int) (inner *tree, _ uint32, ok bool) {
	inner = t
	for ; hops > 0 && inner.kind(at) == '"'; hops-- {
		in := inner.inner(at)
		text := bytes.TrimSpace(unescape(make([]byte, 0, len(in)), in))
		next := (*tree)(nil)
		if len(text) > 0 && bytes.IndexByte([]byte(`{["`), text[0]) >= 0 {
			next, _ = scanTree(text, bodyLimits)
		}
		inner.freeUnless(t)
		if next == nil {
			return nil, 0, false
		}
		inner, at = next, 0
	}
	if hops > 0 && (inner.kind(at) == '{' || inner.kind(at) == '[') {
		return inner, at, true
	}
	inner.freeUnless(t)
	return nil, 0, false
}

func (t *tree) freeUnless(same *tree) {
	if t != same {
		t.free()
	}
}

// relayMembers are what relays such as n8n put beside the body.
var relayMembers = map[string]bool{
	"body": true, "headers": true, "query": true, "params": true, "webhookUrl": true,
	"executionMode": true, "method": true, "path": true, "url": true,
}

// wraps tells whether the object i is a relay's wrapper around its body, which
// then is the event, and the rest is dropped. An object of a known type is an
// event itself. Otherwise the body must have a type, a known one if the
// object has a type too; a body without one counts when nothing but a relay's
// own members stands beside it, so that nothing unknown is dropped.
func (t *tree) wraps(i uint32, inner *tree, at uint32) bool {
	outer, known := t.typed(i)
	if known {
		return false
	}
	name, known := inner.typed(at)
	if inner.kind(at) == '[' {
		objects := false
		for _, c := range inner.children(at) {
			if inner.kind(c) == '{' {
				n, k := inner.typed(c)
				objects, name, known = true, name || n, known || k
			}
		}
		if !objects {
			return false
		}
	}
	if known {
		return true
	}
	return !outer && (name || t.onlyRelayMembers(i))
}

// typed tells whether an object names a type, and whether it is a known one.
func (t *tree) typed(i uint32) (named, known bool) {
	if t.kind(i) != '{' {
		return false, false
	}
	f := t.index(i)
	name, _ := t.typeName(&f)
	_, known = TypeNamed(name)
	return name != "", known
}

func (t *tree) onlyRelayMembers(i uint32) bool {
	for name := range t.children(i) {
		if !relayMembers[string(t.decode(name))] {
			return false
		}
	}
	return true
}
