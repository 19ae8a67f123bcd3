package jq

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

const (
	// maxTerms bounds how often a program may name its input, and so how much it can make
	// of it.
	maxTerms = 40
	// maxIterations bounds what is gone through. Two that are nested would make a square.
	maxIterations = 8
	maxPattern    = 64 // bytes of a regular expression
	maxSeparator  = 16 // bytes
)

// arguments of a function that is allowed.
type arguments int

const (
	none    arguments = iota
	literal           // one text or number that stands in the program
	pattern           // one regular expression that stands in the program
	filter            // one program
)

// functions are those that take no more room than their input.
var functions = map[string][]arguments{
	"not": {none}, "length": {none}, "type": {none}, "empty": {none}, "tostring": {none}, "tonumber": {none}, "tojson": {none},
	"ascii_downcase": {none}, "ascii_upcase": {none}, "trim": {none}, "ltrim": {none}, "rtrim": {none},
	"first": {none}, "last": {none}, "min": {none}, "max": {none}, "sort": {none}, "reverse": {none}, "keys": {none},
	"any": {none, filter}, "all": {none, filter}, "select": {filter}, "map": {filter},
	"startswith": {literal}, "endswith": {literal}, "ltrimstr": {literal}, "rtrimstr": {literal},
	"split": {literal}, "join": {literal}, "has": {literal}, "contains": {literal}, "index": {literal},
	"test": {pattern}, "fromdateiso8601": {none}, "todateiso8601": {none}, "floor": {none},
}

// formats are those of texts.
var formats = map[string]bool{"@uri": true, "@json": true, "@html": true, "@text": true, "@base64": true}

var operators = []gojq.Operator{
	gojq.OpPipe, gojq.OpComma, gojq.OpAdd, gojq.OpAlt, gojq.OpAnd, gojq.OpOr,
	gojq.OpEq, gojq.OpNe, gojq.OpGt, gojq.OpLt, gojq.OpGe, gojq.OpLe,
}

// checker walks over a program.
type checker struct{ terms, iterations, encodings int }

// place is where in a program something stands.
type place struct {
	// after: its input is a result. What makes a value larger would, again and again, double
	// it: 24 times |.+. is sixteen million.
	after bool
	// through: it is gone through for each of several values.
	through bool
	// encoded counts the encodings that its input may have behind it. What encodes a text
	// again may double it.
	encoded int
}

// maxEncodings is how often a text may be encoded in a row.
const maxEncodings = 2

func check(q *gojq.Query) error {
	c := new(checker)
	if err := c.query(q, place{}); err != nil {
		return err
	}
	switch {
	case c.terms > maxTerms:
		return fmt.Errorf("names values %d times, and %d are allowed", c.terms, maxTerms)
	case c.iterations > maxIterations:
		return fmt.Errorf("goes through lists %d times, and %d are allowed", c.iterations, maxIterations)
	}
	return nil
}

func refused(what string) error { return errors.New("holds " + what + ", which is not allowed") }

func (c *checker) query(q *gojq.Query, at place) error {
	switch {
	case q == nil:
		return nil
	case q.Meta != nil || len(q.Imports) > 0:
		return refused("a module")
	case len(q.FuncDefs) > 0:
		return refused("a definition")
	case len(q.Patterns) > 0:
		return refused("a variable")
	case q.Term != nil:
		return c.term(q.Term, at)
	case q.Left == nil || q.Right == nil:
		return refused("nothing")
	case !slices.Contains(operators, q.Op):
		return refused("the operator " + q.Op.String())
	case at.after && (q.Op == gojq.OpAdd || q.Op == gojq.OpComma):
		return refused("the operator " + q.Op.String() + " behind a pipe")
	}
	before, encodings := c.iterations, c.encodings
	if err := c.query(q.Left, at); err != nil {
		return err
	}
	if q.Op == gojq.OpComma {
		before = c.iterations // one after the other
	}
	right := place{after: at.after || q.Op == gojq.OpPipe, through: at.through || c.iterations > before, encoded: at.encoded}
	if q.Op == gojq.OpPipe {
		right.encoded += c.encodings - encodings
	}
	return c.query(q.Right, right)
}

