package awswire_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/sourcestore/parameter"
	"smartlead-receiver/pkg/sqs"
)

// generator makes inputs, the same for the same seed.
type generator struct{ *rand.Rand }

func (g generator) text() string {
	return []string{"", "a", "pk", "ünï\U0001F600\u2028", "\"\\/\b\f\n\r\t\x00\x7f", "<script>&'", strings.Repeat("long ", 900), "\xff\xfe"}[g.IntN(8)]
}

func (g generator) name() string { return fmt.Sprintf("%s%d", g.text(), g.IntN(100)) }

func (g generator) bytes() []byte {
	b := make([]byte, g.IntN(50))
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return [][]byte{b, {}, nil}[g.IntN(3)]
}

func (g generator) number() string { return strconv.FormatInt(g.Int64()-g.Int64(), 10) }

func (g generator) value(depth int) dynamodb.AttributeValue {
	switch g.IntN(10 + 2*min(depth, 1)) {
	case 0:
		return &dynamodb.AttributeValueMemberB{Value: g.bytes()}
	case 1:
		return &dynamodb.AttributeValueMemberBOOL{Value: g.IntN(2) == 0}
	case 2:
		return &dynamodb.AttributeValueMemberBS{Value: many(g, g.bytes)}
	case 3:
		return &dynamodb.AttributeValueMemberN{Value: g.number()}
	case 4:
		return &dynamodb.AttributeValueMemberNS{Value: many(g, g.number)}
	case 5:
		return &dynamodb.AttributeValueMemberNULL{Value: true}
	case 6:
		return &dynamodb.AttributeValueMemberSS{Value: many(g, g.text)}
	case 10:
		return &dynamodb.AttributeValueMemberM{Value: g.item(depth - 1)}
	case 11:
		return &dynamodb.AttributeValueMemberL{Value: many(g, func() dynamodb.AttributeValue { return g.value(depth - 1) })}
	}
	return &dynamodb.AttributeValueMemberS{Value: g.text()}
}

func many[T any](g generator, one func() T) []T {
	all := make([]T, g.IntN(4))
	for i := range all {
		all[i] = one()
	}
	return all
}

func (g generator) item(depth int) map[string]dynamodb.AttributeValue {
	it := map[string]dynamodb.AttributeValue{}
	for range g.IntN(6) {
		it[g.name()] = g.value(depth)
	}
	return it
}

func maybe[T any](g generator, v T) *T {
	if g.IntN(3) == 0 {
		return nil
	}
	return &v
}

func (g generator) names() map[string]string {
	if g.IntN(3) == 0 {
		return nil
	}
	return map[string]string{"#" + g.text(): g.text(), "#b": "b"}
}

