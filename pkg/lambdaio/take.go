package lambdaio

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/webhook"
)

// An invocation ends with its slowest attempt, and the platform gives it no message
// before. So a destination that takes seconds keeps workers from new events, although
// they only wait. Where events have waited for a worker, one that waits itself takes
// further messages of the live lane, as long as anything of its own is under way.
const (
	// inHand is how many messages an invocation has under way at most: a batch.
	inHand = 10
	// takeAfter is how long a worker is busy before it takes more: longer than an event
	// that waits for nobody.
	takeAfter = 150 * time.Millisecond
	// takePart is for which part of an invocation it takes more: of 60 seconds the first 15,
	// so that the attempts of the last message have 40.
	takePart = 4
	// takeFor bounds it where an invocation has no deadline.
	takeFor = 15 * time.Second
	// takeWait is the wait of one look. It is never cut short, since messages could be
	// hidden; an invocation ends so much later at most.
	takeWait = time.Second
	// queuePatience is how long SQS is waited for: where it took the whole invocation, the
	// batch would come again. For the answer, answerTime is kept back.
	queuePatience = 5 * time.Second
	answerTime    = 500 * time.Millisecond
	// An event that waited for so long for its worker is a sign that workers are short,
	lateStart = 100 * time.Millisecond
	// unless it would be so long that a clock must be wrong,
	wrongClock = time.Hour
	// and counts for so long.
	shortFor = time.Minute
)

// shortage is what an instance knows of whether workers are short.
type shortage struct{ until atomic.Int64 } // Unix nanoseconds

func (s *shortage) seen(now time.Time)       { s.until.Store(now.Add(shortFor).UnixNano()) }
func (s *shortage) lasts(now time.Time) bool { return now.UnixNano() < s.until.Load() }

// isShort tells whether events of the live lane wait for workers: one of this batch did,
// or one did lately.
func (w worker) isShort(batch events.SQSEvent) bool {
	if len(batch.Records) == 0 || w.lane(batch.Records[0]) != webhook.Live {
		return false
	}
	now := w.Now()
	for _, rec := range batch.Records {
		sent, err := strconv.ParseInt(rec.Attributes["SentTimestamp"], 10, 64)
		waited := now.Sub(time.UnixMilli(sent))
		if err == nil && rec.Attributes["ApproximateReceiveCount"] == "1" && waited >= lateStart && waited < wrongClock {
			w.short.seen(now)
		}
	}
	return w.short.lasts(now)
}

// takeMore takes messages while work is under way and there is time for them. What is
// done with is deleted here, as the platform deletes what it handed over.
func (w worker) takeMore(ctx context.Context, arn string, work *work) {
	ends := time.Now().Add(takeFor)
	if deadline, ok := ctx.Deadline(); ok {
		ends = time.Now().Add(time.Until(deadline) / takePart)
	}
	var done receipts
	defer func() {
		work.wait()
		w.deleteTaken(ctx, done.take(1))
	}()
	for pause := takeAfter; ; pause = 0 {
		if !work.pause(pause) || !time.Now().Before(ends) {
			return
		}
		taken, err := w.take(ctx, inHand-work.count())
		if err != nil {
			w.Line(ctx, slog.LevelWarn, "worker.takes", nil, slog.String("outcome", "took none"), slog.String("error", errorText(err)))
			return
		}
		if len(taken) > 0 {
			w.short.seen(w.Now())
		}
		for _, m := range taken {
			rec := events.SQSMessage{
				MessageId: m.MessageID, ReceiptHandle: m.Receipt, Body: m.Body, EventSourceARN: arn,
				Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.Receives)},
			}
			work.begin(func() {
				if !w.handle(ctx, rec) {
					done.add(rec.ReceiptHandle)
				}
			})
		}
		w.deleteTaken(ctx, done.take(inHand))
	}
}

func (w worker) take(ctx context.Context, n int) ([]webhook.LiveMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, takeWait+queuePatience)
	defer cancel()
	return w.lanes.TakeLive(ctx, n, takeWait)
}

// patient bounds a call of the queue, by what is left of the invocation, too.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	wait := queuePatience
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		wait = min(wait, max(left-answerTime, left/2)) // a call at the very end still has a chance
	}
	return context.WithTimeout(ctx, wait)
}

// deleteTaken removes messages that are done with. One that stays comes again, and meets
// a finished event.
func (w worker) deleteTaken(ctx context.Context, receipts []string) {
	if len(receipts) == 0 {
		return
	}
	ctx, cancel := patient(ctx)
	defer cancel()
	if err := w.lanes.DeleteLive(ctx, receipts); err != nil {
		w.Line(ctx, slog.LevelWarn, "worker.takes", nil, slog.String("outcome", "they come again"), slog.String("error", errorText(err)))
	}
}

// receipts are of messages that are done with.
type receipts struct {
	mu   sync.Mutex
	list []string
}

func (r *receipts) add(receipt string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, receipt)
}

// take returns all of them, unless there are fewer than least.
func (r *receipts) take(least int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) < least {
		return nil
	}
	all := r.list
	r.list = nil
	return all
}

// work is what an invocation has under way.
type work struct {
	mu      sync.Mutex
	running int
	changed chan struct{} // closed when one has ended
	all     sync.WaitGroup
}

func newWork() *work { return &work{changed: make(chan struct{})} }

func (k *work) begin(do func()) {
	k.mu.Lock()
	k.running++
	k.mu.Unlock()
	k.all.Go(func() {
		defer k.end()
		do()
	})
}

func (k *work) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running--
	close(k.changed)
	k.changed = make(chan struct{})
}

func (k *work) wait() { k.all.Wait() }

func (k *work) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.running
}

// pause waits for d, and until there is a place for one more. It returns false as soon as
// nothing is under way.
func (k *work) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	rested := false
	for {
		k.mu.Lock()
		running, changed := k.running, k.changed
		k.mu.Unlock()
		switch {
		case running == 0:
			return false
		case rested && running < inHand:
			return true
		case rested:
			<-changed
			continue
		}
		select {
		case <-timer.C:
			rested = true
		case <-changed:
		}
	}
}
