// Package desthttp posts each event to a URL, signed after Standard Webhooks
// (https://www.standardwebhooks.com), and decides what the answer means.
package desthttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/jq"
	"smartlead-receiver/pkg/webhook"
)

// Headers of a delivery. The first three are those of Standard Webhooks.
const (
	HeaderID             = "webhook-id" // the idempotency key
	HeaderTimestamp      = "webhook-timestamp"
	HeaderSignature      = "webhook-signature"
	HeaderAttempt        = "webhook-attempt" // from 1
	HeaderIdempotencyKey = "idempotency-key" // the same as webhook-id
	userAgent            = "smartlead-receiver/1"
)

const (
	maxAnswer   = 4 << 10 // bytes of an answer that are read
	maxExcerpt  = 120     // bytes of an answer that are shown
	answerGrace = time.Second
)

// poster posts the normalized event to one URL.
type poster struct {
	url     string
	host    string
	headers map[string]string
	keys    [][]byte
	secrets []string // whatever an answer must not show back
	timeout time.Duration
	shape   *shape // nil: the event as it is
	client  *http.Client
	now     func() time.Time
}

// Post posts a JSON document that is no event, as Deliver does one: signed under the id,
// to the same addresses, within the same bounds. It returns an error for a URL or a
// secret that cannot be used.
func (c Config) Post(ctx context.Context, deps destination.Deps, id string, body []byte) (webhook.Outcome, error) {
	p, err := c.poster(deps)
	if err != nil {
		return webhook.Outcome{}, err
	}
	return p.post(ctx, id, 1, body), nil
}

// Open returns a destination that posts through the transport of deps
// for its reach.
func (c Config) Open(_ string, deps destination.Deps) (webhook.Destination, error) {
	p, err := c.poster(deps)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (c Config) poster(deps destination.Deps) (*poster, error) {
	u, err := parseURL(c.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: the URL %w", destination.ErrConfig, err)
	}
	p := &poster{
		url: c.URL, host: u.Host, headers: c.Headers,
		secrets: secretsOf(u, c),
		timeout: time.Duration(c.Timeout),
		client: &http.Client{
			Transport:     deps.To(c.reach()),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		now: deps.Now,
	}
	if p.timeout == 0 {
		p.timeout = DefaultTimeout
	}
	if p.shape, err = c.shape(); err != nil {
		return nil, err
	}
	for _, secret := range c.Secrets {
		key, err := signingKey(secret)
		if err != nil {
			return nil, fmt.Errorf("%w: a secret %w", destination.ErrConfig, err)
		}
		p.keys = append(p.keys, key)
	}
	return p, nil
}

// secretsOf lists what may be a credential: everything in the URL but the host,
// the values of headers, the signing secrets.
func secretsOf(u *url.URL, cfg Config) []string {
	secrets := append([]string{u.EscapedPath(), u.Path, u.RawQuery}, cfg.Secrets...)
	for _, values := range u.Query() {
		secrets = append(secrets, values...)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		secrets = append(secrets, password, u.User.Username())
	}
	for _, value := range cfg.Headers {
		secrets = append(secrets, value)
	}
	kept := secrets[:0]
	for _, s := range secrets {
		if len(s) > 2 { // "/" and the like are in every answer
			kept = append(kept, s)
		}
	}
	return kept
}

func (p *poster) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	body, err := destination.Encode(d.Event)
	if err != nil {
		return webhook.Outcome{
			Result: webhook.ResultPermanent, ErrorClass: "encode",
			Error: "the stored event cannot be written as JSON",
		}
	}
	request := shaped{url: p.url, body: body}
	if p.shape != nil {
		request, err = p.shape.make(ctx, d, p.url, body)
		switch {
		case errors.Is(err, jq.ErrTime):
			return webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "program_slow", Error: "a program of the destination: " + err.Error()}
		case err != nil:
			return webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: "program_failed", Error: "a program of the destination: " + err.Error()}
		}
	}
	return p.attempt(ctx, d.IdempotencyKey, d.Event.Attempt, request)
}

// post makes one attempt with a body as it is.
func (p *poster) post(ctx context.Context, id string, attempt int, body []byte) webhook.Outcome {
	return p.attempt(ctx, id, attempt, shaped{url: p.url, body: body})
}

// attempt makes one attempt.
func (p *poster) attempt(ctx context.Context, id string, attempt int, s shaped) webhook.Outcome {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(s.body))
	if err != nil {
		return destination.Decide(destination.Answer{Err: err}, p.host, p.now())
	}
	for name, value := range s.headers {
		request.Header.Set(name, value)
	}
	p.setHeaders(request.Header, id, attempt, s.body)
	return destination.Decide(p.send(request, cancel), p.host, p.now())
}

// setHeaders also sets Idempotency-Key: many APIs know it, and net/http
// repeats a POST on a connection that turned out to be dead only with it.
func (p *poster) setHeaders(header http.Header, id string, attempt int, body []byte) {
	for name, value := range p.headers {
		header.Set(name, value)
	}
	at := p.now()
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", userAgent)
	header.Set(HeaderID, id)
	header.Set(HeaderIdempotencyKey, id)
	header.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	header.Set(HeaderAttempt, strconv.Itoa(attempt))
	if len(p.keys) > 0 {
		header.Set(HeaderSignature, signatures(p.keys, id, at, body))
	}
}

// send reads little of the answer and not for long: the status alone decides,
// and an endpoint that streams on must not turn a delivery into a timeout.
func (p *poster) send(request *http.Request, cancel func()) destination.Answer {
	response, err := p.client.Do(request)
	if err != nil {
		return destination.Answer{Err: err}
	}
	defer response.Body.Close()
	stop := time.AfterFunc(answerGrace, cancel)
	defer stop.Stop()
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return destination.Answer{
		Status:     response.StatusCode,
		RetryAfter: response.Header.Values("Retry-After"),
		Excerpt:    p.excerpt(text),
	}
}

// excerpt is what an operator sees of an answer. An answer that shows a
// credential, or our own event, back is not shown at all.
func (p *poster) excerpt(text []byte) string {
	s := string(text)
	if strings.Contains(s, webhook.Schema) || destination.Leaks(s, p.secrets) {
		return ""
	}
	return destination.Clean(s, maxExcerpt)
}
