package awsnet

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/test/testclock"
)

const plainAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere"

// wire is a host over TCP that answers each request with the bytes of a script, and
// counts the connections to it and what it was asked.
type wire struct {
	net.Listener
	opened atomic.Int64
	answer func(n int, c net.Conn) // to the nth request of all, from 1
	mu     sync.Mutex
	asked  []*http.Request
	bodies []string
}

func newWire(t *testing.T, answer func(n int, c net.Conn)) *wire {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	w := &wire{Listener: listener, answer: answer}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			w.opened.Add(1)
			go w.serve(c)
		}
	}()
	return w
}

func (w *wire) serve(c net.Conn) {
	defer c.Close()
	reader := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.mu.Lock()
		w.asked, w.bodies = append(w.asked, r), append(w.bodies, string(body))
		n := len(w.asked)
		w.mu.Unlock()
		w.answer(n, c)
	}
}

func always(answer string) func(int, net.Conn) {
	return func(_ int, c net.Conn) { _, _ = io.WriteString(c, answer) }
}

func newClient(t *testing.T) (Client, *Dialer) {
	t.Helper()
	d, err := NewDialer("")
	if err != nil {
		t.Fatal(err)
	}
	return d.Client(), d
}

func post(ctx context.Context, c Client, host, body string, header http.Header) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+host+"/q?a=b", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	r, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return string(text), err
}

func TestASmallPostIsSentAsItIs(t *testing.T) {
	w := newWire(t, always(plainAnswer))
	c, _ := newClient(t)
	header := http.Header{"X-Amz-Target": {"T.Op"}, "User-Agent": {"me"}, "Accept-Encoding": {"identity"}}
	for range 5 {
		if text, err := post(t.Context(), c, w.Addr().String(), `{"a":1}`, header); text != "here" || err != nil {
			t.Fatalf("%q, %v", text, err)
		}
	}
	if n := w.opened.Load(); n != 1 {
		t.Errorf("five calls one after the other took %d connections, want 1", n)
	}
	r := w.asked[4]
	if r.Method != http.MethodPost || r.RequestURI != "/q?a=b" || r.Host != w.Addr().String() || r.ContentLength != 7 || w.bodies[4] != `{"a":1}` {
		t.Errorf("it sent %s %s to %s, %d bytes %q", r.Method, r.RequestURI, r.Host, r.ContentLength, w.bodies[4])
	}
	for name := range r.Header {
		if name != "Content-Length" && header.Get(name) != r.Header.Get(name) {
			t.Errorf("header %s: %q", name, r.Header[name])
		}
	}
	if len(r.Header) != len(header)+1 { // and its length
		t.Errorf("headers %v, want %v", r.Header, header)
	}
}

func TestOverTLSAsWell(t *testing.T) {
	h := newHost(t)
	d, err := NewDialer(h.bundle(t))
	if err != nil {
		t.Fatal(err)
	}
	c := d.Client()
	d.Open(t.Context(), h.name())
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(r.Body); string(text) != "here" || err != nil {
			t.Fatalf("%q, %v", text, err)
		}
		_ = r.Body.Close()
	}
	if n := h.opened.Load(); n != 1 {
		t.Errorf("%d connections, want the one that was opened ahead", n)
	}
}

