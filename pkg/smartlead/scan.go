package smartlead

import (
	"bytes"
	"fmt"
	"slices"
)

// node is one JSON value or member name, as offsets into the text. Nodes stand
// in the order of the text: a container, then all that is inside it. next is
// the index just past the node's subtree. Offsets of 32 bits keep the index of
// a 6 MB body small; a body is never near 4 GB.
type node struct {
	start, end uint32
	next       uint32
	has        content
}

// content says what a string may have, so that nobody looks for it again where it has not.
// Only the scanner knows that it has not.
type content uint8

const (
	hasEscape content = 1 << iota
	hasCode           // \u among the escapes: anything may stand there
	hasSign           // one of separators
	hasW              // a small one
	anything  content = 1<<iota - 1

	special content = 1 << 7 // of a byte that does not mean itself
)

// scanner turns JSON text into nodes in one pass, without recursion, so that
// hostile nesting costs no stack. It accepts what RFC 8259 accepts; duplicate
// names and lone surrogates are left to its callers.
type scanner struct {
	src   []byte
	pos   int
	nodes []node
	open  []uint32 // containers not yet closed
	lim   limits
}

// run scans one JSON text and nothing after it.
func (s *scanner) run() error {
	s.space()
	for {
		opened, err := s.value()
		if err != nil {
			return err
		}
		if opened {
			continue
		}
		if done, err := s.after(); done || err != nil {
			return err
		}
	}
}

// value scans a scalar, an empty container, or the beginning of a container up
// to its first value; only then opened is true.
func (s *scanner) value() (opened bool, err error) {
	if s.pos >= len(s.src) {
		return false, refuse(ErrNotJSON, s.pos, "a value is missing")
	}
	if len(s.nodes) >= s.lim.values {
		return false, refuse(ErrTooMany, s.pos, "more values than are read")
	}
	s.push()
	switch c := s.src[s.pos]; c {
	case '{', '[':
		return s.container(c)
	case '"':
		err = s.text()
	case 't':
		err = s.word("true")
	case 'f':
		err = s.word("false")
	case 'n':
		err = s.word("null")
	default:
		err = s.number()
	}
	s.finish(len(s.nodes) - 1)
	return false, err
}

func (s *scanner) container(c byte) (opened bool, err error) {
	if len(s.open) >= s.lim.depth {
		return false, refuse(ErrTooDeep, s.pos, "an object or array inside too many others")
	}
	s.open = append(s.open, uint32(len(s.nodes)-1)) //nolint:gosec // a body has at most 10 MB
	s.pos++
	s.space()
	if s.pos < len(s.src) && s.src[s.pos] == c+2 { // '{'+2 is '}', '['+2 is ']'
		s.closeContainer()
		return false, nil
	}
	if c == '{' {
		return true, s.name()
	}
	return true, nil
}

func (s *scanner) closeContainer() {
	s.pos++
	s.finish(int(s.open[len(s.open)-1]))
	s.open = s.open[:len(s.open)-1]
}

// push begins a node. When there is no room, there will be for all that the
// rest of the text can have, so that the nodes move at most once.
func (s *scanner) push() {
	if len(s.nodes) == cap(s.nodes) {
		bound := 2
		for _, c := range []byte{',', ':', '{', '['} {
			bound += bytes.Count(s.src[s.pos:], []byte{c})
		}
		s.nodes = slices.Grow(s.nodes, max(min(bound, s.lim.values+2-len(s.nodes)), 2))
	}
	s.nodes = append(s.nodes, node{start: uint32(s.pos)}) //nolint:gosec // as above
}

func (s *scanner) finish(i int) {
	s.nodes[i].end = uint32(s.pos)         //nolint:gosec // as above
	s.nodes[i].next = uint32(len(s.nodes)) //nolint:gosec // as above
}

// after reads what follows a value: a comma, closing brackets, or the end.
func (s *scanner) after() (done bool, err error) {
	for {
		s.space()
		if len(s.open) == 0 {
			if s.pos < len(s.src) {
				return false, refuse(ErrNotJSON, s.pos, s.trailing())
			}
			return true, nil
		}
		if s.pos >= len(s.src) {
			return false, refuse(ErrNotJSON, s.pos, "the text ends inside an object or array")
		}
		kind := s.src[s.nodes[s.open[len(s.open)-1]].start]
		switch s.src[s.pos] {
		case kind + 2:
			s.closeContainer()
		case ',':
			s.pos++
			s.space()
			if kind == '{' {
				err = s.name()
			}
			return false, err
		default:
			return false, refuse(ErrNotJSON, s.pos, "a comma or a closing bracket is missing")
		}
	}
}

