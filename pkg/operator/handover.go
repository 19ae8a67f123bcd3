package operator

import (
	"context"
	"errors"
	"sync"

	"smartlead-receiver/pkg/webhook"
)

// HandOvers lets events wait for another destination. It returns
// webhook.ErrNotFound and webhook.ErrChanged, having changed nothing.
type HandOvers interface {
	HandOver(ctx context.Context, h webhook.HandOver) (webhook.Record, error)
}

// handOversAtOnce is how many events are handed over side by side.
const handOversAtOnce = 8

// HandedOver is what became of a hand-over of many events.
type HandedOver struct {
	Done    []webhook.Record // as they stand after it
	Left    int              // moved meanwhile, taken by a worker, or gone: nothing was changed
	Failed  int              // whether they were handed over is not known, or they were not tried
	Failure error            // of one that failed; the context's where it ended
}

// HandOver lets each of the events wait for the destination to instead of from. An
// event that fails keeps no other back. done, if any, is called after each, not
// concurrently. It may be repeated: an event is handed over once.
func (s *Service) HandOver(ctx context.Context, ids []webhook.EventID, from, to string, done func()) HandedOver {
	var out HandedOver
	var mu sync.Mutex
	note := func(rec webhook.Record, err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			out.Done = append(out.Done, rec)
		case errors.Is(err, webhook.ErrChanged), errors.Is(err, webhook.ErrNotFound):
			out.Left++
		default:
			out.Failed, out.Failure = out.Failed+1, err
		}
		if done != nil {
			done()
		}
	}
	next := make(chan webhook.HandOver)
	var workers sync.WaitGroup
	for range handOversAtOnce {
		workers.Go(func() {
			for h := range next {
				note(s.HandOvers.HandOver(ctx, h))
			}
		})
	}
	for _, id := range ids {
		nonce, err := s.Nonce()
		if err = errors.Join(err, ctx.Err()); err != nil {
			note(webhook.Record{}, err)
			continue
		}
		next <- webhook.HandOver{ID: id, From: from, To: to, At: s.Now(), Nonce: nonce}
	}
	close(next)
	workers.Wait()
	return out
}
