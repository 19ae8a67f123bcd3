package local

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"smartlead-receiver/test/speed"
)

// deliveries counts how often each body was delivered.
type deliveries struct {
	mu     sync.Mutex
	counts map[string]int
}

func (d *deliveries) add(event events.SQSEvent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counts == nil {
		d.counts = map[string]int{}
	}
	for _, record := range event.Records {
		d.counts[record.Body]++
	}
}

func (d *deliveries) of(body string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counts[body]
}

// start runs a poller until the returned function or the test's end stops it.
func start(t *testing.T, clients *Clients, queue Queue, handler QueueHandler, change func(*Poller)) (stop func()) {
	t.Helper()
	poller := &Poller{
		Client: clients.SQS, Queue: queue, Function: "worker", Handler: handler,
		BatchSize: 10, MaxConcurrency: 2, Timeout: 5 * time.Second, Log: quiet,
	}
	if change != nil {
		change(poller)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); poller.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

// failing is the answer that reports these messages.
func failing(ids ...string) events.SQSEventResponse {
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, id := range ids {
		response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	return response
}

// idOf returns the message with that body.
func idOf(event events.SQSEvent, body string) string {
	for _, record := range event.Records {
		if record.Body == body {
			return record.MessageId
		}
	}
	return ""
}

type settleCase struct {
	respond func(events.SQSEvent) (events.SQSEventResponse, error)
	again   []string // delivered more than once
}

func settleCases() map[string]settleCase {
	return map[string]settleCase{
		"an empty list means that all succeeded": {
			respond: func(events.SQSEvent) (events.SQSEventResponse, error) { return failing(), nil },
		},
		"no list means that all succeeded": {
			respond: func(events.SQSEvent) (events.SQSEventResponse, error) { return events.SQSEventResponse{}, nil },
		},
		"a reported message comes again alone": {
			respond: func(e events.SQSEvent) (events.SQSEventResponse, error) { return failing(idOf(e, "bad")), nil },
			again:   []string{"bad"},
		},
		"a message reported twice is one failure": {
			respond: func(e events.SQSEvent) (events.SQSEventResponse, error) {
				return failing(idOf(e, "bad"), idOf(e, "bad")), nil
			},
			again: []string{"bad"},
		},
		"an error leaves the whole batch": {
			respond: func(events.SQSEvent) (events.SQSEventResponse, error) { return failing(), errors.New("broken") },
			again:   []string{"good", "bad"},
		},
		"a panic leaves the whole batch": {
			respond: func(events.SQSEvent) (events.SQSEventResponse, error) { panic("broken") },
			again:   []string{"good", "bad"},
		},
		"an unknown identifier fails the whole batch": {
			respond: func(events.SQSEvent) (events.SQSEventResponse, error) { return failing("nobody"), nil },
			again:   []string{"good", "bad"},
		},
		"an empty identifier fails the whole batch": {
			respond: func(events.SQSEvent) (events.SQSEventResponse, error) { return failing(""), nil },
			again:   []string{"good", "bad"},
		},
	}
}

func TestPollerSettlesBatches(t *testing.T) {
	cases := settleCases()
	seen := map[string]*deliveries{}
	stops := []func(){}
	for name, c := range cases {
		d := new(deliveries)
		seen[name] = d
		clients, resources := newQueues(t, 50)
		send(t, clients, resources.Live, "good", "bad")
		stops = append(stops, start(t, clients, resources.Live, func(_ context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
			d.add(event)
			if d.of("bad") > 1 { // the second round succeeds
				return failing(), nil
			}
			return c.respond(event)
		}, nil))
	}
	sleep(t.Context(), 2*time.Second) // two deliveries, one visibility timeout apart, and no third
	for _, stop := range stops {
		go stop()
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, body := range []string{"good", "bad"} {
				want := 1
				if slices.Contains(c.again, body) {
					want = 2
				}
				if got := seen[name].of(body); got != want {
					t.Errorf("%s delivered %d times, want %d", body, got, want)
				}
			}
		})
	}
}

func TestPollerBuildsTheEventOfAnEventSource(t *testing.T) {
	clients, resources := newQueues(t, 50)
	_, err := clients.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(resources.Live.URL), MessageBody: aws.String("hello"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"kind": {DataType: aws.String("String"), StringValue: aws.String("event")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan events.SQSMessage, 1)
	requestID := make(chan string, 1)
	start(t, clients, resources.Live, func(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		if lc, ok := lambdacontext.FromContext(ctx); ok {
			requestID <- lc.AwsRequestID
		}
		got <- event.Records[0]
		return events.SQSEventResponse{}, nil
	}, nil)
	record := <-got
	if record.Body != "hello" || record.Md5OfBody != "5d41402abc4b2a76b9719d911017c592" ||
		record.EventSource != "aws:sqs" || record.AWSRegion != Region ||
		!strings.HasSuffix(record.EventSourceARN, ":"+resources.Live.Name) || record.MessageId == "" || record.ReceiptHandle == "" {
		t.Errorf("record = %+v", record)
	}
	if record.Attributes["ApproximateReceiveCount"] != "1" || record.Attributes["SentTimestamp"] == "" ||
		record.Attributes["ApproximateFirstReceiveTimestamp"] == "" {
		t.Errorf("attributes = %v", record.Attributes)
	}
	if value := record.MessageAttributes["kind"]; value.DataType != "String" || aws.ToString(value.StringValue) != "event" {
		t.Errorf("message attributes = %+v", record.MessageAttributes)
	}
	if <-requestID == "" {
		t.Error("no request id in the context")
	}
}

func TestPollerTakesAReturnedMessageSoon(t *testing.T) {
	clients, resources := newQueues(t, 50)
	var first, second time.Time
	failed, again := make(chan struct{}), make(chan struct{})
	start(t, clients, resources.Live, func(_ context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		switch {
		case event.Records[0].Body != "returns":
			return events.SQSEventResponse{}, nil
		case first.IsZero():
			first = time.Now()
			close(failed)
			return events.SQSEventResponse{}, errors.New("not yet")
		default:
			second = time.Now()
			close(again)
			return events.SQSEventResponse{}, nil
		}
	}, nil)
	send(t, clients, resources.Live, "returns")
	<-failed
	sleep(t.Context(), 400*time.Millisecond)
	send(t, clients, resources.Live, "other") // the long poll begins anew here, and would end late
	<-again
	late := second.Sub(first) - time.Second
	if late < 0 {
		t.Errorf("taken %s before its visibility timeout ended", -late)
	}
	speed.AtMost(t, "taking a message after its visibility timeout", late, 2*returnPoll)
}

func TestPollerTakesANewMessageAtOnce(t *testing.T) {
	clients, resources := newQueues(t, 50)
	taken := make(chan struct{})
	start(t, clients, resources.Live, func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
		taken <- struct{}{}
		return events.SQSEventResponse{}, nil
	}, nil)
	sleep(t.Context(), 50*time.Millisecond)
	began := time.Now()
	for range 10 {
		send(t, clients, resources.Live, "m")
		<-taken
	}
	speed.AtMost(t, "taking ten messages, one after the other,", time.Since(began), 10*returnPoll/2)
}

