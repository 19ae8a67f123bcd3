package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// A document is a small piece of state beside the events, such as a redrive
// job: opaque bytes under a version that every write must have seen. The
// version is a fencing token: a writer that was overtaken changes nothing.
type document struct {
	PK        string       `dynamodbav:"pk"`
	SK        string       `dynamodbav:"sk"`
	Version   int          `dynamodbav:"version"`
	Body      []byte       `dynamodbav:"body"`
	UpdatedAt instant      `dynamodbav:"updated_at"`
	ExpiresAt epochSeconds `dynamodbav:"expires_at,omitempty"`
}

// LoadDocument returns a document and its version, by a consistent read. It
// returns webhook.ErrNotFound where there is none; its version is then 0.
func (l *Ledger) LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error) {
	out, err := l.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &l.table, Key: itemKey(kind, name), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, 0, unavailable("document", err)
	}
	if len(out.Item) == 0 {
		return nil, 0, webhook.ErrNotFound
	}
	d := documentOf(out.Item)
	return d.Body, d.Version, nil
}

// documentOf reads an item. One that is not as it is written has no body: it must
// break no listing, and can be written over.
func documentOf(av map[string]dynamodb.AttributeValue) webhook.Document {
	var d document
	if err := dynamodb.UnmarshalMap(av, &d); err != nil {
		var rest struct {
			SK      string `dynamodbav:"sk"`
			Version int    `dynamodbav:"version"`
		}
		_ = dynamodb.UnmarshalMap(av, &rest) // the name is a text: it is of the key
		return webhook.Document{Name: rest.SK, Version: rest.Version}
	}
	return webhook.Document{Name: d.SK, Version: d.Version, Body: d.Body}
}

// SaveDocument writes a document if its version is still the one seen (0: it
// does not exist yet). It returns webhook.ErrChanged, having changed nothing,
// where it is not. expiresAt zero keeps the document for ever.
// The writes of the job in redrive.pml.
func (l *Ledger) SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error {
	av, err := dynamodb.MarshalMap(document{
		PK: kind, SK: name, Version: seen + 1, Body: body, UpdatedAt: at(now), ExpiresAt: seconds(expiresAt),
	})
	if err != nil {
		return fmt.Errorf("ledger: document cannot be written: %w", err)
	}
	in := &dynamodb.PutItemInput{TableName: &l.table, Item: av}
	if seen == 0 {
		in.ConditionExpression = aws.String("attribute_not_exists(pk)")
	} else {
		in.ConditionExpression = aws.String("version = :seen")
		in.ExpressionAttributeValues = map[string]dynamodb.AttributeValue{
			":seen": &dynamodb.AttributeValueMemberN{Value: strconv.Itoa(seen)},
		}
	}
	_, err = l.api.PutItem(ctx, in)
	var failed *dynamodb.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		return webhook.ErrChanged
	case err != nil:
		return unavailable("document", err)
	}
	return nil
}

// ListDocuments returns the documents of a kind, the last name first, at most
// limit.
func (l *Ledger) ListDocuments(ctx context.Context, kind string, limit int) ([]webhook.Document, error) {
	in := &dynamodb.QueryInput{
		TableName:              &l.table,
		KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]dynamodb.AttributeValue{
			":pk": &dynamodb.AttributeValueMemberS{Value: kind},
		},
		ScanIndexForward: aws.Bool(false),
		ConsistentRead:   aws.Bool(true),
		Limit:            aws.Int32(int32(limit)), //nolint:gosec // a page size, small
	}
	all := []webhook.Document{}
	for len(all) < limit {
		out, err := l.api.Query(ctx, in)
		if err != nil {
			return nil, unavailable("documents", err)
		}
		for _, item := range out.Items[:min(len(out.Items), limit-len(all))] {
			all = append(all, documentOf(item))
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			break // a page ends after 1 MB
		}
	}
	return all, nil
}
