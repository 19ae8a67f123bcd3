package awsdest

import (
	"context"

	"smartlead-receiver/pkg/webhook"
)

// Entry is an event as one call carries it.
type Entry[T any] struct {
	Value T
	Size  int // bytes, as the service counts them
}

// Sender is what a service says of its batches.
type Sender[T any] struct {
	Most  int // entries of a call
	Bytes int // of all entries of a call
	// Encode writes an event for the service, or says why it cannot be.
	Encode func(webhook.Delivery) (Entry[T], *webhook.Outcome)
	// Send makes one call and returns an outcome for each entry. whole tells that the call
	// was refused as such, so that one entry may have spoiled it for all.
	Send func(context.Context, []T) (outcomes []webhook.Outcome, whole bool)
}

// Deliver is DeliverBatch with one event.
func (s Sender[T]) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	return s.DeliverBatch(ctx, []webhook.Delivery{d})[0]
}

// DeliverBatch hands events over in calls within the service's limits. A call of several
// that is refused for good as a whole is made again for each event alone, so that none is
// condemned for another.
func (s Sender[T]) DeliverBatch(ctx context.Context, all []webhook.Delivery) []webhook.Outcome {
	outcomes := make([]webhook.Outcome, len(all))
	var values []T
	var at []int // where in all each value is
	bytes := 0
	flush := func() {
		if len(values) > 0 {
			s.send(ctx, values, at, outcomes)
		}
		values, at, bytes = nil, nil, 0
	}
	for i, d := range all {
		entry, problem := s.Encode(d)
		if problem != nil {
			outcomes[i] = *problem
			continue
		}
		if len(values) == s.Most || bytes+entry.Size > s.Bytes {
			flush()
		}
		values, at, bytes = append(values, entry.Value), append(at, i), bytes+entry.Size
	}
	flush()
	return outcomes
}

func (s Sender[T]) send(ctx context.Context, values []T, at []int, outcomes []webhook.Outcome) {
	got, whole := s.Send(ctx, values)
	if whole && len(values) > 1 && got[0].Result == webhook.ResultPermanent {
		for i := range values {
			alone, _ := s.Send(ctx, values[i:i+1])
			outcomes[at[i]] = alone[0]
		}
		return
	}
	for i, out := range got {
		outcomes[at[i]] = out
	}
}
