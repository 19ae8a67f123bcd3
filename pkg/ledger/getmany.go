package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// GetMany reads events without payload; what does not exist is missing in the
// answer. The reads are consistent. Beside a *webhook.UnreadableError stands every
// event that could be read.
func (l *Ledger) GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	return l.getMany(ctx, ids, false)
}

func (l *Ledger) getMany(ctx context.Context, ids []webhook.EventID, payloads bool) (map[webhook.EventID]webhook.Record, error) {
	// DynamoDB refuses a batch that names an item twice.
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	out := make(map[webhook.EventID]webhook.Record, len(ids))
	unreadable := map[webhook.EventID]error{}
	for chunk := range slices.Chunk(ids, maxKeys) {
		if err := l.getChunk(ctx, chunk, payloads, out, unreadable); err != nil {
			return nil, err
		}
	}
	if len(unreadable) > 0 {
		return out, &webhook.UnreadableError{Causes: unreadable}
	}
	return out, nil
}

// getChunk reads up to maxKeys events. What DynamoDB leaves
// unprocessed is asked for again as long as every answer brings something.
func (l *Ledger) getChunk(ctx context.Context, ids []webhook.EventID, payloads bool, out map[webhook.EventID]webhook.Record, unreadable map[webhook.EventID]error) error {
	want := dynamodb.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, id := range ids {
		want.Keys = append(want.Keys, keyOf(id))
	}
	for len(want.Keys) > 0 {
		got, err := l.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]dynamodb.KeysAndAttributes{l.table: want},
		})
		if err != nil {
			return unavailable("get many", err)
		}
		for _, av := range got.Responses[l.table] {
			it, err := decode(av)
			if err != nil {
				unreadable[entryOf(av, "sk").id] = err
				continue
			}
			if !payloads {
				it.Payload = nil
			}
			rec := it.record()
			out[rec.ID] = rec
		}
		rest := got.UnprocessedKeys[l.table].Keys
		if len(rest) == len(want.Keys) {
			return unavailable("get many", errors.New("throttled"))
		}
		want.Keys = rest
	}
	return nil
}
