package redrive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// What the cleaner would delete is what a look calls stale: both judge alike.
func TestTheLookJudgesAsTheCleanerDoes(t *testing.T) {
	letter, plain := deadLetterOf("E", 2), webhook.DeadMessage{Message: webhook.Message{Kind: webhook.KindEvent, ID: "E"}}
	for _, c := range []struct {
		name string
		m    webhook.DeadMessage
		rec  *webhook.Record
		want class
	}{
		{"no message of ours", webhook.DeadMessage{Foreign: "not its JSON"}, nil, classForeign},
		{"an unclaimed event", unclaimed("E", time.Time{}), nil, classUnclaimed},
		{"an event that is gone", letter, nil, classForeign},
		{"this very death", letter, &webhook.Record{State: webhook.Dead, LeaseNumber: 2}, classValid},
		{"a later death", letter, &webhook.Record{State: webhook.Dead, LeaseNumber: 3}, classStale},
		{"leased again", letter, &webhook.Record{State: webhook.Processing, LeaseNumber: 3}, classStale},
		{"about to die under that number", letter, &webhook.Record{State: webhook.Processing, LeaseNumber: 2}, classValid},
		{"not yet that far", letter, &webhook.Record{State: webhook.Processing, LeaseNumber: 1}, classValid},
		{"revived", letter, &webhook.Record{State: webhook.Pending, LeaseNumber: 2}, classStale},
		{"delivered", letter, &webhook.Record{State: webhook.Delivered, LeaseNumber: 2}, classStale},
		{"parked", letter, &webhook.Record{State: webhook.Parked, LeaseNumber: 2}, classStale},
		{"discarded", letter, &webhook.Record{State: webhook.Discarded, LeaseNumber: 2}, classStale},
		{"moved by SQS, being worked on", plain, &webhook.Record{State: webhook.Processing, LeaseNumber: 2}, classValid},
		{"moved by SQS, due", plain, &webhook.Record{State: webhook.Pending, LeaseNumber: 2}, classStale},
		{"moved by SQS, dead", plain, &webhook.Record{State: webhook.Dead, LeaseNumber: 2}, classStale},
	} {
		records := map[webhook.EventID]webhook.Record{}
		if c.rec != nil {
			c.rec.ID = "E"
			records["E"] = *c.rec
		}
		if got := classify(c.m, records); got != c.want {
			t.Errorf("%s: class %d, want %d", c.name, got, c.want)
		}
	}
}

func TestALookChangesNothing(t *testing.T) {
	w, q, claimed := mixed(t)
	before := maps.Clone(q.deadLetters)
	got, err := DeadLetterLook{Ledger: w, Queue: q}.Sample(t.Context(), len(before))
	if want := (DeadLetterSample{Looked: 6, Unclaimed: 1, Foreign: 2, Stale: 1, Valid: 2}); err != nil || got != want {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
	if len(q.hidden) != 0 || q.sent != 0 || len(q.deadLetters) != len(before) {
		t.Errorf("%v out of sight, %d sent, %d messages of %d", q.hidden, q.sent, len(q.deadLetters), len(before))
	}
	if _, err := w.Get(t.Context(), claimed); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("a look brought an event into the ledger: %v", err)
	}
}

func TestALookIsBounded(t *testing.T) {
	w := newWorld(t)
	q := newDLQ(w)
	for n := range 2 * MaxLook {
		q.put(fmt.Sprint(n), webhook.DeadMessage{Foreign: "not its JSON"})
	}
	for believed, want := range map[int]int{2 * MaxLook: MaxLook, 15: 20, 10: 10, 0: 10} {
		got, err := DeadLetterLook{Ledger: w, Queue: q}.Sample(t.Context(), believed)
		if err != nil || got.Looked != want || len(q.hidden) != 0 {
			t.Errorf("of %d: looked at %d (%v), want %d; %d out of sight", believed, got.Looked, err, want, len(q.hidden))
		}
	}
}

// brokenDLQ answers its first receive alone.
type brokenDLQ struct {
	*dlq
	receives int
}

func (q *brokenDLQ) TakeDead(ctx context.Context, n int, hold, wait time.Duration) ([]webhook.DeadMessage, error) {
	if q.receives++; q.receives > 1 {
		return nil, webhook.ErrUnavailable
	}
	return q.dlq.TakeDead(ctx, 1, hold, wait)
}

func TestALookThatFailsGivesEverythingBack(t *testing.T) {
	w, q, _ := mixed(t)
	for name, look := range map[string]DeadLetterLook{
		"the ledger does not answer": {Ledger: mute{Ledger: w, reads: true}, Queue: q},
		"the queue does not answer":  {Ledger: w, Queue: &brokenDLQ{dlq: q}},
	} {
		if _, err := look.Sample(t.Context(), 6); !errors.Is(err, webhook.ErrUnavailable) || len(q.hidden) != 0 {
			t.Errorf("%s: %v, %v out of sight", name, err, q.hidden)
		}
	}
}

func TestWeigh(t *testing.T) {
	for _, c := range []struct {
		dead, owed, messages int
		want                 Balance
	}{
		{0, 0, 0, NothingDead},
		{0, 0, 1, Surplus},
		{1, 0, 2, Surplus},
		{2, 0, 2, Balanced},
		{2, 1, 1, Balanced},
		{1, 1, 0, Balanced},
		{2, 1, 0, Shortfall},
		{1, 0, 0, Shortfall},
	} {
		if got := Weigh(c.dead, c.owed, c.messages); got != c.want {
			t.Errorf("%d dead events, %d owed, %d messages: %d, want %d", c.dead, c.owed, c.messages, got, c.want)
		}
	}
}
