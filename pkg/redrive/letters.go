package redrive

import (
	"context"
	"errors"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// DeadLetters is what the janitor needs of the dead letter queue.
type DeadLetters interface {
	// TakeDead takes up to n messages; they come back after hold unless deleted.
	// A wait of a second asks every server of the queue, none only some.
	TakeDead(ctx context.Context, n int, hold, wait time.Duration) ([]webhook.DeadMessage, error)
	DeleteDead(ctx context.Context, receipt string) error
	// ReleaseDead ends the hold.
	ReleaseDead(ctx context.Context, receipts []string) error
	SendLetters(ctx context.Context, msgs []webhook.Message) []error
	Send(ctx context.Context, lane webhook.Lane, msgs []webhook.Message) []error
}

// LetterCounts is what became of the letters that were looked at.
type LetterCounts struct {
	Stale   int `json:"stale"`   // cleared: the event has moved on
	Renewed int `json:"renewed"` // about to outlive the queue's retention
	Claimed int `json:"claimed"` // unclaimed events, now in the ledger
	Foreign int `json:"foreign"` // left alone
	Valid   int `json:"valid"`   // left alone: the event is dead
}

func (c *LetterCounts) add(d LetterCounts) {
	c.Stale += d.Stale
	c.Renewed += d.Renewed
	c.Claimed += d.Claimed
	c.Foreign += d.Foreign
	c.Valid += d.Valid
}

// Janitor keeps the dead letter queue true, so that its alarm means something.
type Janitor struct {
	Ledger Ledger
	Queue  DeadLetters
	Now    func() time.Time
	Nonce  func() string
	Rounds int           // receives of one Clear, ten messages each
	Hold   time.Duration // for which a message is out of others' sight if this look is cut short
	Renew  time.Duration // age at which a letter is written anew
	Grace  time.Duration
}

// Clear looks at some of the letters. A letter is deleted only after a
// consistent read that was made after it was received has shown it stale; any
// doubt keeps it. (The Janitor of docs/model/letters.pml and of ledger.pml.)
func (j *Janitor) Clear(ctx context.Context) (LetterCounts, error) {
	var counts LetterCounts
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
		for _, m := range msgs {
			gone, err := j.judge(ctx, m, &counts)
			failed = errors.Join(failed, err)
			if !gone {
				stay = append(stay, m.Receipt)
			}
		}
		if len(msgs) == 0 {
			break
		}
	}
	// What stays is for the operator's eyes: it was out of sight for this look only.
	return counts, errors.Join(failed, j.Queue.ReleaseDead(ctx, stay))
}

// judge returns whether the message has left the queue.
func (j *Janitor) judge(ctx context.Context, m webhook.DeadMessage, counts *LetterCounts) (gone bool, err error) {
	switch {
	case m.Foreign != "":
		counts.Foreign++
		return false, nil
	case m.Message.Kind == webhook.KindUnclaimed:
		return j.claim(ctx, m, counts)
	}
	rec, err := j.Ledger.Get(ctx, m.Message.ID)
	switch {
	case errors.Is(err, webhook.ErrNotFound):
		counts.Foreign++ // no event of ours, or one that has expired: an operator decides
		return false, nil
	case err != nil:
		return false, err
	case stale(m.Message, rec):
		return j.remove(ctx, m, &counts.Stale)
	case m.Message.Kind == webhook.KindLetter && rec.State == webhook.Dead && j.Now().Sub(m.SentAt) > j.Renew:
		return j.renew(ctx, m, rec, counts)
	}
	counts.Valid++
	return false, nil
}

func (j *Janitor) remove(ctx context.Context, m webhook.DeadMessage, counter *int) (gone bool, err error) {
	if err := j.Queue.DeleteDead(ctx, m.Receipt); err != nil {
		return false, err
	}
	*counter++
	return true, nil
}

// stale: letter k has done its work when the event was leased again, or when
// it is neither dead nor being worked on under that number. A message without
// a number, which SQS moved here because no worker could start, is needed by
// nobody once the event owes nothing or is owed by its due time. (STALE of
// docs/model/ledger.pml.)
func stale(m webhook.Message, rec webhook.Record) bool {
	if m.Kind == webhook.KindEvent {
		return rec.State != webhook.Processing
	}
	k := m.Letter.Death
	return rec.LeaseNumber > k || (rec.LeaseNumber == k && rec.State != webhook.Dead && rec.State != webhook.Processing)
}

// renew writes a letter anew before the queue's retention ends it: first the
// new one, then the old one goes. (renew and remove of
// docs/model/letters.pml.)
func (j *Janitor) renew(ctx context.Context, m webhook.DeadMessage, rec webhook.Record, counts *LetterCounts) (gone bool, err error) {
	if err := j.Queue.SendLetters(ctx, []webhook.Message{webhook.LetterOf(rec)})[0]; err != nil {
		return false, err
	}
	return j.remove(ctx, m, &counts.Renewed)
}

// claim brings an unclaimed message, the only copy of its event, into the
// ledger, tells the worker, and only then deletes it. (The Janitor of
// docs/model/intake.pml.)
func (j *Janitor) claim(ctx context.Context, m webhook.DeadMessage, counts *LetterCounts) (gone bool, err error) {
	now := j.Now()
	claimed, err := j.Ledger.Claim(ctx, *m.Message.Receipt, j.Nonce(), now.Add(j.Grace))
	if err != nil {
		return false, err
	}
	if claimed.Status == webhook.ClaimAccepted {
		// Refused: the event is due in the ledger all the same.
		j.Queue.Send(ctx, webhook.Live, []webhook.Message{{Kind: webhook.KindEvent, ID: claimed.ID}})
	}
	return j.remove(ctx, m, &counts.Claimed)
}