// calls are every operation, each with an input of its own.
func (g generator) calls() map[string]call {
	table := "table" + strconv.Itoa(g.IntN(9))
	put := &dynamodb.PutItemInput{
		TableName: &table, Item: g.item(3), ConditionExpression: maybe(g, g.text()), ExpressionAttributeNames: g.names(), ExpressionAttributeValues: g.item(1),
		ReturnValuesOnConditionCheckFailure: dynamodb.ReturnValuesOnConditionCheckFailureAllOld,
	}
	update := &dynamodb.UpdateItemInput{
		TableName: &table, Key: g.item(0), UpdateExpression: maybe(g, g.text()), ConditionExpression: maybe(g, g.text()),
		ExpressionAttributeNames: g.names(), ExpressionAttributeValues: g.item(2), ReturnValues: dynamodb.ReturnValueAllNew,
	}
	get := &dynamodb.GetItemInput{TableName: &table, Key: g.item(1), ConsistentRead: maybe(g, true)}
	query := &dynamodb.QueryInput{
		TableName: &table, IndexName: maybe(g, g.text()), KeyConditionExpression: maybe(g, g.text()), ExpressionAttributeValues: g.item(1),
		ExpressionAttributeNames: g.names(), ScanIndexForward: maybe(g, false), ConsistentRead: maybe(g, true), Limit: maybe(g, g.Int32()),
		ExclusiveStartKey: g.item(0),
	}
	keys := many(g, func() map[string]dynamodb.AttributeValue { return g.item(0) })
	batch := &dynamodb.BatchGetItemInput{RequestItems: map[string]dynamodb.KeysAndAttributes{table: {Keys: keys, ConsistentRead: maybe(g, true)}}}
	url, text := "https://sqs.example/1/q", g.text()
	sends := &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: many(g, func() sqs.SendMessageBatchRequestEntry {
		return sqs.SendMessageBatchRequestEntry{Id: aws.String(g.name()), MessageBody: aws.String(g.text()), DelaySeconds: g.Int32N(900)}
	})}
	receive := &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: g.Int32N(20), VisibilityTimeout: g.Int32N(99),
		MessageSystemAttributeNames: []sqs.MessageSystemAttributeName{"SentTimestamp", "ApproximateReceiveCount"},
	}
	path, key := "/smartlead/"+g.name(), "acme/"+g.name()+"x"
	bucket, body := "bucket-1", g.bytes()
	list := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String("account=" + text), StartAfter: maybe(g, key)}
	return map[string]call{
		"PutItem":      func(ctx context.Context, c clients) (any, error) { return c.PutItem(ctx, put) },
		"UpdateItem":   func(ctx context.Context, c clients) (any, error) { return c.UpdateItem(ctx, update) },
		"GetItem":      func(ctx context.Context, c clients) (any, error) { return c.GetItem(ctx, get) },
		"Query":        func(ctx context.Context, c clients) (any, error) { return c.Query(ctx, query) },
		"BatchGetItem": func(ctx context.Context, c clients) (any, error) { return c.BatchGetItem(ctx, batch) },

		"SendMessageBatch": func(ctx context.Context, c clients) (any, error) { return c.queue.SendMessageBatch(ctx, sends) },
		"ReceiveMessage":   func(ctx context.Context, c clients) (any, error) { return c.queue.ReceiveMessage(ctx, receive) },
		"DeleteMessageBatch": func(ctx context.Context, c clients) (any, error) {
			return c.queue.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []sqs.DeleteMessageBatchRequestEntry{{Id: &table, ReceiptHandle: &text}}})
		},
		"ChangeMessageVisibility": func(ctx context.Context, c clients) (any, error) {
			return c.queue.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: &text, VisibilityTimeout: 7})
		},
		"ChangeMessageVisibilityBatch": func(ctx context.Context, c clients) (any, error) {
			return c.queue.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
				QueueUrl: &url, Entries: []sqs.ChangeMessageVisibilityBatchRequestEntry{{Id: &table, ReceiptHandle: &text}},
			})
		},
		"GetQueueAttributes": func(ctx context.Context, c clients) (any, error) {
			return c.queue.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqs.QueueAttributeName{"All"}})
		},
		"ParametersByPath": func(ctx context.Context, c clients) (any, error) {
			found, next, err := c.ssm.ParametersByPath(ctx, path, text)
			return []any{append([]parameter.Parameter{}, found...), next}, err
		},
		"GetParameter": func(ctx context.Context, c clients) (any, error) { return c.ssm.GetParameter(ctx, path) },
		"GetObject": func(ctx context.Context, c clients) (any, error) {
			return c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		},
		"PutObject": func(ctx context.Context, c clients) (any, error) {
			_, err := c.s3.PutObject(ctx, &s3.PutObjectInput{
				Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/zstd"),
			})
			return nil, err
		},
		"CreateObject": func(ctx context.Context, c clients) (any, error) {
			_, err := c.s3.PutObject(ctx, &s3.PutObjectInput{
				Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/gzip"), IfNoneMatch: aws.String("*"),
			})
			return nil, err
		},
		"ListObjects": func(ctx context.Context, c clients) (any, error) {
			return c.s3.ListObjectsV2(ctx, list)
		},
		"CopyObject": func(ctx context.Context, c clients) (any, error) {
			_, err := c.s3.CopyObject(ctx, &s3.CopyObjectInput{
				Bucket: &bucket, Key: &key, CopySource: aws.String("bucket-1/acme%2F1"), ContentType: aws.String("application/zstd"),
				MetadataDirective: s3types.MetadataDirectiveReplace, TaggingDirective: s3types.TaggingDirectiveReplace, Tagging: aws.String("a=b"),
			})
			return nil, err
		},
	}
}
