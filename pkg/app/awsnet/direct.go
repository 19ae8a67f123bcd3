package awsnet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// maxDirect is up to how many bytes of a body a request is sent directly: with its
	// head it is one write, which no host can hold up by answering before it has read it.
	maxDirect = 12 << 10
	// maxHead bounds the head of a response, in bytes.
	maxHead = 1 << 20
	// idleFor is how long a connection is kept that nobody uses, as by the SDK.
	idleFor = 90 * time.Second
	// maxInformed is how many answers with a status of 1xx may come before the one that
	// counts.
	maxInformed = 5
)

// direct sends requests over connections that the goroutine of the caller writes and
// reads itself. A transport of net/http has two goroutines for each connection, to which
// it hands every call over and back. It is safe for concurrent use.
type direct struct {
	dialer *Dialer

	mu   sync.Mutex
	idle map[string][]*conn // by scheme and host, the latest used last
}

// conn is a connection that one call uses at a time.
type conn struct {
	net.Conn
	at     string // scheme and host
	out    []byte
	reader *bufio.Reader
	left   int64 // bytes that may still be read
	raw    syscall.RawConn
	since  time.Time // it is idle
}

// Read reads what may still be read.
func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHead
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

var (
	errHead     = fmt.Errorf("the head of the response is larger than %d bytes", maxHead)
	errInformed = errors.New("the host only informs")
	errHeader   = errors.New("a header has a control character")
)

// takes tells whether a request can be sent directly.
func (d *direct) takes(r *http.Request) bool {
	return d != nil && r.Method == http.MethodPost && r.ContentLength > 0 && r.ContentLength <= maxDirect
}

// do sends a request. Its errors are those of an http.Client.
func (d *direct) do(r *http.Request) (*http.Response, error) {
	resp, err := d.roundTrip(r)
	if err != nil {
		return nil, &url.Error{Op: "Post", URL: r.URL.Redacted(), Err: err}
	}
	return resp, nil
}

func (d *direct) roundTrip(r *http.Request) (*http.Response, error) {
	defer func() { _ = r.Body.Close() }() // it has no error that says anything
	ctx := r.Context()
	c, err := d.take(ctx, r.URL)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	resp, err := c.exchange(r)
	if err != nil {
		stop()
		_ = c.Close() // err tells more
		return nil, ended(ctx, err)
	}
	resp.Body = &body{ReadCloser: resp.Body, conn: c, of: d, ctx: ctx, stop: stop, keep: !resp.Close}
	return resp, nil
}

// ended is the error of a call: that of its context, where that has ended.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// exchange writes a request and reads the head of its response.
func (c *conn) exchange(r *http.Request) (*http.Response, error) {
	if err := c.write(r); err != nil {
		return nil, err
	}
	c.left = maxHead
	for range maxInformed {
		resp, err := http.ReadResponse(c.reader, r)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= http.StatusOK {
			c.left = math.MaxInt64
			return resp, nil
		}
	}
	return nil, errInformed
}

// write sends head and body in one piece.
func (c *conn) write(r *http.Request) error {
	out := append(c.out[:0], "POST "+r.URL.RequestURI()+" HTTP/1.1\r\nHost: "+r.URL.Host+"\r\nContent-Length: "...)
	out = append(strconv.AppendInt(out, r.ContentLength, 10), "\r\n"...)
	for name, values := range r.Header {
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00") {
				return errHeader
			}
			out = append(append(append(append(out, name...), ": "...), v...), "\r\n"...)
		}
	}
	out = append(out, "\r\n"...)
	head := len(out)
	out = slices.Grow(out, int(r.ContentLength))[:head+int(r.ContentLength)]
	if _, err := io.ReadFull(r.Body, out[head:]); err != nil {
		return fmt.Errorf("the body of the request: %w", err)
	}
	c.out = out
	_, err := c.Write(out)
	return err
}

// body is that of a response. Its end gives the connection back.
type body struct {
	io.ReadCloser
	conn *conn
	of   *direct
	ctx  context.Context //nolint:containedctx // of the call that the body is an answer to
	stop func() bool
	keep bool
	done bool
}

// Read reads the body.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF: //nolint:errorlint // of the body itself, as io.Reader has it
		b.end(true)
	case err != nil:
		err = ended(b.ctx, err)
		b.end(false)
	}
	return n, err
}

// Close ends the body. A connection whose response was not read to its end is closed.
func (b *body) Close() error {
	b.end(false)
	return nil
}

func (b *body) end(read bool) {
	if b.done {
		return
	}
	b.done = true
	if b.stop() && read && b.keep && b.conn.reader.Buffered() == 0 {
		b.of.give(b.conn)
		return
	}
	_ = b.conn.Close() // nobody uses it again
}

// take returns a connection to a host: one that is idle, or a new one.
func (d *direct) take(ctx context.Context, host *url.URL) (*conn, error) {
	at := host.Scheme + "://" + host.Host
	for {
		c := d.latest(at)
		if c == nil {
			return d.open(ctx, host, at)
		}
		if age := d.dialer.wall().Sub(c.since); age >= 0 && age < idleFor && c.silent() {
			return c, nil
		}
		_ = c.Close() // nobody uses it again
	}
}

func (d *direct) latest(at string) *conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.idle[at]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	d.idle[at] = slices.Delete(list, len(list)-1, len(list))
	return c
}

func (d *direct) open(ctx context.Context, host *url.URL, at string) (*conn, error) {
	dial, port := d.dialer.net.DialContext, "80"
	if host.Scheme == "https" {
		dial, port = d.dialer.dial, "443"
	}
	if p := host.Port(); p != "" {
		port = p
	}
	opened, err := dial(ctx, "tcp", net.JoinHostPort(host.Hostname(), port))
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: opened, at: at}
	c.reader = bufio.NewReader(c)
	below := opened
	if secure, ok := opened.(interface{ NetConn() net.Conn }); ok {
		below = secure.NetConn()
	}
	if socket, ok := below.(syscall.Conn); ok {
		if c.raw, err = socket.SyscallConn(); err != nil {
			_ = opened.Close() // err tells more
			return nil, err
		}
	}
	return c, nil
}

// silent tells whether a host has neither closed an idle connection nor said anything.
func (c *conn) silent() bool {
	if c.raw == nil {
		return false
	}
	quiet := false
	err := c.raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && quiet
}

// give keeps a connection for the next call. Those that nobody used for long go, and the
// one that was not used for longest where there are too many.
func (d *direct) give(c *conn) {
	c.since = d.dialer.wall()
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.idle[c.at]
	gone := 0
	for gone < len(list) && (len(list)-gone >= idle || c.since.Sub(list[gone].since) >= idleFor) {
		_ = list[gone].Close() // nobody uses it again
		gone++
	}
	d.idle[c.at] = append(slices.Delete(list, 0, gone), c)
}
