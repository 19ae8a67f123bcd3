package ledger

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// DueShards is how many parts the due index has; a sweep walks each.
const DueShards = dueShards

// Due lists events whose due time has passed, the longest overdue first, at
// most limit of one shard. after continues behind an earlier page; it is empty
// at first. The index is eventually consistent: read the event before acting.
func (l *Ledger) Due(ctx context.Context, shardNumber int, now time.Time, after string, limit int) (ids []webhook.EventID, next string, err error) {
	shardKey := &dynamodb.AttributeValueMemberS{Value: dueShardName(shardNumber)}
	cond := "due_shard = :shard AND #due BETWEEN :after AND :now"
	if after == "" {
		after = "0"
	} else {
		after += "\x00" // strictly behind the last key of the page before
	}
	out, err := l.api.Query(ctx, &dynamodb.QueryInput{
		TableName:                &l.table,
		IndexName:                aws.String("due"),
		KeyConditionExpression:   &cond,
		ExpressionAttributeNames: map[string]string{"#due": "due"},
		ExpressionAttributeValues: map[string]dynamodb.AttributeValue{
			":shard": shardKey,
			":after": &dynamodb.AttributeValueMemberS{Value: after},
			":now":   &dynamodb.AttributeValueMemberS{Value: string(at(now))},
		},
		Limit: aws.Int32(int32(limit)), //nolint:gosec // a page size, small
	})
	if err != nil {
		return nil, "", unavailable("due", err)
	}
	for _, av := range out.Items {
		e := entryOf(av, "due")
		ids, next = append(ids, e.id), e.key
	}
	if len(out.LastEvaluatedKey) == 0 {
		next = ""
	}
	return ids, next, nil
}

// Swept records that SQS accepted what the event owed: pending and processing
// move their due time on to next, dead owes nothing more. It requires the state,
// lease number and due time that were seen, and returns webhook.ErrChanged where
// they are not, which is no failure.
func (l *Ledger) Swept(ctx context.Context, seen webhook.Record, next time.Time) error {
	u := change(seen.ID).from(seen.State).where("lease", seen.LeaseNumber).where("due", timeKey(at(seen.DueAt), seen.ID))
	if seen.State == webhook.Dead {
		u.clearDue()
	} else {
		u.due(seen.ID, next).increment("sweeps")
	}
	_, err := l.apply(ctx, u)
	return changed(err)
}
