package awswire

import (
	"context"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// DynamoDB calls DynamoDB. It is safe for concurrent use. Its methods take no options.
type DynamoDB struct {
	rpc
	get, put, update, query, batchGet *operation
}

// maxItems is more than DynamoDB answers with: 16 MB of items (AWS, BatchGetItem), of
// which bytes stand in base64 and each value has its type beside it.
const maxItems = 64 << 20

// NewDynamoDB returns a client of the endpoint. It makes no call.
func NewDynamoDB(cfg Config, endpoint url.URL) *DynamoDB {
	return &DynamoDB{
		rpc: rpc{
			client:   cfg.client("DynamoDB", "dynamodb", endpoint, maxItems),
			protocol: awsjson.New10(schemas.DynamoDB_20120810), errors: dynamodb.TypeRegistry,
			header: http.Header{"Accept-Encoding": {"identity"}}, checked: true,
		},
		get:      newOperation(schemas.GetItem, schemas.GetItemInput, schemas.GetItemOutput),
		put:      newOperation(schemas.PutItem, schemas.PutItemInput, schemas.PutItemOutput),
		update:   newOperation(schemas.UpdateItem, schemas.UpdateItemInput, schemas.UpdateItemOutput),
		query:    newOperation(schemas.Query, schemas.QueryInput, schemas.QueryOutput),
		batchGet: newOperation(schemas.BatchGetItem, schemas.BatchGetItemInput, schemas.BatchGetItemOutput),
	}
}

// GetItem reads an item.
func (d *DynamoDB) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return invoke[dynamodb.GetItemOutput](ctx, &d.rpc, d.get, in)
}

// PutItem writes an item.
func (d *DynamoDB) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return invoke[dynamodb.PutItemOutput](ctx, &d.rpc, d.put, in)
}

// UpdateItem changes an item.
func (d *DynamoDB) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return invoke[dynamodb.UpdateItemOutput](ctx, &d.rpc, d.update, in)
}

// Query reads a page of items.
func (d *DynamoDB) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return invoke[dynamodb.QueryOutput](ctx, &d.rpc, d.query, in)
}

// BatchGetItem reads several items.
func (d *DynamoDB) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	return invoke[dynamodb.BatchGetItemOutput](ctx, &d.rpc, d.batchGet, in)
}
