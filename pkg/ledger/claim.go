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

// Claim makes a receipt durable, or says what it is a repeat of. One
// conditional write for an event whose identity has a time or an id; a
// timeless event costs one consistent read more.
//
// nonce is new for every call: an old item that carries it means that this
// very claim won and its answer was lost. dueAt is when the sweeper sends what
// nobody worked on.
//
// A repeat with another body is stored beside the event before Claim returns.
// A repeat of a held event by a trusted sender, with the same body, sets it
// free: the returned record is pending and due at once.
func (l *Ledger) Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	occurrence := 1
	if r.Timeless {
		known, next, err := l.occurrenceOf(ctx, r)
		if err != nil {
			return webhook.Claimed{}, err
		}
		if known != nil {
			return l.repeat(ctx, *known, r, dueAt)
		}
		occurrence = next
	}
	id := webhook.NewEventID(r.Key, occurrence)
	it := newItem(id, r)
	it.ClaimNonce = nonce
	it.Lane = string(webhook.Live)
	it.State, it.NotBefore = string(webhook.Pending), it.ReceivedAt
	status := webhook.ClaimAccepted
	if r.Held {
		it.State, status = string(webhook.Held), webhook.ClaimHeld
	} else {
		it.DueAt = at(dueAt)
		it.DueShard, it.DueKey = dueShard(id), timeKey(it.DueAt, id)
	}

	err := l.putAbsent(ctx, it)
	var failed *errCondition
	switch {
	case err == nil:
		return webhook.Claimed{ID: id, Status: status, Record: it.record()}, nil
	case !errors.As(err, &failed):
		return webhook.Claimed{}, err
	case failed.old.PK == "":
		return webhook.Claimed{}, unavailable("claim", errors.New("the item that refused the claim is gone"))
	case failed.old.ClaimNonce == nonce:
		return webhook.Claimed{ID: id, Status: status, Record: failed.old.record()}, nil
	}
	return l.repeat(ctx, failed.old, r, dueAt)
}

// occurrenceOf finds the occurrence of a timeless event of which r is a
// repeat, or the number of the next one. Two receivers that both choose the
// next number meet at the conditional put: one wins, the other is its
// duplicate.
//
// The distance is taken both ways, because an event that was stored late (it
// was in the unclaimed lane) may be older than what stands in the ledger.
func (l *Ledger) occurrenceOf(ctx context.Context, r webhook.Receipt) (known *item, next int, err error) {
	var start key
	for limit := int32(1); ; limit = 20 {
		out, err := l.api.Query(ctx, &dynamodb.QueryInput{
			TableName:              &l.table,
			ConsistentRead:         aws.Bool(true),
			KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :e)"),
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":pk": &types.AttributeValueMemberS{Value: r.Key},
				":e":  &types.AttributeValueMemberS{Value: "E#"},
			},
			ScanIndexForward:  aws.Bool(false),
			Limit:             aws.Int32(limit),
			ExclusiveStartKey: start,
		})
		if err != nil {
			return nil, 0, unavailable("occurrence", err)
		}
		for _, av := range out.Items {
			it, err := decode(av)
			if err != nil {
				return nil, 0, err
			}
			if next == 0 {
				next = it.id().Occurrence() + 1
			}
			distance := r.ReceivedAt.Sub(it.ReceivedAt.time())
			if distance.Abs() < r.Window {
				return &it, 0, nil
			}
			if distance > 0 {
				return nil, next, nil
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil, max(next, 1), nil
		}
		start = out.LastEvaluatedKey
	}
}

// repeat handles a receipt of an event that the ledger has.
func (l *Ledger) repeat(ctx context.Context, old item, r webhook.Receipt, dueAt time.Time) (webhook.Claimed, error) {
	id := old.id()
	if r.Fingerprint != old.Fingerprint {
		return l.keepVariant(ctx, old, r)
	}
	claimed := webhook.Claimed{ID: id, Status: webhook.ClaimDuplicate, Record: old.record()}
	if old.State == string(webhook.Held) && !r.Held {
		rec, err := l.Release(ctx, id, r.ReceivedAt, r.ReceivedAt)
		if err != nil && !errors.Is(err, webhook.ErrChanged) {
			return webhook.Claimed{}, err
		}
		if err == nil {
			claimed.Record = rec
		}
	}
	claimed.Uncounted = l.count(ctx, id, "duplicates", r.ReceivedAt)
	return claimed, nil
}

// keepVariant stores the other body durably before it says so. A variant that
// is known already is counted as a duplicate of itself.
func (l *Ledger) keepVariant(ctx context.Context, old item, r webhook.Receipt) (webhook.Claimed, error) {
	id := old.id()
	v := item{
		PK: id.Key(), SK: variantSK(id.Occurrence(), r.Fingerprint),
		State: "variant", UpdatedAt: at(r.ReceivedAt),
	}
	v.setReceipt(r)
	v.RequestID, v.StatsID, v.MessageID = "", "", "" // not a row of the look-up indexes
	claimed := webhook.Claimed{ID: id, Status: webhook.ClaimVariant, Record: old.record()}

	err := l.putAbsent(ctx, v)
	var failed *errCondition
	switch {
	case err == nil:
		claimed.Uncounted = l.count(ctx, id, "variants", r.ReceivedAt)
	case errors.As(err, &failed):
		claimed.Uncounted = l.count(ctx, id, "duplicates", r.ReceivedAt)
	default:
		return webhook.Claimed{}, err
	}
	return claimed, nil
}

func (l *Ledger) putAbsent(ctx context.Context, it item) error {
	av, err := attributevalue.MarshalMap(it)
	if err != nil {
		return fmt.Errorf("ledger: item cannot be written: %w", err)
	}
	_, err = l.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &l.table,
		Item:                                av,
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		return l.conditionOr(ctx, itemKey(it.PK, it.SK), "put", err)
	}
	return nil
}

// count raises a counter that informs and decides nothing.
func (l *Ledger) count(ctx context.Context, id webhook.EventID, counter string, seen time.Time) error {
	_, err := l.apply(ctx, update{
		key:    keyOf(id),
		set:    "#c = if_not_exists(#c, :zero) + :one, last_seen_at = :seen",
		names:  map[string]string{"#c": counter},
		values: map[string]any{":one": 1, ":zero": 0, ":seen": at(seen)},
	})
	var failed *errCondition
	if errors.As(err, &failed) {
		return webhook.ErrNotFound
	}
	return err
}
