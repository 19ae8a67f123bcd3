package smartleadapi

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// The kinds of failure that a caller tells apart. Every error of a Client is one of
// them, wrapped, or the end of the caller's context.
var (
	// ErrKey: Smartlead does not know the key, or the key may not do this.
	ErrKey = errors.New("Smartlead refuses the API key") //nolint:staticcheck // a name begins it
	// ErrNotFound: there is no such campaign or lead, or Smartlead has no such path.
	ErrNotFound = errors.New("Smartlead knows no such thing") //nolint:staticcheck // a name begins it
	// ErrRateLimited: more calls were made with the key than the plan allows.
	ErrRateLimited = errors.New("the rate limit of the API key is reached")
	// ErrRefused: the request is wrong in the eyes of Smartlead.
	ErrRefused = errors.New("Smartlead refuses the request") //nolint:staticcheck // a name begins it
	// ErrUnavailable: Smartlead did not answer, or failed. A read may succeed later.
	ErrUnavailable = errors.New("Smartlead does not answer") //nolint:staticcheck // a name begins it
	// ErrAnswer: the answer is none that is understood: no JSON, another shape, too large.
	ErrAnswer = errors.New("the answer of Smartlead cannot be read")
	// ErrSpent: the calls that the client may make are used up.
	ErrSpent = errors.New("the number of calls that were allowed is used up")
)

// Error is one answer that is a failure. It never holds the key, nor a URL.
type Error struct {
	Kind    error  // one of the sentinels
	What    string // what was asked, such as "statistics of campaign 7"
	Status  int    // HTTP; 0: no answer
	Message string // what Smartlead said, in one harmless line; may be empty
	// RetryAfter is how long Smartlead asks to wait; 0: it does not say.
	RetryAfter time.Duration
	Err        error // the cause on this side; may be nil
}

func (e *Error) Error() string {
	text := e.What + ": " + e.Kind.Error()
	if e.Status != 0 && e.Status != http.StatusOK {
		text += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.RetryAfter > 0 {
		text += fmt.Sprintf("; it asks to wait %s", e.RetryAfter)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// kindOf is the kind of an HTTP status that is no success.
func kindOf(status int) error {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ErrKey
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case status >= 500, status == http.StatusRequestTimeout:
		return ErrUnavailable
	}
	return ErrRefused
}
