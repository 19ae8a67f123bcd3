// Package sweep is the use case that repairs drift between ledger and queues:
// what an event owes a queue and nobody sent, the sweeper sends.
package sweep

import (
	"context"
	"errors"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Ledger lists what is due and takes note of what was sent.
type Ledger interface {
	LoadLooks(ctx context.Context, n int) (webhook.Looks, error)
	ListDue(ctx context.Context, after string, until time.Time) (webhook.Looked, error)
	SaveLooks(ctx context.Context, looks webhook.Looks, now time.Time) error
	Due(ctx context.Context, shard int, now time.Time, after string, limit int) ([]webhook.EventID, string, error)
	GetMany(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error)
	Swept(ctx context.Context, seen webhook.Record, next time.Time) error
}

// Queue sends messages and dead letters. The answer has one entry for each, nil
// where the queue took it.
type Queue interface {
	Send(ctx context.Context, lane webhook.Lane, msgs []webhook.Message) []error
	SendDeadLetters(ctx context.Context, msgs []webhook.Message) []error
}

// Policy is what an operator may tune.
type Policy struct {
	Shards   int           // of the due index
	Page     int           // events of one step, at most 100
	Grace    time.Duration // to the next sweep of the same event; doubles with each
	GraceMax time.Duration
	// LookAfter are the ages at which what was received is looked at, one look each:
	// the first when nearly all is delivered, and no claim of that age is still under way.
	LookAfter []time.Duration
}

// Service is safe for concurrent use; two sweeps at once send twice what one
// would have sent, which workers tolerate.
type Service struct {
	ledger Ledger
	queue  Queue
	now    func() time.Time
	policy Policy
}

// New returns the use case. It makes no call.
func New(ledger Ledger, queue Queue, now func() time.Time, policy Policy) *Service {
	return &Service{ledger: ledger, queue: queue, now: now, policy: policy}
}

// Report counts one sweep.
type Report struct {
	Looked      int   // events of which it was asked whether they owe their first message
	Listed      int   // of these, as due from then on
	Due         int   // events found overdue
	Sent        int   // messages that SQS accepted
	Waited      int   // of these, of events whose wait is over: nothing was lost
	DeadLetters int   // dead letters that SQS accepted
	Moved       int   // events that had moved on meanwhile
	Failed      int   // sends or notes that failed, and events that could not be read: due as before
	Cut         bool  // time ran out before all was looked at, or the whole index was walked
	Err         error // the first failure

	LedgerSilent, QueueSilent int // calls that the store did not answer, or refused
}

// Sweep looks at what was received, and then walks the due index once. It sends first,
// then moves the due time on, and only if the event is still as it was seen. It stops
// early when the context ends; what remains is due at the next sweep.
func (s *Service) Sweep(ctx context.Context) Report {
	var report Report
	s.look(ctx, &report)
	for shard := range s.policy.Shards {
		after := ""
		for {
			if ctx.Err() != nil {
				report.Cut = true
				return report
			}
			ids, next, err := s.ledger.Due(ctx, shard, s.now(), after, s.policy.Page)
			if err != nil {
				report.fail(err, &report.LedgerSilent)
				break
			}
			s.sendDue(ctx, ids, &report)
			if next == "" {
				break
			}
			after = next
		}
	}
	return report
}

// sendDue sends what a page of events owes. The index may be older than the
// events, so each is read before it is judged. (The Sweeper of
// docs/model/ledger.pml.)
func (s *Service) sendDue(ctx context.Context, ids []webhook.EventID, report *Report) {
	if len(ids) == 0 {
		return
	}
	records, err := s.ledger.GetMany(ctx, ids)
	unreadable := new(webhook.UnreadableError)
	switch {
	case errors.As(err, &unreadable): // they stay due, and hold nothing else up
		report.unreadable(unreadable)
	case err != nil:
		report.fail(err, &report.LedgerSilent)
		return
	}
	owed := make(map[webhook.Lane][]webhook.Record)
	var dead []webhook.Record
	now := s.now()
	for _, id := range ids {
		rec, exists := records[id]
		switch {
		case unreadable.Causes[id] != nil:
			continue
		case !exists || rec.DueAt.IsZero() || rec.DueAt.After(now):
			report.Moved++
			continue
		case rec.State == webhook.Dead:
			dead = append(dead, rec)
		default:
			owed[rec.Lane] = append(owed[rec.Lane], rec)
		}
		report.Due++
	}
	for _, lane := range []webhook.Lane{webhook.Live, webhook.Replay} {
		s.send(ctx, owed[lane], report, &report.Sent, eventMessage, func(msgs []webhook.Message) []error {
			return s.queue.Send(ctx, lane, msgs)
		})
	}
	s.send(ctx, dead, report, &report.DeadLetters, webhook.NewDeadLetter, func(msgs []webhook.Message) []error {
		return s.queue.SendDeadLetters(ctx, msgs)
	})
}

// eventMessage tells the worker of an event.
func eventMessage(r webhook.Record) webhook.Message {
	return webhook.Message{Kind: webhook.KindEvent, ID: r.ID}
}

// send puts the messages of some records and notes in the ledger what the queue
// took; a refused or unclear send changes nothing.
func (s *Service) send(ctx context.Context, records []webhook.Record, report *Report, sent *int,
	message func(webhook.Record) webhook.Message, put func([]webhook.Message) []error) {
	if len(records) == 0 {
		return
	}
	msgs := make([]webhook.Message, 0, len(records))
	for _, r := range records {
		msgs = append(msgs, message(r))
	}
	for i, err := range put(msgs) {
		if err != nil {
			report.fail(err, &report.QueueSilent)
			continue
		}
		*sent++
		if waited(records[i]) {
			report.Waited++
		}
		err := s.ledger.Swept(ctx, records[i], s.now().Add(s.wait(records[i].Sweeps)))
		switch {
		case errors.Is(err, webhook.ErrChanged) || errors.Is(err, webhook.ErrNotFound):
			report.Moved++
		case err != nil:
			report.fail(err, &report.LedgerSilent)
		}
	}
}

// Repairs counts what was sent because something was lost, or may have been.
func (r Report) Repairs() int { return r.Sent + r.DeadLetters - r.Waited }

// waited tells an event that the worker left to the sweeper, because it had to wait for
// longer than its message can in its queue, from one whose message should have come.
func waited(r webhook.Record) bool {
	return r.State == webhook.Pending && r.Sweeps == 0 && r.NotBefore.Sub(r.UpdatedAt) > webhook.LongestInQueue
}

// wait returns how long the next sweep of an event that was swept n times waits,
// so that a backlog is not doubled every minute.
func (s *Service) wait(n int) time.Duration {
	d := s.policy.Grace
	for range n {
		if d *= 2; d >= s.policy.GraceMax {
			return s.policy.GraceMax
		}
	}
	return d
}

func (r *Report) fail(err error, silent *int) {
	r.Failed++
	*silent++
	if r.Err == nil {
		r.Err = err
	}
}

func (r *Report) unreadable(err *webhook.UnreadableError) {
	r.Failed += len(err.Causes)
	if r.Err == nil {
		r.Err = err
	}
}
