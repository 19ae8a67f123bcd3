// Package exchange has one request to another service and its answer, in the form that
// who makes the request and who judges the answer share. It is apart from both, so that
// a function which only calls AWS links no destination.
package exchange

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// maxAnswer is more than any service answers with whose answer is read, in bytes.
const maxAnswer = 1 << 20

// ErrEndless is the error of a body that is larger than any of the service.
var ErrEndless = errors.New("the answer is larger than any of this service")

// Answer is what came back from one HTTP attempt: a status, or an error.
type Answer struct {
	Status     int
	RetryAfter []string // header lines, as sent
	Excerpt    string   // of the body, safe to show
	Body       []byte   // as far as it was read
	Err        error    // no answer at all, or none that ends in time and within its bound
}

// Read reads a response whose body decides on the outcome, and closes it. A body that
// does not end, or is larger than 1 MiB, is an error.
func Read(response *http.Response) Answer {
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = ErrEndless
	}
	return Answer{Status: response.StatusCode, RetryAfter: response.Header.Values("Retry-After"), Body: body, Err: err}
}

// AWS calls a service of AWS with the rights of whoever runs it: one signed request, no
// repetition, no redirect. It is safe for concurrent use.
type AWS interface {
	Call(ctx context.Context, c AWSCall) Answer
}

// AWSCall is a request, as the service's protocol has it.
type AWSCall struct {
	Service     string // the name in the service's address and in a signature, such as "events"
	Region      string
	Target      string // header X-Amz-Target; empty for none
	ContentType string
	Body        []byte
}
