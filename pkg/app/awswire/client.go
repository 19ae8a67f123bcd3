// Package awswire calls the AWS operations that the functions use. It is made of the
// SDK's own parts: its types, its encoding of them, its signature, its retries. What it
// leaves out is the stack of some 25 middlewares that the SDK's clients put together
// anew for each call, and the clients themselves, which are linked whole. What it shall
// do is what they do: differential tests hold it to that.
package awswire

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyrand "github.com/aws/smithy-go/rand"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Config is what every client needs.
type Config struct {
	Region      string
	Credentials aws.CredentialsProvider
	HTTP        interface {
		Do(*http.Request) (*http.Response, error)
	}
	// Retryer returns the policy of one client: each has its own token bucket.
	Retryer func() aws.Retryer
	// TraceID returns the trace of the running invocation, by which AWS finds loops; ""
	// for none. Nil means none.
	TraceID func() string
}

// client calls one service at one endpoint. It is safe for concurrent use.
type client struct {
	Config
	service  string // the SDK's id of the service, for errors
	endpoint *url.URL
	attempts *retry.Attempt
	signer   *signer
	skew     *atomic.Int64 // how far AWS's clock is ahead of ours, as the last call showed
	most     int64         // bytes of a response
}

func (cfg Config) client(service, signing string, endpoint url.URL, most int64) *client {
	if cfg.TraceID == nil {
		cfg.TraceID = func() string { return "" }
	}
	if endpoint.Path == "" {
		endpoint.Path = "/"
	}
	c := &client{
		Config: cfg, service: service, endpoint: &endpoint,
		signer: &signer{service: signing, region: cfg.Region, escaped: signing == "s3"}, skew: new(atomic.Int64), most: most,
	}
	c.attempts = retry.NewAttemptMiddleware(cfg.Retryer(), another, func(a *retry.Attempt) { a.ClientSkew = c.skew })
	return c
}

// another is what an attempt begins with: the policy adds a header to it.
func another(any) any {
	return &smithyhttp.Request{Request: &http.Request{Header: http.Header{}}}
}

// message is an encoded request: the same in each attempt but for its signature.
type message struct {
	method string
	at     *url.URL
	header http.Header
	body   []byte
	hash   string // of the body, as it is signed
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// agent tells AWS who calls.
var agent = []string{strings.Join([]string{
	"smartlead-receiver", "aws-sdk-go-v2/" + aws.SDKVersion, "os/" + runtime.GOOS, "lang/go#" + strings.TrimPrefix(runtime.Version(), "go"),
}, " ")}

// reader reads a response within an attempt. What it returns decides on another one.
type reader func(*smithyhttp.Response) error

// call sends a message, as often as the policy wants, until read has taken a response.
// The errors are those of the SDK's clients.
func (c *client) call(ctx context.Context, operation string, m message, read reader) error {
	ctx = middleware.ClearStackValues(ctx)
	ctx = awsmiddleware.SetServiceID(ctx, c.service)
	m.header["User-Agent"] = agent
	if id, err := smithyrand.NewUUID(rand.Reader).GetUUID(); err == nil { // it never fails (crypto/rand)
		m.header["Amz-Sdk-Invocation-Id"] = []string{id}
	}
	if trace := c.TraceID(); trace != "" {
		m.header["X-Amzn-Trace-Id"] = []string{escapeTrace(trace)}
	}
	skew := time.Duration(c.skew.Load())
	_, _, err := c.attempts.HandleFinalize(ctx, middleware.FinalizeInput{}, finalize(func(ctx context.Context, in middleware.FinalizeInput) (middleware.Metadata, error) {
		req, err := c.request(ctx, m, in.Request.(*smithyhttp.Request).Header, skew)
		if err != nil {
			return middleware.Metadata{}, err
		}
		metadata, err := c.exchange(ctx, req, read)
		if seen, ok := awsmiddleware.GetAttemptSkew(metadata); ok {
			skew = seen
		} else {
			skew = 0
		}
		return metadata, err
	}))
	if err != nil {
		return &smithy.OperationError{ServiceID: c.service, OperationName: operation, Err: err}
	}
	return nil
}

// finalize is one attempt.
type finalize func(context.Context, middleware.FinalizeInput) (middleware.Metadata, error)

// HandleFinalize makes the attempt.
func (f finalize) HandleFinalize(ctx context.Context, in middleware.FinalizeInput) (middleware.FinalizeOutput, middleware.Metadata, error) {
	metadata, err := f(ctx, in)
	return middleware.FinalizeOutput{}, metadata, err
}

// request returns the signed request of one attempt.
func (c *client) request(ctx context.Context, m message, more http.Header, skew time.Duration) (*http.Request, error) {
	at := *m.at
	header := make(http.Header, len(m.header)+len(more)+4)
	for _, h := range []http.Header{m.header, more} {
		for name, values := range h {
			header[name] = values
		}
	}
	req := (&http.Request{
		Method: m.method, URL: &at, Host: at.Host, Header: header, ContentLength: int64(len(m.body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if len(m.body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(m.body))
	}
	credentials, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("get identity: get credentials: %w", err)
	}
	c.signer.sign(req, credentials, m.hash, time.Now().Add(skew))
	return req, nil
}

// exchange sends one request and reads its response.
func (c *client) exchange(ctx context.Context, req *http.Request, read reader) (middleware.Metadata, error) {
	out, metadata, err := awsmiddleware.RecordResponseTiming{}.HandleDeserialize(ctx, middleware.DeserializeInput{}, send(func() (*smithyhttp.Response, error) {
		return c.send(ctx, req)
	}))
	resp := out.RawResponse.(*smithyhttp.Response)
	resp.Body = &bounded{ReadCloser: resp.Body, left: c.most}
	defer func() { smithyhttp.CloseResponseBody(ctx, resp, false, err) }()
	if err == nil {
		err = read(resp)
	}
	if err == nil {
		return metadata, nil
	}
	return metadata, &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: resp, Err: err},
		RequestID:     cmp.Or(resp.Header.Get("X-Amzn-Requestid"), resp.Header.Get(s3RequestID)),
	}
}

// send is the transport below what looks at a response's time.
type send func() (*smithyhttp.Response, error)

// HandleDeserialize sends the request.
func (s send) HandleDeserialize(context.Context, middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
	resp, err := s()
	return middleware.DeserializeOutput{RawResponse: resp}, middleware.Metadata{}, err
}

// send always returns a response, an empty one where there was none.
func (c *client) send(ctx context.Context, req *http.Request) (*smithyhttp.Response, error) {
	resp, err := c.HTTP.Do(req) //nolint:bodyclose // exchange closes it
	if resp == nil {
		resp = &http.Response{Header: http.Header{}, Body: http.NoBody}
	}
	if err != nil {
		err = &smithyhttp.RequestSendError{Err: err}
		if ctx.Err() != nil {
			err = &smithy.CanceledError{Err: ctx.Err()}
		}
	}
	return &smithyhttp.Response{Response: resp}, err
}

// bounded is a body that ends with an error behind so many bytes.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.ReadCloser.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, errTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

var errTooLarge = fmt.Errorf("the response is larger than any of this operation")

// escapeTrace writes a trace as a header takes it.
func escapeTrace(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(`-=;:+&[]{}"',`, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
