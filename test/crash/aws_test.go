package crash

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"net/http"
	"time"

	"smartlead-receiver/pkg/local"
	"smartlead-receiver/test/ttlcheck"
)

// life is one invocation of a function.
type life struct {
	function string
	dead     atomic.Bool
}

func (l *life) kill() {
	if l != nil {
		l.dead.Store(true)
	}
}

type lifeKey struct{}

func lifeOf(ctx context.Context) *life {
	l, _ := ctx.Value(lifeKey{}).(*life)
	return l
}

// errDead is what a call of a process that has ended returns. Nobody hears it.
var errDead = errors.New("the process has ended")

// connect returns real SDK clients. Calls of a life pass the plan and the mutant;
// calls without one are the harness's own. Retries wait for nothing: their
// waits would be real time.
func (w *world) connect(table string) local.Clients {
	config := aws.Config{
		Region:      local.Region,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  &http.Client{Transport: ttlcheck.Transport(w.T, shared)},
		APIOptions:  []func(*middleware.Stack) error{w.instrument},
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.RateLimiter = ratelimit.None
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
	return local.Clients{
		DynamoDB: dynamodb.NewFromConfig(config, func(o *dynamodb.Options) { o.BaseEndpoint = &table }),
		SQS:      sqs.NewFromConfig(config, func(o *sqs.Options) { o.BaseEndpoint = &embedded.URL }),
		SSM:      ssm.NewFromConfig(config, func(o *ssm.Options) { o.BaseEndpoint = &embedded.URL }),
		S3: s3.NewFromConfig(config, func(o *s3.Options) {
			o.BaseEndpoint, o.UsePathStyle = &embedded.URL, true
		}),
	}
}

func (w *world) instrument(stack *middleware.Stack) error {
	err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("crash/call", w.call), middleware.Before)
	if err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("crash/attempt", w.attempt), "Retry", middleware.After)
}

type paramsKey struct{}

// call is one logical call: what a crash may lose.
func (w *world) call(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	out middleware.InitializeOutput, md middleware.Metadata, err error,
) {
	operation := middleware.GetOperationName(ctx)
	w.visibility.hide(in.Parameters)
	ctx = context.WithValue(ctx, paramsKey{}, in.Parameters)
	l := lifeOf(ctx)
	if l == nil {
		return next.HandleInitialize(ctx, in)
	}
	if l.dead.Load() {
		return out, md, errDead
	}
	w.note(operation, l)
	// Before the world answers, so that a function that breaks a rule does so
	// whatever happens to its call.
	if result := w.broken(l, in.Parameters); result != nil {
		return middleware.InitializeOutput{Result: result}, md, nil
	}
	w.interrupted(l, operation, in.Parameters)
	if w.outage != nil {
		if err := w.outage(ctx, l, operation); err != nil {
			return out, md, err
		}
	}
	m, hit := w.plan.next(true, operation)
	if hit && m == requestLost {
		l.kill()
		return out, md, errDead
	}
	out, md, err = next.HandleInitialize(ctx, in)
	if hit {
		l.kill()
	}
	if w.deaf != nil && w.deaf(l, operation) {
		return middleware.InitializeOutput{}, md, errDown
	}
	if l.dead.Load() {
		return out, md, errDead
	}
	if err == nil && w.mutant.out != nil {
		w.hooks.Lock()
		defer w.hooks.Unlock()
		w.mutant.out(l, in.Parameters, out.Result)
	}
	return out, md, err
}

// broken lets the mutant change a call, or answer it.
func (w *world) broken(l *life, params any) any {
	w.hooks.Lock()
	defer w.hooks.Unlock()
	if w.mutant.skip != nil {
		if result := w.mutant.skip(l, params); result != nil {
			return result
		}
	}
	if w.mutant.in != nil {
		w.mutant.in(l, params)
	}
	return nil
}

// interrupt has something done ahead of the first call of a function that it is asked
// for, once. A function makes several calls side by side: they are asked about one after
// the other, and do not wait for what is done.
func (w *world) interrupt(when func(l *life, operation string, params any) bool, do func()) {
	w.hooks.Lock()
	defer w.hooks.Unlock()
	w.when, w.do = when, do
}

func (w *world) interrupted(l *life, operation string, params any) {
	if do := w.interruption(l, operation, params); do != nil {
		do()
	}
}

func (w *world) interruption(l *life, operation string, params any) func() {
	w.hooks.Lock()
	defer w.hooks.Unlock()
	if w.when == nil || !w.when(l, operation, params) {
		return nil
	}
	w.when = nil
	return w.do
}

// attempt is one attempt of the SDK: what it may repeat.
func (w *world) attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, md middleware.Metadata, err error,
) {
	l := lifeOf(ctx)
	operation := middleware.GetOperationName(ctx)
	var m mode
	hit := false
	if l != nil {
		m, hit = w.plan.next(false, operation)
	}
	if hit && m == throttledOnce {
		return out, md, &smithy.GenericAPIError{Code: "ThrottlingException", Message: "slow down"}
	}
	out, md, err = w.through(ctx, in, next)
	if hit {
		if object, ok := out.Result.(*s3.GetObjectOutput); ok {
			_ = object.Body.Close()
		}
		return middleware.FinalizeOutput{}, md, &smithyhttp.RequestSendError{Err: errors.New("the answer was lost")}
	}
	return out, md, err
}

// through lets an attempt reach the store. Writes of a world go one after the
// other, as the store orders those of an event anyway, so that the history is
// theirs.
func (w *world) through(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, md middleware.Metadata, err error,
) {
	params := ctx.Value(paramsKey{})
	defer w.history.turn(params)()
	out, md, err = next.HandleFinalize(ctx, in)
	var answered smithy.APIError
	switch {
	case err == nil:
		w.observe(params, out.Result)
	case !errors.As(err, &answered):
		w.history.missed(params)
	}
	return out, md, err
}

// mutant breaks the protocol from outside. Each part may be nil.
type mutant struct {
	in   func(l *life, params any)         // rewrites a call
	out  func(l *life, params, result any) // rewrites its answer
	skip func(l *life, params any) any     // answers instead of the store
}

// observe keeps what the checks need of an answer that left the store, whether
// or not the caller hears it.
func (w *world) observe(params, result any) {
	w.visibility.observe(params, result)
	switch in := params.(type) {
	case *dynamodb.PutItemInput:
		w.claimed(in.Item)
	case *dynamodb.UpdateItemInput:
		if out, ok := result.(*dynamodb.UpdateItemOutput); ok {
			w.leases.observe(in, out)
			w.history.observe(out.Attributes)
		}
	}
}
