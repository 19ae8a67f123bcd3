// Package smartleadapi is a client of Smartlead's REST API, as far as this project needs
// it: what was sent in a campaign and what became of it, and which webhooks it has.
//
// The key stands in the query string of every request, because Smartlead takes it nowhere
// else. So no error, and nothing that is returned, holds a URL or the key; redirects are
// not followed, and plain HTTP is spoken to this machine alone.
//
// Smartlead's pages and its live answers differ in their shapes. Each answer is read
// tolerantly: numbers as text and text as numbers, wrapped in "data" or bare. What has
// none of the known shapes is an error, never an empty result.
package smartleadapi

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// DefaultURL is where Smartlead's API is.
const DefaultURL = "https://server.smartlead.ai/api/v1"

const (
	// callTimeout bounds one call, answer included. Pages of statistics are slow.
	callTimeout = 60 * time.Second
	// maxTries of one read. What may have changed something is tried once.
	maxTries = 5
	// firstWait before the second try; it doubles with each.
	firstWait = time.Second
	// longestWait before another try. Who is asked to wait longer is told instead.
	longestWait = 2 * time.Minute
	// maxBody bounds what is read of an answer, in bytes: a row of statistics is about
	// 10 KB, and the smallest page that is asked for has ten.
	maxBody = 16 << 20
)

// Options are what a Client is built from. Key is required.
type Options struct {
	Key      string
	URL      string            // "": DefaultURL
	Plan     Plan              // zero: Standard
	MaxCalls int               // requests that are made at most, retries included; 0: no bound
	Share    float64           // part of what may be used of the plan; 0: all of it
	MaxWait  time.Duration     // longest wait for the rate limit, and before another try; 0: as long as it takes, and two minutes
	HTTP     http.RoundTripper // nil: http.DefaultTransport
	Now      func() time.Time
	Sleep    func(ctx context.Context, d time.Duration) // returns early when ctx ends
}

// Client is safe for concurrent use; all calls share one rate limit.
type Client struct {
	key      string
	base     string
	http     *http.Client
	limit    *limiter
	now      func() time.Time
	sleep    func(ctx context.Context, d time.Duration)
	maxCalls int
	maxWait  time.Duration
	calls    atomic.Int64
}

