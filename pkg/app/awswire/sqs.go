package awswire

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS answers with it
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"smartlead-receiver/pkg/sqs"
)

// SQS calls SQS. It is safe for concurrent use.
type SQS struct{ rpc }

// maxMessages is more than SQS answers with: ten messages of 1 MiB (AWS, "Amazon SQS
// message quotas"), which JSON may write at six times their length.
const maxMessages = 64 << 20

// NewSQS returns a client of the endpoint. It makes no call.
func NewSQS(cfg Config, endpoint url.URL) *SQS {
	return &SQS{rpc{
		client:  cfg.client("SQS", "sqs", endpoint, maxMessages),
		target:  "AmazonSQS.",
		header:  http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Query-Mode": {"true"}},
		queries: true,
	}}
}

// SendMessageBatch puts up to ten messages on a queue.
func (s *SQS) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
	out, err := invoke[sqs.SendMessageBatchOutput](ctx, &s.rpc, "SendMessageBatch", in)
	if err != nil {
		return nil, err
	}
	sums := make(map[string]*string, len(out.Successful))
	for _, e := range out.Successful {
		sums[aws.ToString(e.Id)] = e.MD5OfMessageBody
	}
	for _, e := range in.Entries {
		if err := judge("SendMessageBatch", e.MessageBody, sums[aws.ToString(e.Id)]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ReceiveMessage takes up to ten messages from a queue.
func (s *SQS) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	out, err := invoke[sqs.ReceiveMessageOutput](ctx, &s.rpc, "ReceiveMessage", in)
	if err != nil {
		return nil, err
	}
	for _, m := range out.Messages {
		if err := judge("ReceiveMessage", m.Body, m.MD5OfBody); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// judge compares a message with the checksum that SQS has of it.
func judge(operation string, body, sum *string) error {
	if body == nil || sum == nil {
		return nil
	}
	got := md5.Sum([]byte(*body)) //nolint:gosec // see the import
	if hex.EncodeToString(got[:]) == *sum {
		return nil
	}
	return &smithy.OperationError{
		ServiceID: "SQS", OperationName: operation,
		Err: fmt.Errorf("message checksum validation failed: SQS has another message than was sent or read"),
	}
}

// DeleteMessageBatch removes up to ten messages.
func (s *SQS) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
	return invoke[sqs.DeleteMessageBatchOutput](ctx, &s.rpc, "DeleteMessageBatch", in)
}

// ChangeMessageVisibility says when a message is seen again.
func (s *SQS) ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput) (*sqs.ChangeMessageVisibilityOutput, error) {
	return invoke[sqs.ChangeMessageVisibilityOutput](ctx, &s.rpc, "ChangeMessageVisibility", in)
}

// ChangeMessageVisibilityBatch is the same for up to ten messages.
func (s *SQS) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return invoke[sqs.ChangeMessageVisibilityBatchOutput](ctx, &s.rpc, "ChangeMessageVisibilityBatch", in)
}

// GetQueueAttributes reads what is known of a queue.
func (s *SQS) GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput) (*sqs.GetQueueAttributesOutput, error) {
	return invoke[sqs.GetQueueAttributesOutput](ctx, &s.rpc, "GetQueueAttributes", in)
}
