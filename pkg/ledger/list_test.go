package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// endless is an index that never ends, whose events do not match.
type endless struct {
	ledger.API
	mu            sync.Mutex // partitions are read side by side
	keys, batches int
	throttled     bool
}

func (s *endless) Query(_ context.Context, in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var last map[string]dynamodb.AttributeValue
	out := &dynamodb.QueryOutput{}
	for range *in.Limit {
		s.keys++
		key := fmt.Sprintf("2126-03-04T11:%02d:%02d.%03dZ#v1:EMAIL_REPLY:A", 59-s.keys/60_000, 59-s.keys/1000%60, 999-s.keys%1000)
		last = map[string]dynamodb.AttributeValue{
			"time": &dynamodb.AttributeValueMemberS{Value: key}, "pk": &dynamodb.AttributeValueMemberS{Value: "v1:EMAIL_REPLY:A"}, "sk": &dynamodb.AttributeValueMemberS{Value: "E#000001"},
		}
		out.Items = append(out.Items, last)
	}
	out.LastEvaluatedKey = last
	return out, nil
}

func (s *endless) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
	s.batches++
	if s.throttled {
		return &dynamodb.BatchGetItemOutput{UnprocessedKeys: in.RequestItems}, nil
	}
	return &dynamodb.BatchGetItemOutput{}, nil
}

// A listing whose filters nothing passes ends its call, and says where to go on.
func TestListIsBounded(t *testing.T) {
	api := &endless{}
	page, err := ledger.New(api, "events").List(t.Context(), ledger.Query{Type: "EMAIL_REPLY", Limit: 10, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	if page.Scanned < 2000 || page.Scanned > 2100 || len(page.Records) != 0 || page.Next == "" {
		t.Errorf("the call read %d events, returned %d and goes on at %q", page.Scanned, len(page.Records), page.Next)
	}
	if api.batches > 25 {
		t.Errorf("%d batches for %d events", api.batches, page.Scanned)
	}
}

// stale is a dead index that still shows where an event died first.
type stale struct{ ledger.API }

func (stale) Query(context.Context, *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	return &dynamodb.QueryOutput{Items: []map[string]dynamodb.AttributeValue{
		{
			"dead_key": &dynamodb.AttributeValueMemberS{Value: "2126-03-04T11:00:00.000Z#v1:EMAIL_REPLY:A"},
			"pk":       &dynamodb.AttributeValueMemberS{Value: "v1:EMAIL_REPLY:A"}, "sk": &dynamodb.AttributeValueMemberS{Value: "E#000001"},
		},
	}}, nil
}

func (stale) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
	item := map[string]dynamodb.AttributeValue{
		"state":   &dynamodb.AttributeValueMemberS{Value: "dead"},
		"died_at": &dynamodb.AttributeValueMemberS{Value: "2126-03-04T11:30:00.000Z"},
	}
	maps.Copy(item, in.RequestItems["events"].Keys[0])
	return &dynamodb.BatchGetItemOutput{Responses: map[string][]map[string]dynamodb.AttributeValue{"events": {item}}}, nil
}

// An event that died again is not listed where it died before: the cursor of a
// redrive would jump over what died in between.
func TestDeadListingIgnoresStaleKeys(t *testing.T) {
	records, _, _, err := ledger.New(stale{}, "events").Dead(t.Context(), noon, "", 10)
	if err != nil || len(records) != 0 {
		t.Errorf("listed %d events (%v), want none", len(records), err)
	}
}

// What DynamoDB leaves unprocessed again and again is an outage, not a loop.
func TestGetManyThrottled(t *testing.T) {
	api := &endless{throttled: true}
	_, err := ledger.New(api, "events").GetMany(t.Context(), []webhook.EventID{"v1:EMAIL_REPLY:A", "v1:EMAIL_REPLY:B"})
	if !errors.Is(err, webhook.ErrUnavailable) || api.batches > 1 {
		t.Errorf("%d batches returned %v", api.batches, err)
	}
}