// New returns a client. Its error says what is wrong with the options, without the key.
func New(o Options) (*Client, error) {
	if strings.TrimSpace(o.Key) == "" {
		return nil, errors.New("an API key of Smartlead is needed")
	}
	if o.URL == "" {
		o.URL = DefaultURL
	}
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())) {
		return nil, errors.New("the address of the API must be https://…, or http:// on this machine, and hold neither a user nor a query")
	}
	if o.Plan == (Plan{}) {
		o.Plan = Standard
	}
	transport := o.HTTP
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &Client{
		key: strings.TrimSpace(o.Key), base: strings.TrimSuffix(o.URL, "/"), now: o.Now, sleep: o.Sleep, maxCalls: o.MaxCalls,
		limit: newLimiter(o), maxWait: o.MaxWait,
		http: &http.Client{
			Transport: transport, Timeout: callTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Calls is how many requests were made so far, retries included.
func (c *Client) Calls() int { return int(c.calls.Load()) }

// request is one thing that is asked.
type request struct {
	what   string // for errors
	method string
	path   string
	query  url.Values
	body   []byte // nil: none
	secret string // beside the key, it stands in no error
}

func get(what, path string, query url.Values) request {
	return request{what: what, method: http.MethodGet, path: path, query: query}
}

// do asks, and hands the JSON of the answer to read. A read is tried again while
// Smartlead does not answer, fails, answers no JSON, or asks to wait a little; a write is
// tried once, because nobody knows whether it was done. It returns *Error, or the end of
// the context.
func (c *Client) do(ctx context.Context, r request, read func(body []byte) error) error {
	for try := 1; ; try++ {
		body, err := c.once(ctx, r)
		if err == nil {
			if err = read(body); err != nil {
				return &Error{Kind: ErrAnswer, What: r.what, Status: http.StatusOK, Err: err}
			}
			return nil
		}
		wait, again := c.again(r, err, try)
		if !again || ctx.Err() != nil {
			return err
		}
		c.sleep(ctx, wait)
		if ctx.Err() != nil {
			return err
		}
	}
}

// again tells whether, and when, the same is asked once more.
func (c *Client) again(r request, err error, try int) (time.Duration, bool) {
	failed, ok := errors.AsType[*Error](err)
	if !ok || r.method != http.MethodGet || try >= maxTries {
		return 0, false
	}
	if !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrRateLimited) {
		return 0, false
	}
	if failed.RetryAfter > longestWait || c.maxWait > 0 && failed.RetryAfter > c.maxWait {
		return 0, false
	}
	wait := firstWait << (try - 1)
	wait += time.Duration(rand.Int64N(int64(wait))) //nolint:gosec // it spreads clients, and hides nothing
	return max(wait, failed.RetryAfter), true
}

// once makes one request and returns the JSON of its answer.
func (c *Client) once(ctx context.Context, r request) ([]byte, error) {
	tooLong, err := c.limit.wait(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", r.what, err)
	case tooLong > 0:
		return nil, &Error{Kind: ErrRateLimited, What: r.what, RetryAfter: tooLong}
	}
	if n := c.calls.Add(1); c.maxCalls > 0 && n > int64(c.maxCalls) {
		c.calls.Add(-1)
		return nil, &Error{Kind: ErrSpent, What: r.what}
	}
	req, err := c.build(ctx, r)
	if err != nil {
		return nil, &Error{Kind: ErrRefused, What: r.what} // the cause may quote the URL
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unanswered(ctx, r, err)
	}
	defer resp.Body.Close()
	c.limit.learn(resp.Header)
	body, err := readBody(resp)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, &Error{Kind: ErrAnswer, What: r.what, Status: resp.StatusCode, Err: err}
	case err != nil:
		return nil, c.unanswered(ctx, r, err)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, c.failed(r, resp, body)
	}
	if err := isJSON(resp.Header.Get("Content-Type"), body); err != nil {
		return nil, &Error{Kind: ErrUnavailable, What: r.what, Status: resp.StatusCode, Err: err}
	}
	return body, nil
}

func (c *Client) build(ctx context.Context, r request) (*http.Request, error) {
	query := url.Values{"api_key": {c.key}}
	for name, values := range r.query {
		query[name] = values
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path+"?"+query.Encode(), reader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// unanswered is the failure of a call without an answer.
func (c *Client) unanswered(ctx context.Context, r request, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", r.what, ctx.Err())
	}
	if withURL, ok := errors.AsType[*url.Error](err); ok {
		err = withURL.Err
	}
	return &Error{Kind: ErrUnavailable, What: r.what, Message: c.harmless(hidden(err.Error(), r.secret))}
}

// failed is the failure that an answer reports. Where Smartlead asks to wait, no other
// call of this client begins before.
func (c *Client) failed(r request, resp *http.Response, body []byte) error {
	message, seconds := messageOf(body)
	e := &Error{
		Kind: kindOf(resp.StatusCode), What: r.what, Status: resp.StatusCode, Message: c.harmless(hidden(message, r.secret)),
		RetryAfter: max(retryAfter(resp.Header.Get("Retry-After"), c.now()), seconds),
	}
	if errors.Is(e, ErrRateLimited) {
		c.limit.pause(e.RetryAfter)
	}
	return e
}

// hidden takes a webhook URL out of a text, and what is behind its last slash, where a
// token is.
func hidden(text, secret string) string {
	if secret == "" {
		return text
	}
	text = strings.ReplaceAll(text, secret, "[URL]")
	if token := secret[strings.LastIndexAny(secret, "/=")+1:]; len(token) >= 8 {
		text = strings.ReplaceAll(text, token, "[token]")
	}
	return text
}

// harmless is a text from outside in one short line, without the key.
func (c *Client) harmless(text string) string {
	for _, key := range []string{c.key, url.QueryEscape(c.key)} {
		text = strings.ReplaceAll(text, key, "[API key]")
	}
	return oneLine(text)
}

// campaignPath is the path of what a campaign has.
func campaignPath(campaign, rest string) string {
	return "/campaigns/" + url.PathEscape(campaign) + rest
}
