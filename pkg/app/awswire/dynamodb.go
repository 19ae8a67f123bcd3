package awswire

import (
	"context"
	"net/http"
	"net/url"

	"smartlead-receiver/pkg/dynamodb"
)

// DynamoDB calls DynamoDB. It is safe for concurrent use.
type DynamoDB struct{ rpc }

// maxItems is more than DynamoDB answers with: 16 MB of items (AWS, BatchGetItem), of
// which bytes stand in base64 and each value has its type beside it.
const maxItems = 64 << 20

// NewDynamoDB returns a client of the endpoint. It makes no call.
func NewDynamoDB(cfg Config, endpoint url.URL) *DynamoDB {
	return &DynamoDB{rpc{
		client:  cfg.client("DynamoDB", "dynamodb", endpoint, maxItems),
		target:  "DynamoDB_20120810.",
		header:  http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "Accept-Encoding": {"identity"}},
		checked: true,
		failure: func(code string) typedError {
			if code == "ConditionalCheckFailedException" {
				return &dynamodb.ConditionalCheckFailedException{}
			}
			return nil
		},
	}}
}

// GetItem reads an item.
func (d *DynamoDB) GetItem(ctx context.Context, in *dynamodb.GetItemInput) (*dynamodb.GetItemOutput, error) {
	return invoke[dynamodb.GetItemOutput](ctx, &d.rpc, "GetItem", in)
}

// PutItem writes an item.
func (d *DynamoDB) PutItem(ctx context.Context, in *dynamodb.PutItemInput) (*dynamodb.PutItemOutput, error) {
	return invoke[dynamodb.PutItemOutput](ctx, &d.rpc, "PutItem", in)
}

// UpdateItem changes an item.
func (d *DynamoDB) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput) (*dynamodb.UpdateItemOutput, error) {
	return invoke[dynamodb.UpdateItemOutput](ctx, &d.rpc, "UpdateItem", in)
}

// Query reads a page of items.
func (d *DynamoDB) Query(ctx context.Context, in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	return invoke[dynamodb.QueryOutput](ctx, &d.rpc, "Query", in)
}

// BatchGetItem reads several items.
func (d *DynamoDB) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
	return invoke[dynamodb.BatchGetItemOutput](ctx, &d.rpc, "BatchGetItem", in)
}
