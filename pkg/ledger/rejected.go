package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
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
	av, err := dynamodb.MarshalMap(rejectedItem{
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

// RejectedRequests lists the requests that were not accepted from since on and
// before until, newest first, at most limit. Each UTC day of the span costs a call.
func (l *Ledger) RejectedRequests(ctx context.Context, since, until time.Time, limit int) ([]webhook.RejectedRequest, error) {
	refused := []webhook.RejectedRequest{}
	for day := range daysBack(since, until) {
		if len(refused) >= limit {
			break
		}
		left := limit - len(refused)
		for r, err := range l.rejectedOfDay(ctx, day, since, until, left) {
			if err != nil {
				return nil, err
			}
			if refused = append(refused, r); len(refused) == limit {
				break
			}
		}
	}
	return refused, nil
}

// EachRejected hands over every request that was not accepted from since on and before
// until, newest first. Each UTC day of the span costs a call. The first error ends it.
func (l *Ledger) EachRejected(ctx context.Context, since, until time.Time) iter.Seq2[webhook.RejectedRequest, error] {
	return func(yield func(webhook.RejectedRequest, error) bool) {
		for day := range daysBack(since, until) {
			for r, err := range l.rejectedOfDay(ctx, day, since, until, maxScanned) {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// EraseRejected takes out of a refused request what its sender wrote. Its cause and
// time remain. It returns webhook.ErrNotFound, and may be repeated.
func (l *Ledger) EraseRejected(ctx context.Context, r webhook.RejectedRequest) error {
	when := at(r.At)
	_, err := l.write(ctx, changeItem(itemKey(rejectedPK(string(when[:10])), string(when)+"#"+r.RequestID)).
		remove("excerpt", "detail", "user_agent"))
	return changed(err)
}

// daysBack are the UTC days of a span, the last one first.
func daysBack(since, until time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		if !since.Before(until) { // DynamoDB refuses such a span
			return
		}
		for d := startOfDay(until); !d.Before(startOfDay(since)) && yield(d); d = d.AddDate(0, 0, -1) {
		}
	}
}

func startOfDay(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// rejectedOfDay hands over those of a day, page by page.
func (l *Ledger) rejectedOfDay(ctx context.Context, day, since, until time.Time, page int) iter.Seq2[webhook.RejectedRequest, error] {
	return func(yield func(webhook.RejectedRequest, error) bool) {
		in := &dynamodb.QueryInput{
			TableName:              &l.table,
			KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :since AND :until"),
			ExpressionAttributeValues: map[string]dynamodb.AttributeValue{
				":pk":    &dynamodb.AttributeValueMemberS{Value: rejectedPK(day.Format(time.DateOnly))},
				":since": &dynamodb.AttributeValueMemberS{Value: string(at(since))},
				":until": &dynamodb.AttributeValueMemberS{Value: string(at(until))}, // a key at that time goes on, so it is beyond
			},
			ScanIndexForward: aws.Bool(false),
			Limit:            aws.Int32(int32(page)), //nolint:gosec // a page size, small
		}
		for more := true; more; more = len(in.ExclusiveStartKey) > 0 {
			out, err := l.api.Query(ctx, in)
			if err != nil {
				yield(webhook.RejectedRequest{}, unavailable("refusals", err))
				return
			}
			for _, av := range out.Items {
				var it rejectedItem
				if err := dynamodb.UnmarshalMap(av, &it); err != nil {
					it = unreadableRefusal(av, err)
				}
				if !yield(it.request(), nil) {
					return
				}
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
	}
}

func (it rejectedItem) request() webhook.RejectedRequest {
	return webhook.RejectedRequest{
		At: it.At.time(), RequestID: it.RequestID, Source: it.Source, Kind: it.Kind, Cause: it.Cause,
		Detail: it.Detail, SourceIP: it.SourceIP, UserAgent: it.UserAgent, Bytes: it.Bytes, Excerpt: it.Excerpt,
	}
}

// unreadableRefusal stands for an item that this version cannot read: its key says when
// it was, and of which request.
func unreadableRefusal(av map[string]dynamodb.AttributeValue, err error) rejectedItem {
	when, id, _ := strings.Cut(entryOf(av, "sk").key, "#")
	return rejectedItem{At: instant(when), RequestID: id, Cause: "unreadable", Detail: "this entry cannot be read: " + err.Error()}
}
