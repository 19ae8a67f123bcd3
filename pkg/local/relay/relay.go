// Package relay is what the fronts before the embedded engine share: it listens on
// loopback, reads each call within a bound, passes calls on, and answers.
package relay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// maxCall bounds what is read of one call, in bytes: more than an object or a batch
// of items of this receiver has.
const maxCall = 64 << 20

// Relay stands before an engine. It is safe for concurrent use.
type Relay struct {
	URL string

	engine   string // its base URL
	client   *http.Client
	listener net.Listener
	server   *http.Server
}

// Answer is what a client gets.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Listen opens a relay before the engine of that base URL; Serve starts it.
func Listen(ctx context.Context, engine string) (*Relay, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen before the engine: %w", err)
	}
	return &Relay{
		URL: "http://" + listener.Addr().String(), engine: engine, listener: listener,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}, nil
}

// Also answers calls at a further address, host:port, which it returns. It is called
// after Serve and before Close.
func (l *Relay) Also(ctx context.Context, addr string) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("listen before the engine: %w", err)
	}
	go func() { _ = l.server.Serve(listener) }() // it ends with Close
	return listener.Addr().String(), nil
}

// Serve answers calls, each with its whole body, until Close.
func (l *Relay) Serve(answer func(r *http.Request, body []byte) Answer) {
	l.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
		if err != nil {
			Failed(http.StatusBadRequest, "the call cannot be read").write(w)
			return
		}
		answer(r, body).write(w)
	})}
	go func() { _ = l.server.Serve(l.listener) }() // it ends with Close
}

// Close finishes the calls in flight and stops listening.
func (l *Relay) Close() {
	_ = l.server.Shutdown(context.Background()) // without a deadline it only reports the listener's own error
	l.client.CloseIdleConnections()
}

// Pass makes a client's call of the engine.
func (l *Relay) Pass(ctx context.Context, r *http.Request, body []byte) (Answer, error) {
	return l.Do(ctx, r.Method, r.URL.RequestURI(), r.Header, body)
}

// Do makes a call of the engine. It returns an error where there is no whole answer.
func (l *Relay) Do(ctx context.Context, method, uri string, header http.Header, body []byte) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, l.engine+uri, bytes.NewReader(body)) //nolint:gosec // the engine of this process
	if err != nil {
		return Answer{}, err
	}
	request.Header = header.Clone()
	response, err := l.client.Do(request) //nolint:gosec // as above
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, err
	}
	return Answer{response.StatusCode, response.Header, content}, nil
}

// Failed is an answer that the clients of every service take for an error.
func Failed(status int, message string) Answer {
	return Answer{
		status, http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {"InternalServerError"}},
		fmt.Appendf(nil, `{"__type":"InternalServerError","message":%q}`, message),
	}
}

func (a Answer) write(w http.ResponseWriter) {
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client may be gone
}
