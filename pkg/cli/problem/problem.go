// Package problem is how a command fails: an error of a kind that decides the
// exit code, with lines that say what to do about it.
package problem

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/smithy-go"
)

// Kinds of failure that a command tells apart; everything else is a failure.
var (
	ErrUsage    = errors.New("usage")
	ErrNotFound = errors.New("not found")
)

// ErrInterrupted is the end of a run that a signal ended.
var ErrInterrupted = errors.New("interrupted")

// ErrSeenEnough is the end of a command that follows something until it is
// interrupted: nothing failed, and nothing is to be said.
var ErrSeenEnough = fmt.Errorf("%w: nothing more is shown", ErrInterrupted)

// Error is an error with what to do about it.
type Error struct {
	kind  error
	text  string
	cause error
	next  []string
}

// Usage is the failure of a command line that is wrong.
func Usage(format string, args ...any) *Error {
	return &Error{kind: ErrUsage, text: fmt.Sprintf(format, args...)}
}

// NotFound is the failure of a command whose object does not exist.
func NotFound(format string, args ...any) *Error {
	return &Error{kind: ErrNotFound, text: fmt.Sprintf(format, args...)}
}

// Failed is any other failure; cause may be nil.
func Failed(cause error, format string, args ...any) *Error {
	return &Error{text: fmt.Sprintf(format, args...), cause: cause}
}

// Hint adds a line that says what to do next, and returns the same error.
func (e *Error) Hint(format string, args ...any) *Error {
	e.next = append(e.next, fmt.Sprintf(format, args...))
	return e
}

// DidYouMean adds a line for each word that may have been meant, and returns the
// same error. format has the place of the word.
func (e *Error) DidYouMean(words []string, format string) *Error {
	for _, w := range words {
		e.next = append(e.next, "did you mean: "+fmt.Sprintf(format, w))
	}
	return e
}

// Hints are the lines that say what to do next.
func (e *Error) Hints() []string { return e.next }

func (e *Error) Error() string {
	if e.cause == nil {
		return e.text
	}
	return e.text + ": " + e.cause.Error()
}

// Unwrap returns the kind and the cause, as far as there are any.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.kind, e.cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// Words is an error without the SDK's account of its own attempts.
func Words(err error) string {
	what, _, fromSDK := strings.Cut(err.Error(), ": operation error")
	if !fromSDK {
		return err.Error()
	}
	var answer smithy.APIError
	var network *net.OpError
	switch {
	case errors.As(err, &answer):
		return fmt.Sprintf("%s: %s: %s", what, answer.ErrorCode(), answer.ErrorMessage())
	case errors.Is(err, context.DeadlineExceeded):
		return what + ": no answer in time"
	case errors.As(err, &network):
		return what + ": " + network.Error()
	}
	return err.Error()
}

// Denied tells whether AWS refused for lack of rights.
func Denied(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && strings.Contains(answer.ErrorCode(), "AccessDenied")
}
