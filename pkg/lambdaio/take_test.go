package lambdaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/pkg/webhook"
)

// liveLane is the live lane, and a destination that takes its time.
type liveLane struct {
	*testing.T
	ledger  *memory.Ledger
	takes   time.Duration
	mu      sync.Mutex
	waiting []webhook.LiveMessage
	begun   map[webhook.EventID]time.Time
	deleted map[string]int
	delayed map[string]time.Duration
	looks   int
	silent  bool // it does not answer
	running int
	most    int
	answer  func(webhook.EventID) webhook.Outcome
}

func newLiveLane(t *testing.T, takes time.Duration) *liveLane {
	return &liveLane{
		T: t, ledger: memory.New(), takes: takes, begun: map[webhook.EventID]time.Time{}, deleted: map[string]int{}, delayed: map[string]time.Duration{},
		answer: func(webhook.EventID) webhook.Outcome { return webhook.Outcome{Result: webhook.ResultDelivered} },
	}
}

func (l *liveLane) Delay(ctx context.Context, _ webhook.Lane, receipt string, d time.Duration) error {
	if l.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delayed[receipt] = d
	return nil
}

func (l *liveLane) TakeLive(ctx context.Context, n int, wait time.Duration) ([]webhook.LiveMessage, error) {
	if l.silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	l.mu.Lock()
	l.looks++
	l.mu.Unlock()
	for end := time.Now().Add(wait); ; time.Sleep(10 * time.Millisecond) {
		l.mu.Lock()
		taken := l.waiting[:min(n, len(l.waiting))]
		l.waiting = l.waiting[len(taken):]
		l.mu.Unlock()
		if len(taken) > 0 || time.Now().After(end) {
			return taken, nil
		}
	}
}

func (l *liveLane) DeleteLive(ctx context.Context, receipts []string) error {
	if l.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range receipts {
		l.deleted[r]++
	}
	return nil
}

func (l *liveLane) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	l.mu.Lock()
	l.begun[d.Event.ID] = time.Now()
	l.running++
	l.most = max(l.most, l.running)
	l.mu.Unlock()
	select {
	case <-time.After(l.takes):
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	return l.answer(d.Event.ID)
}

func (l *liveLane) Destinations(context.Context) (map[string]webhook.Destination, error) {
	return map[string]webhook.Destination{"crm": l}, nil
}

func (l *liveLane) SendDeadLetters(context.Context, []webhook.Message) []error { return []error{nil} }

func (*liveLane) Load(context.Context, webhook.Payload) ([]byte, error)        { return nil, nil }
func (*liveLane) Expire(context.Context, webhook.Payload, time.Duration) error { return nil }
func (*liveLane) Erase(context.Context, webhook.Payload) error                 { return nil }

// event claims an event; its message is its id.
func (l *liveLane) event(n int) webhook.LiveMessage {
	l.Helper()
	id := fmt.Sprintf("v1:EMAIL_REPLY:%032d", n)
	_, err := l.ledger.Claim(l.Context(), webhook.Receipt{Key: id, Account: "default", Source: "demo", ReceivedAt: time.Now()}, id, time.Now().Add(2*time.Minute))
	if err != nil {
		l.Fatal(err)
	}
	return webhook.LiveMessage{MessageID: id, Receipt: id, Body: id, Receives: 1}
}

// comes puts an event into the lane.
func (l *liveLane) comes(n int) {
	m := l.event(n)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, m)
}

func (l *liveLane) worker() WorkerHandler {
	svc := process.New(process.Ports{
		Ledger: l.ledger, DeadLetters: l, Bodies: l, Destinations: l,
		Normalize: func([]byte, string) (webhook.Event, error) { return webhook.Event{}, nil },
		Now:       time.Now, Nonce: func() string { return strconv.FormatInt(time.Now().UnixNano(), 36) }, Random: func() float64 { return 0.5 },
	}, process.DefaultPolicy)
	decode := func(body string) (webhook.Message, error) {
		if body == "" {
			return webhook.Message{}, errors.New("none of ours")
		}
		return webhook.Message{Kind: webhook.KindEvent, ID: webhook.EventID(body), First: true}, nil
	}
	return Worker(svc, decode, l, "https://sqs/1/replay", telemetry.Recorder{Log: slog.New(slog.DiscardHandler), Now: time.Now})
}

// invoke hands events over as the platform does, one of which waited for that long.
func (l *liveLane) invoke(handler WorkerHandler, queue string, waited time.Duration, numbers ...int) (failures int, took time.Duration) {
	l.Helper()
	began := time.Now()
	ctx, cancel := context.WithDeadline(l.Context(), began.Add(time.Minute))
	defer cancel()
	var batch events.SQSEvent
	for _, n := range numbers {
		m := l.event(n)
		batch.Records = append(batch.Records, events.SQSMessage{
			MessageId: m.MessageID, ReceiptHandle: m.Receipt, Body: m.Body, EventSourceARN: "arn:aws:sqs:eu-west-1:1:" + queue,
			Attributes: map[string]string{
				"SentTimestamp": strconv.FormatInt(began.Add(-waited).UnixMilli(), 10), "ApproximateReceiveCount": "1",
			},
		})
	}
	answer, err := handler(ctx, batch)
	if err != nil {
		l.Fatal(err)
	}
	return len(answer.BatchItemFailures), time.Since(began)
}

func TestAWorkerThatWaitsTakesWhatComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLiveLane(t, 2*time.Second)
		handler := l.worker()
		came := map[int]time.Time{}
		var sender sync.WaitGroup
		sender.Go(func() {
			for n := range 30 {
				time.Sleep(time.Second)
				came[n+2] = time.Now()
				l.comes(n + 2)
			}
		})
		_, took := l.invoke(handler, "live", time.Second, 1)
		sender.Wait()
		for n, at := range came {
			id := webhook.EventID(fmt.Sprintf("v1:EMAIL_REPLY:%032d", n))
			begun, taken := l.begun[id]
			if !taken {
				continue
			}
			if late := begun.Sub(at); late > 50*time.Millisecond {
				t.Errorf("event %d waited for %s", n, late)
			}
			if rec, _ := l.ledger.Get(t.Context(), id); rec.State != webhook.Delivered || l.deleted[string(id)] != 1 {
				t.Errorf("event %d is %s, its message deleted %d times", n, rec.State, l.deleted[string(id)])
			}
		}
		// It takes for 15 of its 60 seconds, and then waits for what it has.
		if n := len(l.begun); n < 14 || n > 16 || took < 15*time.Second || took > 18*time.Second {
			t.Errorf("%d events in %s", n, took)
		}
	})
}

func TestAWorkerTakesNoMoreThanItNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		takes  time.Duration // each delivery
		queue  string
		waited time.Duration // for this worker
		looks  int
		took   time.Duration // at most
	}{
		"nobody waits for workers": {2 * time.Second, "live", 20 * time.Millisecond, 0, 2 * time.Second},
		"the replay lane":          {2 * time.Second, "replay", time.Minute, 0, 2 * time.Second},
		"a quick destination":      {100 * time.Millisecond, "live", time.Minute, 0, 100 * time.Millisecond},
		"a slow one":               {2 * time.Second, "live", time.Minute, 2, 3200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLiveLane(t, c.takes)
				failures, took := l.invoke(l.worker(), c.queue, c.waited, 1)
				if failures != 0 || l.looks != c.looks || took > c.took {
					t.Errorf("%d looks, %s, %d failures", l.looks, took, failures)
				}
			})
		})
	}
}

// It has ten under way at most, and what fails comes back.
func TestWhatAWorkerTakesIsBoundedAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLiveLane(t, time.Second)
		busy := webhook.EventID(fmt.Sprintf("v1:EMAIL_REPLY:%032d", 20))
		l.answer = func(id webhook.EventID) webhook.Outcome {
			if id == busy {
				return webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "http_503", RetryAfter: 10 * time.Second}
			}
			return webhook.Outcome{Result: webhook.ResultDelivered}
		}
		for n := range 40 {
			l.comes(n + 10)
		}
		l.waiting = append(l.waiting, webhook.LiveMessage{MessageID: "foreign", Receipt: "foreign"})
		if failures, _ := l.invoke(l.worker(), "live", time.Second, 1, 2, 3); failures != 0 {
			t.Errorf("%d of the batch come back", failures)
		}
		if l.most != inHand || len(l.begun) != 43 || len(l.waiting) != 0 {
			t.Errorf("%d at once, %d begun, %d left", l.most, len(l.begun), len(l.waiting))
		}
		if len(l.deleted) != 39 || l.deleted[string(busy)] != 0 || l.deleted["foreign"] != 0 {
			t.Errorf("%d deleted", len(l.deleted))
		}
		if l.delayed[string(busy)] == 0 || l.delayed["foreign"] != foreignDelay {
			t.Errorf("delayed: %v", l.delayed)
		}
	})
}

// A queue that does not answer takes no batch with it.
func TestASilentQueueEndsNoInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLiveLane(t, 2*time.Second)
		l.silent = true
		l.answer = func(id webhook.EventID) webhook.Outcome {
			if strings.HasSuffix(string(id), "2") {
				return webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "http_503", RetryAfter: 10 * time.Second}
			}
			return webhook.Outcome{Result: webhook.ResultDelivered}
		}
		if failures, took := l.invoke(l.worker(), "live", time.Second, 1, 2); failures != 1 || took > 10*time.Second {
			t.Errorf("%d failures after %s", failures, took)
		}
	})
}

// Nor does one that does not answer at the very end of an invocation.
func TestASilentQueueAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLiveLane(t, time.Minute)
		l.silent = true
		l.answer = func(webhook.EventID) webhook.Outcome {
			return webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "timeout", RetryAfter: 10 * time.Second}
		}
		if failures, took := l.invoke(l.worker(), "live", time.Second, 1); failures != 1 || took > time.Minute-answerTime/2 {
			t.Errorf("%d failures after %s", failures, took)
		}
	})
}
