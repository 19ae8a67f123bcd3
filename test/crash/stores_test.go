package crash

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aws/smithy-go"
)

var (
	sqsCalls      = []string{"SendMessageBatch"}
	dynamoDBCalls = []string{"PutItem", "GetItem", "UpdateItem", "Query", "BatchGetItem"}
	bothDown      = down("receiver", append(slices.Clone(sqsCalls), dynamoDBCalls...)...)
)

// after lets n calls of an outage pass.
func after(n int64, outage func(context.Context, *life, string) error) func(context.Context, *life, string) error {
	var seen atomic.Int64
	return func(ctx context.Context, l *life, operation string) error {
		err := outage(ctx, l, operation)
		if err != nil && seen.Add(1) <= n {
			return nil
		}
		return err
	}
}

// throttled is an outage in which the store answers, and refuses.
func throttled(outage func(context.Context, *life, string) error) func(context.Context, *life, string) error {
	return func(ctx context.Context, l *life, operation string) error {
		if outage(ctx, l, operation) != nil {
			return &smithy.GenericAPIError{Code: "ThrottlingException", Message: "slow down"}
		}
		return nil
	}
}

// ambiguous is a table whose writes take effect and whose answers are lost.
func ambiguous(l *life, operation string) bool {
	return l.function == "receiver" && slices.Contains(dynamoDBCalls, operation)
}

func TestStoresDown(t *testing.T) {
	const array = 70 // more than is claimed at once, and than one message batch holds
	for _, c := range []struct {
		name   string
		outage func(context.Context, *life, string) error
		deaf   func(*life, string) bool
		make   func(w *world) *request
		status int
	}{
		{name: "SQS", outage: sqsDown, status: 200},
		{name: "SQS, throttled", outage: throttled(sqsDown), status: 200},
		{name: "SQS, timeless", outage: sqsDown, make: func(w *world) *request { return w.timeless(1) }, status: 200},
		{name: "DynamoDB", outage: dynamoDBDown, status: 200},
		{name: "DynamoDB, throttled", outage: throttled(dynamoDBDown), status: 200},
		{name: "DynamoDB, timeless", outage: dynamoDBDown, make: func(w *world) *request { return w.timeless(1) }, status: 200},
		{name: "DynamoDB, large", outage: dynamoDBDown, make: func(w *world) *request { return w.large(1) }, status: 200},
		{name: "DynamoDB, untrusted", outage: dynamoDBDown, make: func(w *world) *request { return w.untrusted(1) }, status: 200},
		{name: "DynamoDB, ambiguous", deaf: ambiguous, status: 200},
		{name: "DynamoDB, ambiguous, timeless", deaf: ambiguous, make: func(w *world) *request { return w.timeless(1) }, status: 200},
		{name: "S3", outage: down("receiver", "PutObject"), make: func(w *world) *request { return w.large(1) }, status: 503},
		{name: "both", outage: bothDown, status: 503},
		{name: "both, throttled", outage: throttled(bothDown), status: 503},
		{name: "DynamoDB ambiguous, SQS down", outage: sqsDown, deaf: ambiguous, status: 503},
		{name: "the sources and their copy", outage: down("receiver", "GetItem", "GetObject"), status: 503},
		{name: "the copy of the sources", outage: down("receiver", "GetObject"), status: 200},
		{name: "SQS, within an array", outage: after(3, sqsDown), make: func(w *world) *request { return w.array(1, array) }, status: 200},
		{name: "DynamoDB, within an array", outage: after(30, dynamoDBDown), make: func(w *world) *request { return w.array(1, array) }, status: 200},
		{name: "both, within an array", outage: after(40, bothDown), make: func(w *world) *request { return w.array(1, array) }, status: 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tableOf(t), options{})
			defer w.close()
			r := w.event(1)
			if c.make != nil {
				r = c.make(w)
			}
			w.outage, w.deaf = c.outage, c.deaf
			w.send(r)
			if r.status != c.status {
				t.Errorf("answered %d, want %d", r.status, c.status)
			}
			if c.status == 503 && (r.header["Retry-After"] == "" || len(w.acks) > 0) {
				t.Errorf("503 with Retry-After %q, and %d elements acknowledged", r.header["Retry-After"], len(w.acks))
			}
			w.outage, w.deaf = nil, nil
			if c.status == 200 {
				w.requests[0].done = true // delivered without the sender's help
			}
			w.finish()
			w.violated()
		})
	}
}

// tableOf is the most faithful engine there is.
func tableOf(t *testing.T) string {
	if whole() {
		return dynoxideEngine.url(t)
	}
	return kumoEngine.url(t)
}

// TestQueueDownForever: the sweeper alone delivers what the receiver could not
// enqueue.
func TestQueueDownForever(t *testing.T) {
	w := newWorld(t, embedded.URL, options{})
	defer w.close()
	w.outage = sqsDown
	for n := range 5 {
		w.send(w.event(n))
	}
	w.pump()
	if len(w.attempts) != 0 {
		t.Errorf("%d deliveries: who sent the messages?", len(w.attempts))
	}
	w.pass(grace + lookLag)
	w.sweep()
	w.pump()
	if len(w.effects) != 5 {
		t.Errorf("%d of 5 delivered by one sweep", len(w.effects))
	}
	w.finish()
	w.violated()
}
