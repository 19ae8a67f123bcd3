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

// claim is one receipt that asks for its identity.
type claim struct {
	webhook.Receipt
	nonce    string    // new for every call: tells whether a write whose answer was lost was this one
	dueAt    time.Time // when the sweeper sends what nobody worked on
	unlisted bool      // see ClaimReceived
}

// Claim makes a receipt durable, or says what it repeats. One conditional write
// for an event whose identity has a time or an id; a timeless event costs one
// consistent read more. What a receipt of a known event does is in duplicate.go.
//
// nonce is new for every call: an old item that carries it means that this very
// claim won and its answer was lost. dueAt is when the sweeper sends what nobody
// worked on.
func (l *Ledger) Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	return l.claim(ctx, claim{Receipt: r, nonce: nonce, dueAt: dueAt})
}

// ClaimReceived is Claim for a receipt of this moment: a new event has its due time, and
// the index due does not list it yet, since nearly all are delivered before that. ListDue
// lists the others, which looks at what was received some time ago; so a receipt that has
// waited, as in a queue, is none for it. It saves two write units of each event.
func (l *Ledger) ClaimReceived(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	return l.claim(ctx, claim{Receipt: r, nonce: nonce, dueAt: dueAt, unlisted: true})
}

func (l *Ledger) claim(ctx context.Context, c claim) (webhook.Claimed, error) {
	r := c.Receipt
	if r.Key == "" || r.ReceivedAt.IsZero() {
		return webhook.Claimed{}, errors.New("ledger: a receipt needs a key and the time of its receipt")
	}
	if r.Timeless {
		return l.claimTimeless(ctx, c)
	}
	it, err := l.put(ctx, newClaim(webhook.NewEventID(r.Key, 1), c))
	if err != nil {
		return webhook.Claimed{}, err
	}
	return l.answer(ctx, it, c)
}

func newClaim(id webhook.EventID, c claim) item {
	it := newItem(id, c.Receipt)
	it.ClaimNonce = c.nonce
	it.open(c.Held, c.dueAt)
	if c.unlisted {
		it.DueShard = ""
	}
	return it
}

// put writes a new event and returns it, or the one that was there before.
func (l *Ledger) put(ctx context.Context, it item) (item, error) {
	err := l.putAbsent(ctx, it)
	var failed *errCondition
	switch {
	case err == nil:
		return it, nil
	case !errors.As(err, &failed):
		return item{}, err
	case failed.old.PK == "":
		return item{}, unavailable("claim", errors.New("the item that refused the claim is gone"))
	}
	return failed.old, nil
}

// answer tells the winner of a claim, whose nonce the item carries, from the
// receipt of an event that was there.
func (l *Ledger) answer(ctx context.Context, it item, c claim) (webhook.Claimed, error) {
	switch {
	case it.ClaimNonce != c.nonce:
		return l.repeat(ctx, it, c)
	case c.Held:
		return webhook.Claimed{ID: it.id(), Status: webhook.ClaimHeld, Record: it.record()}, nil
	}
	return webhook.Claimed{ID: it.id(), Status: webhook.ClaimAccepted, Record: it.record()}, nil
}

// putAbsent writes an item where there is none, else returns *errCondition with
// the one that is there.
func (l *Ledger) putAbsent(ctx context.Context, it item) error {
	av, err := it.attributes()
	if err != nil {
		return err
	}
	_, err = l.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &l.table,
		Item:                                av,
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: dynamodb.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		return l.conditionOr(ctx, itemKey(it.PK, it.SK), "put", err)
	}
	return nil
}

// replace writes an item whole in the place of one that is as the conditions of u say,
// else returns *errCondition with the one that is there.
func (l *Ledger) replace(ctx context.Context, it item, u *update) error {
	av, err := it.attributes()
	if err != nil {
		return err
	}
	values, err := marshalValues(u.values)
	if err != nil {
		return err
	}
	condition := u.condition()
	_, err = l.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &l.table,
		Item:                                av,
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            u.names,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: dynamodb.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		return l.conditionOr(ctx, itemKey(it.PK, it.SK), "put", err)
	}
	return nil
}

// attributes are the item as DynamoDB takes it.
func (it item) attributes() (map[string]dynamodb.AttributeValue, error) {
	it.Facts = it.encode(it.receivedAt())
	av, err := dynamodb.MarshalMap(it)
	if err != nil {
		return nil, fmt.Errorf("ledger: item cannot be written: %w", err)
	}
	return av, nil
}