func (c *checker) term(t *gojq.Term, at place) error {
	c.terms++
	before := c.iterations
	if err := c.head(t, at); err != nil {
		return err
	}
	for _, s := range t.SuffixList {
		switch {
		case s.Iter && (at.through || c.iterations > before):
			return refused("a list within a list that is gone through")
		case s.Iter:
			c.iterations++
		case s.Index != nil:
			if err := c.index(s.Index); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *checker) head(t *gojq.Term, at place) error {
	switch t.Type {
	case gojq.TermTypeIdentity, gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		return nil
	case gojq.TermTypeIndex:
		return c.index(t.Index)
	case gojq.TermTypeFunc:
		return c.function(t.Func, at)
	case gojq.TermTypeFormat:
		return c.text(t.Format, t.Str, at)
	case gojq.TermTypeString:
		return c.text("@text", t.Str, at)
	case gojq.TermTypeQuery:
		return c.query(t.Query, at)
	case gojq.TermTypeArray:
		if at.after && t.Array.Query != nil {
			return refused("a list that is made behind a pipe")
		}
		return c.query(t.Array.Query, at)
	case gojq.TermTypeObject:
		return c.object(t.Object, at)
	case gojq.TermTypeIf:
		return c.condition(t.If, at)
	case gojq.TermTypeRecurse:
		return refused("..")
	case gojq.TermTypeUnary:
		return refused("a sign")
	case gojq.TermTypeTry, gojq.TermTypeLabel, gojq.TermTypeBreak:
		return refused("try or label")
	case gojq.TermTypeReduce, gojq.TermTypeForeach:
		return refused("a loop")
	}
	return refused("something unknown")
}

func (c *checker) condition(f *gojq.If, at place) error {
	all := []*gojq.Query{f.Cond, f.Then, f.Else}
	for _, e := range f.Elif {
		all = append(all, e.Cond, e.Then)
	}
	for _, q := range all {
		if err := c.query(q, at); err != nil {
			return err
		}
	}
	return nil
}

// index takes an index that stands in the program.
func (c *checker) index(i *gojq.Index) error {
	if i == nil {
		return refused("nothing")
	}
	if i.Str != nil && len(i.Str.Queries) > 0 {
		return refused("an index that is computed")
	}
	for _, q := range []*gojq.Query{i.Start, i.End} {
		if _, _, ok := constant(q); q != nil && !ok {
			return refused("an index that is computed")
		}
	}
	return nil
}

func (c *checker) text(format string, s *gojq.String, at place) error {
	if !formats[format] {
		return refused("the format " + format)
	}
	if format != "@text" {
		if err := c.encode(at); err != nil {
			return err
		}
	}
	if s == nil || len(s.Queries) == 0 {
		return nil
	}
	if at.after {
		return refused("a text that is put together behind a pipe")
	}
	for _, q := range s.Queries {
		if err := c.query(q, place{through: true, encoded: at.encoded}); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) encode(at place) error {
	if c.encodings++; at.encoded >= maxEncodings {
		return refused(fmt.Sprintf("more than %d encodings in a row", maxEncodings))
	}
	return nil
}

func (c *checker) object(o *gojq.Object, at place) error {
	if at.after {
		return refused("an object that is made behind a pipe")
	}
	for _, m := range o.KeyVals {
		if m.KeyQuery != nil || m.KeyString != nil && len(m.KeyString.Queries) > 0 || strings.HasPrefix(m.Key, "$") {
			return refused("a member whose name is computed")
		}
		value := at
		// A member with several values makes several objects, and two of them a square.
		if m.Val == nil || m.Val.Term == nil || m.Val.Term.Type != gojq.TermTypeArray {
			value.through = true
		}
		if err := c.query(m.Val, value); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) function(f *gojq.Func, at place) error {
	allowed, known := functions[f.Name]
	if strings.HasPrefix(f.Name, "$") {
		return refused("a variable")
	}
	if !known || len(f.Args) > 1 {
		return refused("the function " + f.Name)
	}
	for _, kind := range allowed {
		if (kind == none) == (len(f.Args) == 0) {
			return c.argument(f, kind, at)
		}
	}
	return refused("the function " + f.Name + " with so many arguments")
}

func (c *checker) argument(f *gojq.Func, kind arguments, at place) error {
	if f.Name == "tojson" {
		return c.encode(at)
	}
	if kind == none {
		return nil
	}
	if kind == filter {
		if f.Name == "map" {
			if c.iterations++; at.through {
				return refused("a list within a list that is gone through")
			}
		}
		return c.query(f.Args[0], place{after: true, through: true, encoded: at.encoded})
	}
	text, isText, ok := constant(f.Args[0])
	switch {
	case !ok:
		return refused("an argument of " + f.Name + " that is computed")
	case kind == pattern && (!isText || len(text) > maxPattern || strings.Contains(text, "{")):
		return fmt.Errorf("holds a regular expression of more than %d bytes, or with {", maxPattern)
	case kind == pattern:
		if _, err := regexp.Compile(text); err != nil {
			return errors.New("holds a regular expression that cannot be read")
		}
	case f.Name == "join" && len(text) > maxSeparator:
		return fmt.Errorf("joins with more than %d bytes", maxSeparator)
	}
	return nil
}

// constant returns a text or a number that stands in the program.
func constant(q *gojq.Query) (text string, isText, ok bool) {
	if q == nil || q.Term == nil || len(q.Term.SuffixList) > 0 || len(q.FuncDefs) > 0 || len(q.Patterns) > 0 {
		return "", false, false
	}
	switch t := q.Term; t.Type { //nolint:exhaustive // every other kind is computed
	case gojq.TermTypeNumber:
		return t.Number, false, true
	case gojq.TermTypeUnary:
		return "", false, t.Unary.Term != nil && t.Unary.Term.Type == gojq.TermTypeNumber && len(t.Unary.Term.SuffixList) == 0
	case gojq.TermTypeString:
		return t.Str.Str, true, len(t.Str.Queries) == 0
	}
	return "", false, false
}
