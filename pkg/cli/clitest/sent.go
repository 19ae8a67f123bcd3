package clitest

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
)

// sentTimes tells when messages were sent by the clock of a test: the engine
// stamps them by its own, and a dead letter from another century would be renewed
// for ever. What another client sent counts as sent when it is first received.
type sentTimes struct {
	now func() time.Time

	mu sync.Mutex
	of map[string]time.Time // message id
}

// client returns an SQS client that sends and receives by the clock, and waits for
// nothing.
func (s *sentTimes) client(config aws.Config, endpoint string) *sqs.Client {
	return sqs.NewFromConfig(config, func(o *sqs.Options) {
		o.BaseEndpoint = &endpoint
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("test/sent", s.call), middleware.Before)
		})
	})
}

func (s *sentTimes) call(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	middleware.InitializeOutput, middleware.Metadata, error,
) {
	if receive, ok := in.Parameters.(*sqs.ReceiveMessageInput); ok {
		receive.WaitTimeSeconds = 0 // the engine has one server, which answers at once what there is
	}
	out, md, err := next.HandleInitialize(ctx, in)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch result := out.Result.(type) {
	case *sqs.SendMessageOutput:
		s.sent(aws.ToString(result.MessageId))
	case *sqs.SendMessageBatchOutput:
		for _, m := range result.Successful {
			s.sent(aws.ToString(m.MessageId))
		}
	case *sqs.ReceiveMessageOutput:
		for _, m := range result.Messages {
			if m.Attributes["SentTimestamp"] != "" {
				m.Attributes["SentTimestamp"] = strconv.FormatInt(s.sent(aws.ToString(m.MessageId)).UnixMilli(), 10)
			}
		}
	}
	return out, md, err
}

// sent returns when a message was sent; now, if it is not known.
func (s *sentTimes) sent(id string) time.Time {
	if _, found := s.of[id]; !found {
		s.of[id] = s.now()
	}
	return s.of[id]
}
