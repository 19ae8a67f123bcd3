package awswire

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"smartlead-receiver/pkg/exchange"
)

// Caller calls what destinations ask for, of any service in any region: one signed
// attempt each, because the ledger counts the attempts of a exchange. It is safe for
// concurrent use.
type Caller struct {
	cfg Config
	at  func(service, region string) (url.URL, error)

	mu      sync.Mutex
	signers map[scope]*signer
}

type scope struct{ service, region string }

// NewCaller returns a caller of the services that at says where they are. The region and
// the retries of cfg are not used. It makes no call.
func NewCaller(cfg Config, at func(service, region string) (url.URL, error)) *Caller {
	return &Caller{cfg: cfg, at: at, signers: map[scope]*signer{}}
}

func (c *Caller) signer(of scope) *signer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.signers[of] == nil {
		c.signers[of] = &signer{service: of.service, region: of.region}
	}
	return c.signers[of]
}

// Call makes the call. A redirect is an answer like another: the request has no way to
// read its body again (net/http, Request.GetBody).
func (c *Caller) Call(ctx context.Context, call exchange.AWSCall) exchange.Answer {
	endpoint, err := c.at(call.Service, call.Region)
	if err != nil {
		return exchange.Answer{Err: err}
	}
	if endpoint.Path == "" {
		endpoint.Path = "/"
	}
	header := http.Header{"Content-Type": {call.ContentType}, "User-Agent": agent}
	if call.Target != "" {
		header["X-Amz-Target"] = []string{call.Target}
	}
	if c.cfg.TraceID != nil {
		if trace := c.cfg.TraceID(); trace != "" {
			header["X-Amzn-Trace-Id"] = []string{escapeTrace(trace)}
		}
	}
	one := &client{Config: c.cfg, signer: c.signer(scope{call.Service, call.Region})}
	req, err := one.request(ctx, message{
		method: http.MethodPost, at: &endpoint, header: header, body: call.Body, hash: hashOf(call.Body),
	}, nil, time.Duration(0))
	if err != nil {
		return exchange.Answer{Err: fmt.Errorf("no call to %s could be made: %w", call.Service, err)}
	}
	response, err := c.cfg.HTTP.Do(req) //nolint:bodyclose // Read closes it
	if err != nil {
		return exchange.Answer{Err: err}
	}
	return exchange.Read(response)
}
