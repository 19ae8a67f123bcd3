package destination

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

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

// NewTransport returns the transport to share between destinations. Idle
// connections are dropped early, because a frozen Lambda does not see that the
// other side closed them.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    20,
		IdleConnTimeout:        20 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
}

// httpDestination posts the normalized event to one URL.
type httpDestination struct {
	url     string
	host    string
	headers map[string]string
	keys    [][]byte
	secrets []string // whatever an answer must not show back
	timeout time.Duration
	client  *http.Client
	now     func() time.Time
}

func newHTTP(_ string, cfg Config, deps Deps) (Destination, error) {
	u, err := parseURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: url %w", ErrConfig, err)
	}
	h := &httpDestination{
		url: cfg.URL, host: u.Host, headers: cfg.Headers,
		secrets: secretsOf(u, cfg),
		timeout: time.Duration(cfg.Timeout),
		client: &http.Client{
			Transport:     deps.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		now: deps.Now,
	}
	if h.timeout == 0 {
		h.timeout = DefaultTimeout
	}
	for _, secret := range cfg.Secrets {
		key, err := signingKey(secret)
		if err != nil {
			return nil, fmt.Errorf("%w: a secret %w", ErrConfig, err)
		}
		h.keys = append(h.keys, key)
	}
	return h, nil
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

func (h *httpDestination) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	body, err := encode(d)
	if err != nil {
		return webhook.Outcome{
			Result: webhook.ResultPermanent, ErrorClass: "encode",
			Error: "the stored event cannot be written as JSON",
		}
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return decide(answer{err: err}, h.host, h.now())
	}
	h.setHeaders(request.Header, d, body)
	return decide(h.send(request, cancel), h.host, h.now())
}

// encode writes the event as a destination receives it. HTML is not escaped:
// bodies of mails are full of it.
func encode(d webhook.Delivery) ([]byte, error) {
	e := d.Event
	if e.Schema == "" {
		e.Schema = webhook.Schema
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// setHeaders also sets Idempotency-Key: many APIs know it, and net/http
// repeats a POST on a connection that turned out to be dead only with it.
func (h *httpDestination) setHeaders(header http.Header, d webhook.Delivery, body []byte) {
	for name, value := range h.headers {
		header.Set(name, value)
	}
	at := h.now()
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", userAgent)
	header.Set(HeaderID, d.IdempotencyKey)
	header.Set(HeaderIdempotencyKey, d.IdempotencyKey)
	header.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	header.Set(HeaderAttempt, strconv.Itoa(d.Event.Attempt))
	if len(h.keys) > 0 {
		header.Set(HeaderSignature, signatures(h.keys, d.IdempotencyKey, at, body))
	}
}

// send reads little of the answer and not for long: the status alone decides,
// and an endpoint that streams on must not turn a delivery into a timeout.
func (h *httpDestination) send(request *http.Request, cancel func()) answer {
	response, err := h.client.Do(request)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	stop := time.AfterFunc(answerGrace, cancel)
	defer stop.Stop()
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return answer{
		status:     response.StatusCode,
		retryAfter: response.Header.Get("Retry-After"),
		excerpt:    h.excerpt(text),
	}
}

// excerpt is what an operator sees of an answer. An answer that shows a
// credential, or our own event, back is not shown at all.
func (h *httpDestination) excerpt(text []byte) string {
	s := string(text)
	if strings.Contains(s, webhook.Schema) || leaks(s, h.secrets) {
		return ""
	}
	return cleanTo(s, maxExcerpt)
}

// isOurs tells whether a delivery sets the header itself.
func isOurs(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "content-type", "content-length", "transfer-encoding", "connection", "host", "user-agent", HeaderIdempotencyKey:
		return true
	}
	return strings.HasPrefix(name, "webhook-")
}

// isToken tells whether name is a header's name (RFC 9110, 5.6.2).
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}
