package destination

import (
	"context"
	"errors"
	"net/http"
	"time"

	"smartlead-receiver/pkg/exchange"
	"smartlead-receiver/pkg/webhook"
)

// ClassBadAnswer is the error class of an answer that is none of the service's.
const ClassBadAnswer = "bad_answer"

// BadAnswer is the outcome of an answer that cannot be read. Whoever stands between may
// have written it, and the event may have arrived.
func BadAnswer(host string, status int) webhook.Outcome {
	return webhook.Outcome{
		Result: webhook.ResultRetry, Status: status, ErrorClass: ClassBadAnswer,
		Error: host + " answered what cannot be read as an answer of this service; the event may have arrived",
	}
}

// TooLarge is the outcome of an event that a service cannot take.
func TooLarge() webhook.Outcome {
	return webhook.Outcome{
		Result: webhook.ResultPermanent, ErrorClass: "too_large",
		Error: "the event is larger than the destination takes, also without its original and its HTML",
	}
}

// Client calls an API over HTTP. It follows no redirect. It is safe for concurrent use.
type Client struct {
	http    http.Client
	timeout time.Duration
}

// NewClient returns a client for public addresses, each of whose calls ends within
// timeout, its answer included.
func NewClient(deps Deps, timeout time.Duration) *Client {
	return &Client{timeout: timeout, http: http.Client{
		Transport:     deps.To(Public),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Do makes one attempt at a request and reads its whole answer.
func (c *Client) Do(ctx context.Context, request *http.Request) Answer {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	response, err := c.http.Do(request.WithContext(ctx)) //nolint:gosec,bodyclose // exchange.Read closes it; the operator names the address, and the transport refuses those that are not public
	if err != nil {
		return Answer{Err: err}
	}
	return exchange.Read(response)
}

// AWS calls a service of AWS (exchange.AWS).
type AWS = exchange.AWS

// AWSCall is a request to a service of AWS (exchange.AWSCall).
type AWSCall = exchange.AWSCall

type noAWS struct{}

func (noAWS) Call(context.Context, AWSCall) Answer {
	return Answer{Err: errors.New("there is no access to AWS here")}
}
