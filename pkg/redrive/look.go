package redrive

import (
	"context"
	"errors"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// DeadLetterReader takes messages out of sight, and gives them back.
type DeadLetterReader interface {
	// TakeDead takes up to n messages; they come back after hold unless deleted.
	// A wait of a second asks every server of the queue, none only some.
	TakeDead(ctx context.Context, n int, hold, wait time.Duration) ([]webhook.DeadMessage, error)
	// ReleaseDead ends the hold.
	ReleaseDead(ctx context.Context, receipts []string) error
}

// EventReader reads events as they stand.
type EventReader interface {
	// GetMany reads consistently and without payloads; what does not exist is
	// missing in the answer.
	GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error)
}

// class is what a message in the dead letter queue is.
type class int

const (
	classForeign   class = iota // no message of ours, or of no event of ours, or of one that has expired: an operator decides
	classUnclaimed              // the only copy of its event
	classStale                  // it has done its work
	classValid                  // of an event that is dead, or may become so again under that number
)

// classify judges a message by its event as a consistent read has shown it after
// the message was received.
func classify(m webhook.DeadMessage, records map[webhook.EventID]webhook.Record) class {
	switch {
	case m.Foreign != "":
		return classForeign
	case m.Message.Kind == webhook.KindUnclaimed:
		return classUnclaimed
	}
	rec, exists := records[m.Message.ID]
	switch {
	case !exists:
		return classForeign
	case stale(m.Message, rec):
		return classStale
	}
	return classValid
}

// needsRecord tells whether a message is judged by its event.
func needsRecord(m webhook.DeadMessage) bool {
	return m.Foreign == "" && m.Message.Kind != webhook.KindUnclaimed
}

func idsOf(msgs []webhook.DeadMessage) []webhook.EventID {
	var ids []webhook.EventID
	for _, m := range msgs {
		if needsRecord(m) {
			ids = append(ids, m.Message.ID)
		}
	}
	return ids
}

// stale: dead letter k has done its work when the event was leased again, or when
// it is neither dead nor being worked on under that number. A message without
// a number, which SQS moved here because no worker could start, is needed by
// nobody once the event owes nothing or is owed by its due time. (STALE of
// docs/model/ledger.pml.)
func stale(m webhook.Message, rec webhook.Record) bool {
	if m.Kind == webhook.KindEvent {
		return rec.State != webhook.Processing
	}
	k := m.DeadLetter.Death
	return rec.LeaseNumber > k || (rec.LeaseNumber == k && rec.State != webhook.Dead && rec.State != webhook.Processing)
}

// What a look takes. It gives everything back at its end; the hold is for a look
// that is cut off.
const (
	lookRounds  = 5
	lookReceive = 10
	lookHold    = 10 * time.Second

	// MaxLook is how many messages one look takes at most.
	MaxLook = lookRounds * lookReceive
)

// DeadLetterSample is what some messages of the dead letter queue are, by the
// rules of the DeadLetterCleaner.
type DeadLetterSample struct {
	Looked    int
	Unclaimed int // each the only copy of its event
	Foreign   int // none of ours, or of an event that is gone
	Stale     int // the event has moved on: the cleaner clears them
	Valid     int
}

func (s *DeadLetterSample) add(c class) {
	s.Looked++
	switch c {
	case classForeign:
		s.Foreign++
	case classUnclaimed:
		s.Unclaimed++
	case classStale:
		s.Stale++
	case classValid:
		s.Valid++
	}
}

// DeadLetterLook looks into the dead letter queue and changes nothing. What is
// foreign or unclaimed has no other place to be seen.
type DeadLetterLook struct {
	Ledger EventReader
	Queue  DeadLetterReader
}

// Sample looks at messages until it has seen as many as the queue is believed to
// hold, at most MaxLook, and gives them back. Those that others hold are not seen.
// It returns the errors of the queue and of the ledger.
func (l DeadLetterLook) Sample(ctx context.Context, believed int) (DeadLetterSample, error) {
	var s DeadLetterSample
	var taken []string
	defer func() { _ = l.Queue.ReleaseDead(ctx, taken) }() // else they come back after the hold
	for range lookRounds {
		msgs, err := l.Queue.TakeDead(ctx, lookReceive, lookHold, time.Second)
		if err != nil {
			return DeadLetterSample{}, err
		}
		for _, m := range msgs {
			taken = append(taken, m.Receipt)
		}
		records, err := l.read(ctx, msgs)
		unreadable := new(webhook.UnreadableError)
		if err != nil && !errors.As(err, &unreadable) {
			return DeadLetterSample{}, err
		}
		for _, m := range msgs {
			if needsRecord(m) && unreadable.Causes[m.Message.ID] != nil {
				s.Looked++ // the cleaner lets it lie
				continue
			}
			s.add(classify(m, records))
		}
		if len(msgs) == 0 || s.Looked >= believed {
			break
		}
	}
	return s, nil
}

func (l DeadLetterLook) read(ctx context.Context, msgs []webhook.DeadMessage) (map[webhook.EventID]webhook.Record, error) {
	ids := idsOf(msgs)
	if len(ids) == 0 {
		return nil, nil
	}
	return l.Ledger.GetMany(ctx, ids)
}

// Balance compares the dead events with what the dead letter queue holds.
type Balance int

const (
	// Balanced: about a message for each dead event.
	Balanced Balance = iota
	// NothingDead: neither a dead event nor a message.
	NothingDead
	// Surplus: more messages than dead events; some are stale, unclaimed or foreign.
	Surplus
	// Shortfall: dead events whose message was sent and is no longer there: it
	// expired or was purged. A replay and a redrive need none.
	Shortfall
)

// Weigh compares the number of dead events with that of messages. Of the events, some
// still owe theirs, and lack none.
func Weigh(dead, owed, messages int) Balance {
	switch {
	case dead == 0 && messages == 0:
		return NothingDead
	case messages > dead:
		return Surplus
	case messages+owed < dead:
		return Shortfall
	}
	return Balanced
}
