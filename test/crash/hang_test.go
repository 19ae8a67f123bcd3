package crash

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/test/speed"
)

// hang is stores that take a call and do not answer, from the n-th call on.
func hang(n int64, operations ...string) func(context.Context, *life, string) error {
	var seen atomic.Int64
	return func(ctx context.Context, _ *life, operation string) error {
		if !slices.Contains(operations, operation) || seen.Add(1) < n {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
}

// late is a store that answers one operation after a while, and another outage
// for the rest.
func late(d time.Duration, operation string, outage func(context.Context, *life, string) error) func(context.Context, *life, string) error {
	return func(ctx context.Context, l *life, op string) error {
		if op != operation {
			return outage(ctx, l, op)
		}
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TestStoresHang: the sender must have its answer within ten seconds, whatever
// the stores do, and before Lambda ends the function.
func TestStoresHang(t *testing.T) {
	bothCalls := append(slices.Clone(sqsCalls), dynamoDBCalls...)
	all := append(slices.Clone(bothCalls), "PutObject", "CopyObject")
	const sourceCopy = "GetObject" // which serves while the table is down
	large := func(w *world) *request { return w.large(1) }
	array := func(w *world) *request { return w.array(1, 70) }             // more than is claimed at once, and than one batch holds
	again := func(first func(w *world) *request) func(w *world) *request { // which the instance knows
		return func(w *world) *request {
			outage := w.outage
			w.outage = nil
			w.send(first(w))
			w.outage = outage
			return first(w)
		}
	}
	for _, c := range []struct {
		name   string
		outage func(context.Context, *life, string) error
		make   func(w *world) *request
		status int
	}{
		{"DynamoDB", hang(1, dynamoDBCalls...), nil, 200},
		{"SQS", hang(1, sqsCalls...), nil, 200},
		{"both", hang(1, bothCalls...), nil, 503},
		{"S3", hang(1, "PutObject"), large, 503},
		{"both, and the copy of the sources is slow", late(900*time.Millisecond, sourceCopy, hang(1, bothCalls...)), nil, 503},
		{"S3 and both, and the copy of the sources is slow", late(900*time.Millisecond, sourceCopy, hang(1, all...)), large, 503},
		{"the copy of the sources is slower", late(4900*time.Millisecond, sourceCopy, hang(1, bothCalls...)), nil, 503},
		{"the sources and their copy", hang(1, append(slices.Clone(bothCalls), sourceCopy)...), nil, 503},
		{"DynamoDB, within an array", hang(30, dynamoDBCalls...), array, 200},
		{"SQS, within an array", hang(3, sqsCalls...), array, 200},
		{"DynamoDB, and the large event is known", hang(1, dynamoDBCalls...), again(large), 200},
		{"DynamoDB, within a known array", hang(30, dynamoDBCalls...), again(array), 200},
		{"what counts repeats, and the array is known", hang(1, "UpdateItem"), again(array), 200},
		{"both, and the event is known", hang(1, bothCalls...), again(func(w *world) *request { return w.event(1) }), 503},
		{"both, within an array", hang(30, bothCalls...), array, 503},
		{"DynamoDB, and the body is none", hang(1, dynamoDBCalls...), func(*world) *request { return &request{source: "demo", body: "no JSON"} }, 400},
		{"DynamoDB, and nobody knows the sender", hang(1, dynamoDBCalls...), func(w *world) *request {
			r := w.event(1)
			r.source = "nobody"
			return r
		}, 503}, // the copy may be behind the table: nobody is refused on its word
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !whole() {
				t.Skip("in real time: `make test` runs it")
			}
			w := newWorld(t, embedded.URL, options{prompt: true})
			defer w.close()
			w.outage = c.outage
			r := w.event(1)
			if c.make != nil {
				r = c.make(w)
			}
			acked, began := len(w.acks), time.Now()
			w.send(r)
			took := time.Since(began)
			w.outage = nil
			if r.status != c.status {
				t.Errorf("answered %d after %s, want %d", r.status, took, c.status)
			}
			speed.AtMost(t, "an answer, with time to spare before the function's timeout,", took, timeouts["receiver"]-500*time.Millisecond)
			if unavailable := c.status == 503; unavailable && (r.header["Retry-After"] == "" || len(w.acks) > acked) {
				t.Errorf("503 with Retry-After %q, and %d elements acknowledged", r.header["Retry-After"], len(w.acks)-acked)
			}
			if c.status/100 != 5 {
				r.done = true // what was acknowledged needs no help of the sender, and what was refused never comes
			}
			w.finish()
			w.violated()
		})
	}
}
