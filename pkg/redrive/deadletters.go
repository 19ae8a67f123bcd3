package redrive

import (
	"context"
	"errors"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// DeadLetterQueue is what the dead letter cleaner needs of the dead letter queue.
type DeadLetterQueue interface {
	DeadLetterReader
	// DeleteDead has one entry for each, nil where it is gone.
	DeleteDead(ctx context.Context, receipts []string) []error
	SendDeadLetters(ctx context.Context, msgs []webhook.Message) []error
	Send(ctx context.Context, lane webhook.Lane, msgs []webhook.Message) []error
}

// DeadLetterCounts is what became of the dead letters that were looked at.
type DeadLetterCounts struct {
	Stale   int `json:"stale"`   // cleared: the event has moved on
	Renewed int `json:"renewed"` // about to outlive the queue's retention
	Claimed int `json:"claimed"` // unclaimed events, now in the ledger
	Foreign int `json:"foreign"` // left alone
	Valid   int `json:"valid"`   // left alone: the event is dead
}

func (c *DeadLetterCounts) add(d DeadLetterCounts) {
	c.Stale += d.Stale
	c.Renewed += d.Renewed
	c.Claimed += d.Claimed
	c.Foreign += d.Foreign
	c.Valid += d.Valid
}

// gone is how many dead letters have left the queue.
func (c *DeadLetterCounts) gone() int { return c.Stale + c.Renewed + c.Claimed }

// DeadLetterCleaner keeps the dead letter queue true, so that its alarm means something.
type DeadLetterCleaner struct {
	Ledger Ledger
	Queue  DeadLetterQueue
	Now    func() time.Time
	Nonce  func() string
	Rounds int           // receives of one Clear, ten messages each
	Hold   time.Duration // for which a message is out of others' sight if this look is cut short
	Renew  time.Duration // age at which a dead letter is written anew
	Grace  time.Duration
}

// Clear looks at some of the dead letters. A dead letter is deleted only after a
// consistent read that was made after it was received has shown it stale; any
// doubt keeps it. (Cleaner of docs/model/deadletters.pml.)
func (j *DeadLetterCleaner) Clear(ctx context.Context) (DeadLetterCounts, error) {
	var counts DeadLetterCounts
	var failed error
	var stay []string
	wait := time.Second
	for range j.Rounds {
		msgs, err := j.Queue.TakeDead(ctx, 10, j.Hold, wait)
		wait = 0 // what was taken is out of sight: no time to lose
		if err != nil {
			failed = errors.Join(failed, err)
			break
		}
		kept, err := j.look(ctx, msgs, &counts)
		failed = errors.Join(failed, err)
		stay = append(stay, kept...)
		if len(msgs) == 0 {
			break
		}
	}
	// What stays is for the operator's eyes: it was out of sight for this look only.
	return counts, errors.Join(failed, j.Queue.ReleaseDead(ctx, stay))
}

// look judges the messages of one receive. It returns those that stay.
func (j *DeadLetterCleaner) look(ctx context.Context, msgs []webhook.DeadMessage, counts *DeadLetterCounts) (stay []string, err error) {
	records, err := j.Ledger.GetMany(ctx, idsOf(msgs)) // after the receipt, and consistent
	unreadable := new(webhook.UnreadableError)
	if err != nil && !errors.As(err, &unreadable) {
		records = nil
	}
	var done []webhook.DeadMessage
	var found []*int // what each of them is
	for _, m := range msgs {
		if needsRecord(m) && unreadable.Causes[m.Message.ID] != nil {
			stay = append(stay, m.Receipt)
			continue
		}
		what, failure := j.judge(ctx, m, records, counts)
		err = errors.Join(err, failure)
		if what == nil || failure != nil {
			stay = append(stay, m.Receipt)
			continue
		}
		done, found = append(done, m), append(found, what)
	}
	kept, failure := j.remove(ctx, done, found)
	return append(stay, kept...), errors.Join(err, failure)
}

// judge returns what a message that may go counts as; nil, or an error, lets it
// stay. Without records, which could not be read, no dead letter goes.
func (j *DeadLetterCleaner) judge(ctx context.Context, m webhook.DeadMessage, records map[webhook.EventID]webhook.Record, counts *DeadLetterCounts) (*int, error) {
	if needsRecord(m) && records == nil {
		return nil, nil
	}
	rec := records[m.Message.ID]
	switch classify(m, records) {
	case classForeign:
		counts.Foreign++
		return nil, nil
	case classUnclaimed:
		return &counts.Claimed, j.claim(ctx, m)
	case classStale:
		return &counts.Stale, nil
	case classValid:
	}
	if m.Message.Kind == webhook.KindDeadLetter && rec.State == webhook.Dead && j.Now().Sub(m.SentAt) > j.Renew {
		return &counts.Renewed, j.renew(ctx, rec)
	}
	counts.Valid++
	return nil, nil
}

// remove deletes what was judged, and returns what could not be deleted.
func (j *DeadLetterCleaner) remove(ctx context.Context, msgs []webhook.DeadMessage, found []*int) (stay []string, failed error) {
	if len(msgs) == 0 {
		return nil, nil
	}
	receipts := make([]string, len(msgs))
	for i, m := range msgs {
		receipts[i] = m.Receipt
	}
	for i, err := range j.Queue.DeleteDead(ctx, receipts) {
		if err != nil {
			stay, failed = append(stay, receipts[i]), errors.Join(failed, err)
			continue
		}
		*found[i]++
	}
	return stay, failed
}

// renew writes a dead letter anew before the queue's retention ends it: first the
// new one, then the old one goes.
func (j *DeadLetterCleaner) renew(ctx context.Context, rec webhook.Record) error {
	return j.Queue.SendDeadLetters(ctx, []webhook.Message{webhook.NewDeadLetter(rec)})[0]
}

// claim brings an unclaimed message, the only copy of its event, into the
// ledger and tells the worker; only then may it go. (J2 of docs/model/intake.pml.)
func (j *DeadLetterCleaner) claim(ctx context.Context, m webhook.DeadMessage) error {
	claimed, err := j.Ledger.Claim(ctx, *m.Message.Receipt, j.Nonce(), j.Now().Add(j.Grace))
	if err != nil {
		return err
	}
	if claimed.Status == webhook.ClaimAccepted {
		// Refused: the event is due in the ledger all the same.
		j.Queue.Send(ctx, webhook.Live, []webhook.Message{{Kind: webhook.KindEvent, ID: claimed.ID}})
	}
	return nil
}
