package ledger

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// GetMany reads events without payload; what does not exist is missing in the
// answer. The reads are consistent. Beside a *webhook.UnreadableError stands every
// event that could be read.
func (l *Ledger) GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	return l.getMany(ctx, ids, false, 1)
}

// getMany reads so many batches at a time. Each holds up to 16 MB: a function, whose
// memory is small, reads one after the other.
func (l *Ledger) getMany(ctx context.Context, ids []webhook.EventID, payloads bool, together int) (map[webhook.EventID]webhook.Record, error) {
	// DynamoDB refuses a batch that names an item twice.
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	found := gathered{records: make(map[webhook.EventID]webhook.Record, len(ids)), unreadable: map[webhook.EventID]error{}}
	chunks := slices.Collect(slices.Chunk(ids, maxKeys))
	for some := range slices.Chunk(chunks, together) {
		var wg sync.WaitGroup
		errs := make([]error, len(some))
		for i, chunk := range some {
			wg.Go(func() { errs[i] = l.getChunk(ctx, chunk, payloads, &found) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
	}
	if len(found.unreadable) > 0 {
		return found.records, &webhook.UnreadableError{Causes: found.unreadable}
	}
	return found.records, nil
}

// gathered is what several batches have brought.
type gathered struct {
	mu         sync.Mutex
	records    map[webhook.EventID]webhook.Record
	unreadable map[webhook.EventID]error
}

func (g *gathered) add(av map[string]dynamodb.AttributeValue, payloads bool) {
	it, err := decode(av)
	if !payloads {
		it.Payload = nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		g.unreadable[entryOf(av, "sk").id] = err
		return
	}
	rec := it.record()
	g.records[rec.ID] = rec
}

// getChunk reads up to maxKeys events.
func (l *Ledger) getChunk(ctx context.Context, ids []webhook.EventID, payloads bool, found *gathered) error {
	want := dynamodb.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, id := range ids {
		want.Keys = append(want.Keys, keyOf(id))
	}
	return l.eachOf(ctx, want, func(av map[string]dynamodb.AttributeValue) { found.add(av, payloads) })
}

// eachOf reads up to maxKeys items and hands each over. What DynamoDB leaves
// unprocessed is asked for again as long as every answer brings something.
func (l *Ledger) eachOf(ctx context.Context, want dynamodb.KeysAndAttributes, item func(map[string]dynamodb.AttributeValue)) error {
	for len(want.Keys) > 0 {
		got, err := l.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]dynamodb.KeysAndAttributes{l.table: want},
		})
		if err != nil {
			return unavailable("get many", err)
		}
		for _, av := range got.Responses[l.table] {
			item(av)
		}
		rest := got.UnprocessedKeys[l.table].Keys
		if len(rest) == len(want.Keys) {
			return unavailable("get many", errors.New("throttled"))
		}
		want.Keys = rest
	}
	return nil
}