func TestPollerLeavesTooManyReceivesToTheDLQ(t *testing.T) {
	clients, resources := newQueues(t, 2)
	var seen deliveries
	start(t, clients, resources.Live, func(_ context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		seen.add(event)
		return events.SQSEventResponse{}, errors.New("never works")
	}, nil)
	send(t, clients, resources.Live, "poison")
	var deadLetter types.Message
	eventually(t, 6*time.Second, "the message in the DLQ", func() bool {
		var ok bool
		deadLetter, ok = receive(t, clients, resources.DLQ)
		return ok
	})
	if got := aws.ToString(deadLetter.Body); got != "poison" {
		t.Errorf("DLQ holds %q", got)
	}
	if got := seen.of("poison"); got != 2 {
		t.Errorf("delivered %d times before the DLQ, want 2", got)
	}
}

func TestPollerKeepsToItsConcurrency(t *testing.T) {
	clients, resources := newQueues(t, 50)
	var running, most, total atomic.Int32
	start(t, clients, resources.Live, func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
		most.Store(max(most.Load(), running.Add(1)))
		time.Sleep(20 * time.Millisecond)
		running.Add(-1)
		total.Add(1)
		return events.SQSEventResponse{}, nil
	}, func(p *Poller) { p.BatchSize, p.MaxConcurrency = 1, 2 })
	for range 12 {
		send(t, clients, resources.Live, "m")
	}
	eventually(t, 5*time.Second, "all delivered", func() bool { return total.Load() == 12 })
	if most.Load() != 2 {
		t.Errorf("%d invocations at a time, want 2", most.Load())
	}
}

func TestPollerStopFinishesWhatIsInFlight(t *testing.T) {
	clients, resources := newQueues(t, 50)
	began, release := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	stop := start(t, clients, resources.Live, func(ctx context.Context, _ events.SQSEvent) (events.SQSEventResponse, error) {
		close(began)
		<-release
		ended.Store(ctx.Err() == nil)
		return events.SQSEventResponse{}, nil
	}, func(p *Poller) { p.BatchSize, p.MaxConcurrency = 1, 1 })
	send(t, clients, resources.Live, "in flight")
	<-began
	send(t, clients, resources.Live, "queued 1", "queued 2", "queued 3")
	sleep(t.Context(), 2*returnPoll) // some are received and wait for a slot
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	sleep(t.Context(), 50*time.Millisecond)
	close(release)
	<-stopped
	if !ended.Load() {
		t.Error("the invocation in flight was cancelled")
	}
	left := map[string]bool{}
	eventually(t, 500*time.Millisecond, "the rest visible at once", func() bool {
		if message, ok := receive(t, clients, resources.Live); ok {
			left[aws.ToString(message.Body)] = true
		}
		return len(left) == 3
	})
	if left["in flight"] {
		t.Error("the finished message is still in the queue")
	}
}

func TestPollerDropsTheResultOfAFunctionThatOverran(t *testing.T) {
	clients, resources := newQueues(t, 50)
	var seen deliveries
	stop := start(t, clients, resources.Live, func(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		seen.add(event)
		if seen.of("slow") == 1 {
			<-ctx.Done()
		}
		return events.SQSEventResponse{}, nil
	}, func(p *Poller) { p.Timeout = 50 * time.Millisecond })
	send(t, clients, resources.Live, "slow")
	eventually(t, 3*time.Second, "the second delivery", func() bool { return seen.of("slow") == 2 })
	stop()
}

func TestPollerOutlivesAnEngineThatFails(t *testing.T) {
	clients, resources := newQueues(t, 50)
	var seen deliveries
	flaky := &flakySQS{SQS: clients.SQS}
	flaky.failures.Store(3)
	start(t, clients, resources.Live, func(_ context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		seen.add(event)
		return events.SQSEventResponse{}, nil
	}, func(p *Poller) { p.Client = flaky })
	send(t, clients, resources.Live, "m")
	eventually(t, 3*time.Second, "delivery after failures", func() bool { return seen.of("m") == 1 })
}

// flakySQS fails the first receives.
type flakySQS struct {
	SQS
	failures atomic.Int32
}

func (f *flakySQS) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, o ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	if f.failures.Add(-1) >= 0 {
		return nil, errors.New("no connection")
	}
	return f.SQS.ReceiveMessage(ctx, in, o...)
}
