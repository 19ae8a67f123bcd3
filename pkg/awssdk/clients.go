package awssdk

import (
	"context"
	"errors"

	sdkdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sdksqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/sqs"
)

// DynamoDB is a client of DynamoDB as the ledger calls it. It is safe for concurrent use.
type DynamoDB struct{ *sdkdynamodb.Client }

// GetItem reads an item.
func (c DynamoDB) GetItem(ctx context.Context, in *dynamodb.GetItemInput) (*dynamodb.GetItemOutput, error) {
	return call[dynamodb.GetItemOutput](ctx, c.Client.GetItem, in)
}

// PutItem writes an item.
func (c DynamoDB) PutItem(ctx context.Context, in *dynamodb.PutItemInput) (*dynamodb.PutItemOutput, error) {
	return call[dynamodb.PutItemOutput](ctx, c.Client.PutItem, in)
}

// UpdateItem changes an item.
func (c DynamoDB) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput) (*dynamodb.UpdateItemOutput, error) {
	return call[dynamodb.UpdateItemOutput](ctx, c.Client.UpdateItem, in)
}

// Query reads a page of items.
func (c DynamoDB) Query(ctx context.Context, in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	return call[dynamodb.QueryOutput](ctx, c.Client.Query, in)
}

// BatchGetItem reads several items.
func (c DynamoDB) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
	return call[dynamodb.BatchGetItemOutput](ctx, c.Client.BatchGetItem, in)
}

// SQS is a client of SQS as the queues call it. It is safe for concurrent use.
type SQS struct{ *sdksqs.Client }

// SendMessageBatch puts up to ten messages on a queue.
func (c SQS) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
	return call[sqs.SendMessageBatchOutput](ctx, c.Client.SendMessageBatch, in)
}

// ReceiveMessage takes up to ten messages from a queue.
func (c SQS) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	return call[sqs.ReceiveMessageOutput](ctx, c.Client.ReceiveMessage, in)
}

// DeleteMessageBatch removes up to ten messages.
func (c SQS) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
	return call[sqs.DeleteMessageBatchOutput](ctx, c.Client.DeleteMessageBatch, in)
}

// ChangeMessageVisibility says when a message is seen again.
func (c SQS) ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput) (*sqs.ChangeMessageVisibilityOutput, error) {
	return call[sqs.ChangeMessageVisibilityOutput](ctx, c.Client.ChangeMessageVisibility, in)
}

// ChangeMessageVisibilityBatch is the same for up to ten messages.
func (c SQS) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return call[sqs.ChangeMessageVisibilityBatchOutput](ctx, c.Client.ChangeMessageVisibilityBatch, in)
}

// GetQueueAttributes reads what is known of a queue.
func (c SQS) GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput) (*sqs.GetQueueAttributesOutput, error) {
	return call[sqs.GetQueueAttributesOutput](ctx, c.Client.GetQueueAttributes, in)
}

// call calls an operation of the SDK.
func call[Out, SDKIn, SDKOut, Option any](ctx context.Context, do func(context.Context, *SDKIn, ...Option) (*SDKOut, error), in any) (*Out, error) {
	out, err := do(ctx, converted[SDKIn](in))
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return nil, &failedCondition{error: err, ours: converted[dynamodb.ConditionalCheckFailedException](failed)}
	}
	if err != nil {
		return nil, err
	}
	return converted[Out](out), nil
}

// failedCondition is the SDK's error, and ours.
type failedCondition struct {
	error
	ours *dynamodb.ConditionalCheckFailedException
}

// Unwrap implements what errors.As asks.
func (e *failedCondition) Unwrap() []error { return []error{e.error, e.ours} }
