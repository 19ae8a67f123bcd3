package local

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/uuid"
)

// The functions, by their signatures. They are called concurrently, as the
// environments of a Lambda function are.
type (
	// HTTPHandler answers one request of API Gateway (payload format 2.0).
	HTTPHandler func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)
	// QueueHandler works on one batch of an SQS event source that has
	// ReportBatchItemFailures set.
	QueueHandler func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)
	// ScheduleHandler does one tick of a schedule.
	ScheduleHandler func(context.Context, events.EventBridgeEvent) error
)

var (
	// errTimedOut: the function overran its timeout. Lambda ends it there and
	// whatever it returns later is not heard.
	errTimedOut = errors.New("function timed out")
	// errPanicked: the function panicked; Lambda reports that as an error.
	errPanicked = errors.New("function panicked")
)

// invoke calls a function as Lambda does: with a request id and a deadline in
// its context, outliving the caller's cancellation, and with a panic turned
// into an error. Other than Lambda it cannot kill: a function that ignores its
// deadline is waited for, then its result is dropped.
func invoke(ctx context.Context, timeout time.Duration, function string, call func(context.Context) error) (err error) {
	requestID := uuid.NewString()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       requestID,
		InvokedFunctionArn: "arn:aws:lambda:" + Region + ":000000000000:function:" + function,
	})
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanicked, cause, debug.Stack())
		}
	}()
	if err = call(ctx); err == nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = errTimedOut
	}
	return err
}
