package burst

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

const (
	// latency is that of every call: a container without a connection opens one.
	latency = 100 * time.Millisecond
	// engineCalls is how many calls the engine works on at once.
	engineCalls = 16
)

// quotas are the calls a second that AWS grants: Parameter Store to an account
// (docs.aws.amazon.com/general/latest/gr/ssm.html), DynamoDB to the partition in
// which the sources are, one read unit each
// (docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html),
// and S3 to a prefix (docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html).
var quotas = map[string]int{"ssm": 40, "GetItem": 3000, "GET": 5500}

// network takes the calls of functions that run in a bubble of synctest to the
// engine, which is outside of it. The bubble's clock goes on only while everybody
// in it waits for it, and stands still while the engine works or the functions
// compute: so a function's time is what the stores let it wait, however busy this
// machine is, and 400 run at once as they do with a processor each.
type network struct {
	gates chan gate // those that are free

	mu     sync.Mutex
	rule   func(call) fault // nil: none strikes
	limits map[string]*rate.Limiter
	used   map[string]bool // services that were called in this bubble
	delays map[string]int  // receipt of a message → seconds after which it comes back
	asked  map[string]int  // operation → calls
	denied int
	active int
}

// call is what a fault is chosen by.
type call struct{ service, operation string }

// fault is what becomes of a call instead of being answered.
type fault int

const (
	none      fault = iota
	throttled       // refused with "slow down"
	silent          // taken and never answered, until the caller gives up
	reset           // the connection is gone
)

// gate carries one call at a time out of the bubble. Its channels are made outside,
// so that who waits for them holds the clock.
type gate struct {
	out  chan *http.Request
	back chan response
}

type response struct {
	http.Response
	body []byte
	err  error
}

func newNetwork(t *testing.T, next http.RoundTripper) *network {
	n := &network{gates: make(chan gate, engineCalls), asked: map[string]int{}}
	for range engineCalls {
		g := gate{out: make(chan *http.Request), back: make(chan response)}
		go func() {
			for r := range g.out {
				g.back <- forward(next, r)
			}
		}()
		t.Cleanup(func() { close(g.out) })
		n.gates <- g
	}
	return n
}

func forward(next http.RoundTripper, r *http.Request) response {
	got, err := next.RoundTrip(r)
	if err != nil {
		return response{err: err}
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return response{Response: *got, body: body, err: err}
}

// begin makes the quotas those of a new bubble, whose clock begins anew.
func (n *network) begin() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.limits = map[string]*rate.Limiter{}
	for name, perSecond := range quotas {
		n.limits[name] = rate.NewLimiter(rate.Limit(perSecond), perSecond)
	}
	n.rule, n.used, n.delays = nil, map[string]bool{}, map[string]int{}
}

// strike makes rule choose the fault of every call; nil ends it.
func (n *network) strike(rule func(call) fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rule = rule
}

// thaw is what a container finds that was frozen for long: to each of the services
// that it called before it has one connection, which is gone. The first call over it
// ends as f.
func (n *network) thaw(f fault, services ...string) {
	n.mu.Lock()
	gone := maps.Clone(n.used)
	n.mu.Unlock()
	n.strike(func(c call) fault {
		if gone[c.service] && slices.Contains(services, c.service) {
			delete(gone, c.service)
			return f
		}
		return none
	})
}

// counts returns the calls so far, and how many got a fault.
func (n *network) counts() (asked map[string]int, denied int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.asked), n.denied
}

// inFlight is how many calls nobody has answered or given up.
func (n *network) inFlight() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.active
}

// RoundTrip implements http.RoundTripper.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	what := callOf(r)
	if what.operation == "ChangeMessageVisibility" {
		n.keepDelay(body)
	}
	strikes := n.took(what)
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.active--
	}()
	wait := latency
	if strikes == silent {
		wait = 24 * time.Hour
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	switch strikes {
	case throttled:
		return answer(r, http.StatusBadRequest, `{"__type":"ThrottlingException","message":"Rate exceeded"}`), nil
	case silent, reset:
		return nil, errors.New("connection reset by peer")
	case none:
	}
	return n.carry(r, body)
}

// carry takes a call to the engine. It takes no time.
func (n *network) carry(r *http.Request, body []byte) (*http.Response, error) {
	out := r.Clone(context.Background()) // the caller's context belongs to the bubble
	out.Body = io.NopCloser(bytes.NewReader(body))
	g := <-n.gates
	defer func() { n.gates <- g }()
	g.out <- out
	got := <-g.back
	if got.err != nil {
		return nil, got.err
	}
	back := got.Response
	back.Request, back.Body = r, io.NopCloser(bytes.NewReader(got.body))
	return &back, nil
}

// operator is the network of the operator: it takes no time, so that a change is made
// the moment that it is begun, and nothing strikes it.
type operator struct{ *network }

// RoundTrip implements http.RoundTripper.
func (o operator) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	return o.carry(r, body)
}

// took counts a call and returns what becomes of it.
func (n *network) took(what call) fault {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.active++
	n.used[what.service] = true
	n.asked[what.operation]++
	f := none
	for _, name := range []string{what.service, what.operation} {
		if limit := n.limits[name]; limit != nil && !limit.AllowN(time.Now(), 1) {
			f = throttled
		}
	}
	if n.rule != nil && f == none {
		f = n.rule(what)
	}
	if f != none {
		n.denied++
	}
	return f
}

func (n *network) keepDelay(body []byte) {
	var asked struct {
		ReceiptHandle     string
		VisibilityTimeout int
	}
	_ = json.Unmarshal(body, &asked) // else no receipt is found
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delays[asked.ReceiptHandle] = asked.VisibilityTimeout
}

// delay returns after how long a message comes back that was asked for again.
func (n *network) delay(receipt string) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if seconds, found := n.delays[receipt]; found {
		return time.Duration(seconds) * time.Second
	}
	return 6 * time.Minute // VisibilityTimeout in template.yaml
}

func bodyOf(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

// callOf reads the service and the operation; of S3 the operation is the method.
func callOf(r *http.Request) call {
	target, operation, found := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case !found:
		return call{"s3", r.Method}
	case strings.HasPrefix(target, "DynamoDB"):
		return call{"dynamodb", operation}
	case target == "AmazonSSM":
		return call{"ssm", operation}
	}
	return call{"sqs", operation}
}

func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body:   io.NopCloser(strings.NewReader(body)),
	}
}
