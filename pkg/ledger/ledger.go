// Package ledger keeps every event in one DynamoDB table: its state and its
// payload in one item, so that the claim is the only write before the
// acknowledgement. It is the one place that knows item shapes, keys and
// condition expressions.
//
// The rule above all: ledger first, queue second, the sweeper repairs. Every
// state that owes a queue a message has a due time in the same write.
//
// docs/model/README.md maps its functions to the steps of the checked models.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// API is what the ledger needs of the DynamoDB client.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput) (*dynamodb.UpdateItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput) (*dynamodb.QueryOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error)
}

// Ledger is safe for concurrent use. Every method returns errors that wrap
// webhook.ErrUnavailable when the store could not be asked, did not answer or
// throttled: the effect of a write is then unknown.
type Ledger struct {
	api      API
	table    string
	variants time.Duration // for which a variant is kept
}

// New returns a ledger over the table, which keeps variants for 90 days.
func New(api API, table string) *Ledger {
	return &Ledger{api: api, table: table, variants: 90 * 24 * time.Hour}
}

// Keeping returns the same ledger, which keeps variants for that time since their
// receipt: no longer than a delivered event, so that no body outlives what it is a
// variant of for ever.
func (l *Ledger) Keeping(variants time.Duration) *Ledger {
	return &Ledger{api: l.api, table: l.table, variants: variants}
}

type key = map[string]dynamodb.AttributeValue

func keyOf(id webhook.EventID) key { return itemKey(id.Key(), eventSK(id.Occurrence())) }

func itemKey(pk, sk string) key {
	return key{
		"pk": &dynamodb.AttributeValueMemberS{Value: pk},
		"sk": &dynamodb.AttributeValueMemberS{Value: sk},
	}
}

// Get returns the event as it stands, payload included, by a consistent read.
// It returns webhook.ErrNotFound when there is none.
func (l *Ledger) Get(ctx context.Context, id webhook.EventID) (webhook.Record, error) {
	it, err := l.getItem(ctx, keyOf(id))
	if err != nil {
		return webhook.Record{}, err
	}
	return it.record(), nil
}

func (l *Ledger) getItem(ctx context.Context, k key) (item, error) {
	out, err := l.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &l.table, Key: k, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return item{}, unavailable("get", err)
	}
	if len(out.Item) == 0 {
		return item{}, webhook.ErrNotFound
	}
	return decode(out.Item)
}

// errCondition reports a failed condition together with the item that failed
// it. The item is empty where none exists.
type errCondition struct{ old item }

func (e *errCondition) Error() string { return "condition failed" }

// conditionOr turns a failed condition into *errCondition with the item that
// failed it; anything else means that the store is unavailable.
func (l *Ledger) conditionOr(ctx context.Context, k key, op string, err error) error {
	var failed *dynamodb.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return unavailable(op, err)
	}
	if len(failed.Item) > 0 {
		old, err := decode(failed.Item)
		if err != nil {
			return err
		}
		return &errCondition{old: old}
	}
	// Some engines return no item with the failure: read it. AWS returns none
	// only where none exists.
	old, err := l.getItem(ctx, k)
	if errors.Is(err, webhook.ErrNotFound) {
		return &errCondition{}
	}
	if err != nil {
		return err
	}
	return &errCondition{old: old}
}

func unavailable(op string, err error) error {
	return fmt.Errorf("ledger %s: %w: %w", op, webhook.ErrUnavailable, err)
}

func marshalValues(values map[string]any) (map[string]dynamodb.AttributeValue, error) {
	if len(values) == 0 {
		return nil, nil
	}
	out := make(map[string]dynamodb.AttributeValue, len(values))
	for name, v := range values {
		av, err := dynamodb.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("ledger: value %s: %w", name, err)
		}
		out[name] = av
	}
	return out, nil
}