// What is said of a connection after the first answer decides whether the second call
// uses it again. None may take what was left of an earlier one.
func TestAConnectionIsUsedAgain(t *testing.T) {
	tests := map[string]struct {
		first  string
		then   func(net.Conn) // after the first answer
		after  time.Duration
		opened int64
	}{
		"at once":                  {plainAnswer, nil, 0, 1},
		"in chunks":                {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhere\r\n0\r\n\r\n", nil, 0, 1},
		"after news":               {"HTTP/1.1 100 Continue\r\n\r\n" + plainAnswer, nil, 0, 1},
		"just not too late":        {plainAnswer, nil, idleFor - time.Millisecond, 1},
		"too late":                 {plainAnswer, nil, idleFor, 2},
		"the clock was set back":   {plainAnswer, nil, -time.Second, 2},
		"closed by its host":       {plainAnswer, func(c net.Conn) { _ = c.Close() }, 0, 2},
		"its host says more":       {plainAnswer, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n") }, 0, 2},
		"its host said more":       {plainAnswer + plainAnswer, nil, 0, 2},
		"its host wants it closed": {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nhere", nil, 0, 2},
		"it is of HTTP/1.0":        {"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nhere", nil, 0, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			said := make(chan struct{})
			w := newWire(t, func(n int, c net.Conn) {
				if n > 1 {
					_, _ = io.WriteString(c, plainAnswer)
					return
				}
				_, _ = io.WriteString(c, tt.first)
				if tt.then != nil {
					<-said // the answer was read: what follows is none of it
					tt.then(c)
				}
				said <- struct{}{}
			})
			c, d := newClient(t)
			now := testclock.Noon()
			d.now = func() time.Time { return now }
			if text, err := post(t.Context(), c, w.Addr().String(), "x", nil); text != "here" || err != nil {
				t.Fatalf("first: %q, %v", text, err)
			}
			if tt.then != nil {
				said <- struct{}{}
			}
			<-said
			now = now.Add(tt.after)
			if text, err := post(t.Context(), c, w.Addr().String(), "x", nil); text != "here" || err != nil {
				t.Fatalf("second: %q, %v", text, err)
			}
			if n := w.opened.Load(); n != tt.opened {
				t.Errorf("%d connections, want %d", n, tt.opened)
			}
		})
	}
}

// half has the head and two of the four bytes of an answer.
const half = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhe"

// halfRead has a first call to a host whose answer it read half of, which is all that
// came.
func halfRead(ctx context.Context, t *testing.T) (c Client, w *wire, r *http.Response) {
	t.Helper()
	w = newWire(t, func(n int, c net.Conn) {
		_, _ = io.WriteString(c, map[bool]string{true: half, false: plainAnswer}[n == 1])
	})
	c, _ = newClient(t)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.Addr().String(), strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if r, err = c.Do(req); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Body.Close() })
	if _, err := io.ReadFull(r.Body, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	return c, w, r
}

func TestAnAnswerThatIsNotReadClosesItsConnection(t *testing.T) {
	c, w, r := halfRead(t.Context(), t)
	if err := r.Body.Close(); err != nil {
		t.Error(err)
	}
	if text, err := post(t.Context(), c, w.Addr().String(), "x", nil); text != "here" || err != nil || w.opened.Load() != 2 {
		t.Errorf("%q, %v over %d connections, want a second one", text, err, w.opened.Load())
	}
}

func TestBadAnswersAreErrors(t *testing.T) {
	for name, answer := range map[string]string{
		"no HTTP":            "what?\r\n\r\n",
		"a head without end": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHead) + "\r\n\r\n",
		"news alone":         strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", maxInformed),
	} {
		w := newWire(t, always(answer))
		c, _ := newClient(t)
		if text, err := post(t.Context(), c, w.Addr().String(), "x", nil); err == nil {
			t.Errorf("%s: read %q", name, text)
		}
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := newWire(t, func(n int, c net.Conn) {
		if n == 1 {
			cancel()
			return
		}
		_, _ = io.WriteString(c, plainAnswer)
	})
	c, _ := newClient(t)
	if text, err := post(ctx, c, w.Addr().String(), "x", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("before an answer: %q, %v", text, err)
	}
	if text, err := post(t.Context(), c, w.Addr().String(), "x", nil); text != "here" || err != nil || w.opened.Load() != 2 {
		t.Errorf("the next call: %q, %v over %d connections", text, err, w.opened.Load())
	}
}

func TestAnAnswerEndsWithTheContextOfItsCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, w, r := halfRead(ctx, t)
	defer r.Body.Close()
	cancel()
	if text, err := io.ReadAll(r.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := post(t.Context(), c, w.Addr().String(), "x", nil); text != "here" || err != nil || w.opened.Load() != 2 {
		t.Errorf("the next call: %q, %v over %d connections", text, err, w.opened.Load())
	}
}

func TestAHeaderIsNoSecondOne(t *testing.T) {
	w := newWire(t, always(plainAnswer))
	c, _ := newClient(t)
	for _, value := range []string{"a\r\nX-Other: b", "a\nb", "\x00"} {
		if _, err := post(t.Context(), c, w.Addr().String(), "x", http.Header{"X-Trace": {value}}); !errors.Is(err, errHeader) {
			t.Errorf("%q: %v", value, err)
		}
	}
	if len(w.asked) != 0 {
		t.Errorf("it was sent %d times", len(w.asked))
	}
}

// As many connections are kept as are used at once, at most idle.
func TestConnectionsOfCallsAtOnceAreKept(t *testing.T) {
	var all sync.WaitGroup
	arrived := make(chan struct{}, 2*idle)
	goOn := make(chan struct{})
	w := newWire(t, func(_ int, c net.Conn) {
		arrived <- struct{}{}
		<-goOn
		_, _ = io.WriteString(c, plainAnswer)
	})
	c, _ := newClient(t)
	for range idle + 1 {
		all.Go(func() {
			if text, err := post(t.Context(), c, w.Addr().String(), "x", nil); text != "here" || err != nil {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	for range idle + 1 {
		<-arrived
	}
	close(goOn)
	all.Wait()
	for _, list := range c.direct.idle {
		if len(list) != idle || w.opened.Load() != idle+1 {
			t.Errorf("of %d connections %d are kept, want %d", w.opened.Load(), len(list), idle)
		}
	}
}

func TestWhatIsNotSentDirectly(t *testing.T) {
	w := newWire(t, always(plainAnswer))
	c, _ := newClient(t)
	large := strings.Repeat("x", maxDirect+1)
	if text, err := post(t.Context(), c, w.Addr().String(), large, nil); text != "here" || err != nil || w.bodies[0] != large {
		t.Errorf("a large body: %q, %v", text, err)
	}
	if len(c.direct.idle) != 0 {
		t.Error("it was sent directly")
	}
	for _, name := range []string{"HTTPS_PROXY", "http_proxy"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "http://127.0.0.1:1")
			if c, _ := newClient(t); c.direct.takes(&http.Request{Method: http.MethodPost, ContentLength: 1, Body: io.NopCloser(bytes.NewReader(nil))}) {
				t.Error("past the proxy")
			}
		})
	}
}
