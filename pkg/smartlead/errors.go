package smartlead

import (
	"errors"
	"fmt"
)

// Whole-body refusals of [Parse]. The text that wraps them says where, never
// what: a body may hold credentials.
var (
	// ErrNotJSON: the body is empty, cut off or not JSON.
	ErrNotJSON = errors.New("not JSON")
	// ErrScalar: the body is JSON, but a number, a word or plain text.
	ErrScalar = errors.New("neither an object nor an array")
	// ErrEncoding: the body is not UTF-8, the only encoding of JSON between
	// systems (RFC 8259, section 8.1).
	ErrEncoding = errors.New("not UTF-8 text")
	// ErrTooDeep: objects and arrays are nested beyond Limits.Depth.
	ErrTooDeep = errors.New("nested too deeply")
	// ErrTooMany: more values or more array elements than Limits allows.
	ErrTooMany = errors.New("too many values")
)

// ErrNotObject refuses one element of an array: only an object can be an event.
var ErrNotObject = errors.New("not an object")

// refuse wraps a sentinel with a byte offset and words of our own.
func refuse(sentinel error, at int, what string) error {
	return fmt.Errorf("%w: at byte %d: %s", sentinel, at, what)
}
