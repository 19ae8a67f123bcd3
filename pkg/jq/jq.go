// Package jq runs small programs that an operator writes, in the language of jq, over
// events that strangers may have written. A program is refused unless its syntax tree is
// made of what is listed here: nothing that loops, remembers, or makes much out of little.
package jq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/itchyny/gojq"
)

// Bounds of a program.
const (
	MaxSource = 2 << 10 // bytes
	// Timeout bounds a run. A regular expression that is under way is not broken off
	// (itchyny/gojq, #292), so that those are short.
	Timeout = 100 * time.Millisecond
	// MaxInput is the size of an input as JSON, in bytes. What a program can make of it is a
	// multiple of it: see maxTerms.
	MaxInput = 512 << 10
)

// Program is safe for concurrent use.
type Program struct{ code *gojq.Code }

// Compile returns an error of one line that says what is not allowed.
func Compile(source string) (*Program, error) {
	if len(source) > MaxSource {
		return nil, fmt.Errorf("is longer than %d bytes", MaxSource)
	}
	query, err := gojq.Parse(source)
	if err != nil {
		if at, ok := errors.AsType[*gojq.ParseError](err); ok {
			return nil, fmt.Errorf("is no program of jq: it cannot be read at byte %d", at.Offset)
		}
		return nil, errors.New("is no program of jq")
	}
	if err := check(query); err != nil {
		return nil, err
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, errors.New("is no program of jq that can run")
	}
	return &Program{code}, nil
}

// Errors of a run. Neither they nor their texts hold anything of the input.
var (
	ErrFailed  = errors.New("the program failed with this event")
	ErrResults = errors.New("the program has none or several results, and one is needed")
	ErrTime    = errors.New("the program took too long")
)

// Run returns the one result of the program. The input is what encoding/json decodes, and
// is not changed. The result is null, a bool, a number, a string, or made of these.
func (p *Program) Run(ctx context.Context, input any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	results := p.code.RunWithContext(ctx, input)
	value, ok := results.Next()
	if !ok {
		return nil, ErrResults
	}
	if err, failed := value.(error); failed {
		if ctx.Err() != nil {
			return nil, ErrTime
		}
		_ = err // it quotes the input
		return nil, ErrFailed
	}
	if more, ok := results.Next(); ok {
		if _, failed := more.(error); failed {
			return nil, ErrFailed
		}
		return nil, ErrResults
	}
	return value, nil
}

// Text is a result as a text: a text as it is, a number and true and false as JSON has
// them, null as nothing. It is false for a list and an object.
func Text(value any) (text string, ok bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case []any, map[string]any:
		return "", false
	}
	written, err := json.Marshal(value)
	return string(written), err == nil
}
