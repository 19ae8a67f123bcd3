package smartlead

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// These refuse a body as a whole in [Parse]. The text that wraps them says where,
// never what: a body may hold credentials.
var (
	// ErrNotJSON says that the body is empty, cut off or not JSON.
	ErrNotJSON = errors.New("not JSON")
	// ErrScalar says that the body is JSON, but a number, a word or plain text.
	ErrScalar = errors.New("neither an object nor an array")
	// ErrEncoding says that the body is not UTF-8, the only encoding of JSON
	// between systems (RFC 8259, section 8.1).
	ErrEncoding = errors.New("not UTF-8 text")
	// ErrTooDeep says that more than 100 objects and arrays are nested.
	ErrTooDeep = errors.New("nested too deeply")
	// ErrTooMany says that there are more than 1,000,000 values and member names, or
	// more than 10,000 elements of the body's own array.
	ErrTooMany = errors.New("too many values")
)

// ErrNotObject refuses one element of an array: only an object can be an event.
var ErrNotObject = errors.New("not an object")

// refuse wraps a sentinel with a byte offset and words of our own.
func refuse(sentinel error, at int, what string) error {
	return fmt.Errorf("%w: at byte %d: %s", sentinel, at, what)
}

// ErrInternal says that reading the body ended in a panic, a defect of this
// package. Of an array only that element is concerned. It says nothing of the
// sender: ask for the body again, and look at the place that the text names.
var ErrInternal = errors.New("reading the body failed")

// guard turns a panic of its caller's into ErrInternal: one body that this code
// cannot read must not end the process, with all else that it was working on.
func guard(err *error) {
	p := recover()
	if p == nil {
		return
	}
	// Only the runtime's own text is safe to show: any other value may hold
	// what was read.
	what := fmt.Sprintf("a panic of type %T", p)
	if e, ok := p.(runtime.Error); ok {
		what = e.Error()
	}
	*err = fmt.Errorf("%w: %s in %s", ErrInternal, what, panicPlace())
}

// panicPlace returns the file and line of this package where the panic began, for
// a deferred function's own callee.
func panicPlace() string {
	var stack [64]uintptr
	frames := runtime.CallersFrames(stack[:runtime.Callers(3, stack[:])])
	for {
		f, more := frames.Next()
		if strings.Contains(f.Function, "/pkg/smartlead.") {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