// trailing says what follows the body's own value. Relays that send events line by
// line are told what is expected.
func (s *scanner) trailing() string {
	if c := s.src[s.pos]; c != '{' && c != '[' {
		return "text after the end of the JSON value"
	}
	lines := 0
	for line := range bytes.Lines(s.src) {
		if len(bytes.TrimSpace(line)) > 0 {
			lines++
		}
	}
	if lines == 1 {
		return "another JSON value begins; one is expected, or an array of them"
	}
	return fmt.Sprintf("another JSON value begins, of text on %d lines; one is expected, or an array of them", lines)
}

// name scans a member's name and the colon.
func (s *scanner) name() error {
	if s.pos >= len(s.src) || s.src[s.pos] != '"' {
		return refuse(ErrNotJSON, s.pos, "a member's name is missing")
	}
	s.push()
	if err := s.text(); err != nil {
		return err
	}
	s.finish(len(s.nodes) - 1)
	s.space()
	if s.pos >= len(s.src) || s.src[s.pos] != ':' {
		return refuse(ErrNotJSON, s.pos, "a colon is missing")
	}
	s.pos++
	s.space()
	return nil
}

// contents tells what each byte makes of a string that has it.
var contents = func() (of [256]content) {
	for c := range of {
		if c < ' ' || c == '"' || c == '\\' {
			of[c] = special
		}
	}
	for _, c := range []byte(separators) {
		of[c] = hasSign
	}
	of['w'] = hasW
	return of
}()

// text scans a string, from quote to quote, into the latest node.
func (s *scanner) text() error {
	src := s.src
	has := content(0)
	for i := s.pos + 1; i < len(src); i++ {
		c := src[i]
		is := contents[c]
		has |= is
		if is != special {
			continue
		}
		if c == '"' {
			s.pos = i + 1
			s.nodes[len(s.nodes)-1].has = has &^ special
			return nil
		}
		if c < ' ' {
			return refuse(ErrNotJSON, i, "a control character inside a string")
		}
		i++
		if i >= len(src) {
			break
		}
		has |= hasEscape
		switch src[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			if _, ok := hex4(src, i+1); !ok {
				return refuse(ErrNotJSON, i, "an escape that does not exist")
			}
			i += 4
			has |= hasCode
		default:
			return refuse(ErrNotJSON, i, "an escape that does not exist")
		}
	}
	return refuse(ErrNotJSON, len(src), "the text ends inside a string")
}

func (s *scanner) word(w string) error {
	if len(s.src)-s.pos < len(w) || string(s.src[s.pos:s.pos+len(w)]) != w {
		return refuse(ErrNotJSON, s.pos, "a word that does not exist")
	}
	s.pos += len(w)
	return nil
}

// number checks the grammar only; a number is never converted, so none is too
// large or too precise.
func (s *scanner) number() error {
	i := s.pos
	if i < len(s.src) && s.src[i] == '-' {
		i++
	}
	first := i
	i = digits(s.src, i)
	ok := i > first && (s.src[first] != '0' || i == first+1)
	if ok && i < len(s.src) && s.src[i] == '.' {
		from := i + 1
		i = digits(s.src, from)
		ok = i > from
	}
	if ok && i < len(s.src) && (s.src[i] == 'e' || s.src[i] == 'E') {
		i++
		if i < len(s.src) && (s.src[i] == '+' || s.src[i] == '-') {
			i++
		}
		from := i
		i = digits(s.src, from)
		ok = i > from
	}
	if !ok {
		return refuse(ErrNotJSON, s.pos, "neither a value nor a number")
	}
	s.pos = i
	return nil
}

func digits(src []byte, i int) int {
	for i < len(src) && src[i] >= '0' && src[i] <= '9' {
		i++
	}
	return i
}

func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// hex4 reads four hexadecimal digits.
func hex4(src []byte, i int) (rune, bool) {
	if len(src)-i < 4 {
		return 0, false
	}
	var r rune
	for _, c := range src[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
