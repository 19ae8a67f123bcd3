package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// maxClaimRaces bounds how often a timeless claim looks for its occurrence anew
// because another receipt took the number.
const maxClaimRaces = 4

// claimTimeless claims an event that may repeat for real. Two receipts that
// choose the same number meet at the conditional put: one wins, the other looks
// again and is a duplicate of the winner if it is within the window.
func (l *Ledger) claimTimeless(ctx context.Context, c claim) (webhook.Claimed, error) {
	for range maxClaimRaces {
		known, next, err := l.occurrenceOf(ctx, c.Receipt)
		if err != nil {
			return webhook.Claimed{}, err
		}
		if known != nil {
			return l.answer(ctx, *known, c)
		}
		it := newClaim(webhook.NewEventID(c.Key, next.number), c)
		it.Late = next.late
		won, err := l.put(ctx, it)
		if err != nil {
			return webhook.Claimed{}, err
		}
		if won.ClaimNonce == c.nonce {
			return l.answer(ctx, won, c)
		}
	}
	return webhook.Claimed{}, unavailable("claim", fmt.Errorf("%s: the next occurrence was taken %d times", c.Key, maxClaimRaces))
}

// occurrence is the place of a new one.
type occurrence struct {
	number int
	late   bool // an earlier number was received later
}

// occurrenceOf finds the occurrence of a timeless event of which r is a
// repeat, or the place of the next one.
//
// The distance is taken both ways, because an event that was stored late (it
// was in the unclaimed lane) may be older than what stands in the ledger. It is
// marked as late. The others stand in the order of their receipt, so that the
// first of them that is too old ends the search: what stands before it is
// older still.
func (l *Ledger) occurrenceOf(ctx context.Context, r webhook.Receipt) (known *item, next occurrence, err error) {
	next.number = 1
	var start key
	for limit := int32(1); ; limit = 20 {
		out, err := l.api.Query(ctx, &dynamodb.QueryInput{
			TableName:              &l.table,
			ConsistentRead:         aws.Bool(true),
			KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :e)"),
			ExpressionAttributeValues: map[string]dynamodb.AttributeValue{
				":pk": &dynamodb.AttributeValueMemberS{Value: r.Key},
				":e":  &dynamodb.AttributeValueMemberS{Value: "E#"},
			},
			ScanIndexForward:  aws.Bool(false),
			Limit:             aws.Int32(limit),
			ExclusiveStartKey: start,
		})
		if err != nil {
			return nil, occurrence{}, unavailable("occurrence", err)
		}
		for _, av := range out.Items {
			it, err := decode(av)
			if err != nil {
				return nil, occurrence{}, err
			}
			next.number = max(next.number, it.id().Occurrence()+1)
			distance := r.ReceivedAt.Truncate(time.Millisecond).Sub(it.receivedAt())
			switch {
			case distance.Abs() < r.Window:
				return &it, occurrence{}, nil
			case it.Late:
			case distance > 0:
				return nil, next, nil
			default:
				next.late = true
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil, next, nil
		}
		start = out.LastEvaluatedKey
	}
}
