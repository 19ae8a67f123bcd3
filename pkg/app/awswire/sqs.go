package awswire

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS answers with it
	"encoding/hex"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/schemas"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// SQS calls SQS. It is safe for concurrent use. Its methods take no options.
type SQS struct {
	rpc
	send, receive, remove, change, changeBatch, attributes *operation
}

// maxMessages is more than SQS answers with: ten messages of 1 MiB (AWS, "Amazon SQS
// message quotas"), which JSON may write at six times their length.
const maxMessages = 64 << 20

// NewSQS returns a client of the endpoint. It makes no call.
func NewSQS(cfg Config, endpoint url.URL) *SQS {
	return &SQS{
		rpc: rpc{
			client:   cfg.client("SQS", "sqs", endpoint, maxMessages),
			protocol: awsjson.New10(schemas.AmazonSQS), errors: sqs.TypeRegistry,
		},
		send:        newOperation(schemas.SendMessageBatch, schemas.SendMessageBatchRequest, schemas.SendMessageBatchResult),
		receive:     newOperation(schemas.ReceiveMessage, schemas.ReceiveMessageRequest, schemas.ReceiveMessageResult),
		remove:      newOperation(schemas.DeleteMessageBatch, schemas.DeleteMessageBatchRequest, schemas.DeleteMessageBatchResult),
		change:      newOperation(schemas.ChangeMessageVisibility, schemas.ChangeMessageVisibilityRequest, nil),
		changeBatch: newOperation(schemas.ChangeMessageVisibilityBatch, schemas.ChangeMessageVisibilityBatchRequest, schemas.ChangeMessageVisibilityBatchResult),
		attributes:  newOperation(schemas.GetQueueAttributes, schemas.GetQueueAttributesRequest, schemas.GetQueueAttributesResult),
	}
}

// SendMessageBatch puts up to ten messages on a queue.
func (s *SQS) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	out, err := invoke[sqs.SendMessageBatchOutput](ctx, &s.rpc, s.send, in)
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
func (s *SQS) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out, err := invoke[sqs.ReceiveMessageOutput](ctx, &s.rpc, s.receive, in)
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
func (s *SQS) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	return invoke[sqs.DeleteMessageBatchOutput](ctx, &s.rpc, s.remove, in)
}

// ChangeMessageVisibility says when a message is seen again.
func (s *SQS) ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	return invoke[sqs.ChangeMessageVisibilityOutput](ctx, &s.rpc, s.change, in)
}

// ChangeMessageVisibilityBatch is the same for up to ten messages.
func (s *SQS) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return invoke[sqs.ChangeMessageVisibilityBatchOutput](ctx, &s.rpc, s.changeBatch, in)
}

// GetQueueAttributes reads what is known of a queue.
func (s *SQS) GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return invoke[sqs.GetQueueAttributesOutput](ctx, &s.rpc, s.attributes, in)
}
