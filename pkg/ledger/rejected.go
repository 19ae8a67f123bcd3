package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/webhook"
)

// rejectedRetention is how long a rejected request is kept: longer than the provider's
// longest documented series of retries and a weekend.
const rejectedRetention = 14 * 24 * time.Hour

type rejectedItem struct {
	PK        string       `dynamodbav:"pk"` // "refused#" and the day
	SK        string       `dynamodbav:"sk"` // the time, '#', the request id
	At        instant      `dynamodbav:"at"`
	RequestID string       `dynamodbav:"gateway_request_id"`
	Source    string       `dynamodbav:"source,omitempty"`
	Kind      string       `dynamodbav:"kind"`
	Cause     string       `dynamodbav:"cause"`
	Detail    string       `dynamodbav:"detail,omitempty"`
	SourceIP  string       `dynamodbav:"source_ip,omitempty"`
	UserAgent string       `dynamodbav:"user_agent,omitempty"`
	Bytes     int          `dynamodbav:"bytes"`
	Excerpt   string       `dynamodbav:"excerpt,omitempty"`
	ExpiresAt epochSeconds `dynamodbav:"expires_at"`
}

func rejectedPK(day string) string { return "refused#" + day }

// RecordRejectedRequest keeps a request that was not accepted, for 14 days. The caller
// bounds its rate.
func (l *Ledger) RecordRejectedRequest(ctx context.Context, r webhook.RejectedRequest) error {
	if r.At.IsZero() {
		return errors.New("ledger: a refusal needs a time")
	}
	when := at(r.At)
	av, err := attributevalue.MarshalMap(rejectedItem{
		PK: rejectedPK(string(when[:10])), SK: string(when) + "#" + r.RequestID,
		At: when, RequestID: r.RequestID, Source: r.Source, Kind: r.Kind, Cause: r.Cause, Detail: r.Detail,
		SourceIP: r.SourceIP, UserAgent: r.UserAgent, Bytes: r.Bytes, Excerpt: r.Excerpt,
		ExpiresAt: seconds(r.At.Add(rejectedRetention)),
	})
	if err != nil {
		return fmt.Errorf("ledger: refusal cannot be written: %w", err)
	}
	if _, err := l.api.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.table, Item: av}); err != nil {
		return unavailable("refusal", err)
	}
	return nil
}

// RejectedRequests lists the requests of one UTC day that were not accepted, newest
// first, at most limit.
func (l *Ledger) RejectedRequests(ctx context.Context, day time.Time, limit int) ([]webhook.RejectedRequest, error) {
	out, err := l.api.Query(ctx, &dynamodb.QueryInput{
		TableName:              &l.table,
		KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": &types.AttributeValueMemberS{Value: rejectedPK(day.UTC().Format(time.DateOnly))},
		},
		ScanIndexForward: aws.Bool(false),
		Limit:            aws.Int32(int32(limit)), //nolint:gosec // a page size, small
	})
	if err != nil {
		return nil, unavailable("refusals", err)
	}
	refused := make([]webhook.RejectedRequest, 0, len(out.Items))
	for _, av := range out.Items {
		var it rejectedItem
		if err := attributevalue.UnmarshalMap(av, &it); err != nil {
			return nil, fmt.Errorf("ledger: refusal cannot be read: %w", err)
		}
		refused = append(refused, webhook.RejectedRequest{
			At: it.At.time(), RequestID: it.RequestID, Source: it.Source, Kind: it.Kind, Cause: it.Cause,
			Detail: it.Detail, SourceIP: it.SourceIP, UserAgent: it.UserAgent, Bytes: it.Bytes, Excerpt: it.Excerpt,
		})
	}
	return refused, nil
}
