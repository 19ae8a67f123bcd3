package local

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// SQS is what a poller needs of the SQS client.
type SQS interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// Poller is an SQS event source mapping with ReportBatchItemFailures: it
// receives batches, invokes the function with them and deletes what succeeded.
// What failed stays until its visibility timeout ends; the queue's own redrive
// policy moves what was received too often.
//
// Its limits: no batching window, and a batch over Lambda's 6 MB is not split.
type Poller struct {
	Client         SQS
	Queue          Queue
	Function       string // for the log and the function's ARN
	Handler        QueueHandler
	BatchSize      int           // 1 to 10
	MaxConcurrency int           // invocations at a time
	Timeout        time.Duration // the function's
	Log            *slog.Logger
}

const (
	// longPoll is short, since stopping waits for it: an abandoned receive may
	// take messages that nobody sees before their visibility timeout ends.
	longPoll = time.Second
	// returnPoll is how often a message that came back is looked for: a long
	// poll of the embedded engine wakes for a new message, not for one whose
	// delay or visibility timeout ended.
	returnPoll = 150 * time.Millisecond
	// maxReceivePause bounds the pause between receives that fail.
	maxReceivePause = 5 * time.Second
	// settleTimeout bounds a delete and a return of messages.
	settleTimeout = 10 * time.Second
)

// Run polls until the context ends, then waits for the invocations in flight
// and gives back what was received and not yet begun. It returns when nothing
// of it runs any more.
func (p *Poller) Run(ctx context.Context) {
	var running sync.WaitGroup
	slots := make(chan struct{}, p.MaxConcurrency)
	var loops sync.WaitGroup
	loops.Go(func() { p.loop(ctx, longPoll, 0, slots, &running) })
	loops.Go(func() { p.loop(ctx, 0, returnPoll, slots, &running) })
	loops.Wait()
	running.Wait()
}

// loop receives with the given wait, and pauses after an empty answer. While as many
// invocations run as may, it leaves messages in the queue, as Lambda does at its maximum
// concurrency.
func (p *Poller) loop(ctx context.Context, wait, pause time.Duration, slots chan struct{}, running *sync.WaitGroup) {
	var failures int
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		messages, err := p.receive(ctx, wait)
		if err == nil && len(messages) > 0 && ctx.Err() == nil {
			failures = 0
			running.Go(func() {
				defer func() { <-slots }()
				p.work(ctx, messages)
			})
			continue
		}
		<-slots
		switch {
		case err != nil:
			failures++
			p.report(failures, err)
			sleep(ctx, min(maxReceivePause, 100*time.Millisecond<<min(failures, 8)))
		case len(messages) > 0:
			p.giveBack(messages)
		default:
			failures = 0
			sleep(ctx, pause)
		}
	}
}

// report logs the first failure of a row and then every tenth.
func (p *Poller) report(failures int, err error) {
	if failures%10 == 1 {
		p.Log.Warn("queue does not answer", "queue", p.Queue.Name, "failures", failures, "error", err.Error())
	}
}

func (p *Poller) receive(ctx context.Context, wait time.Duration) ([]types.Message, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait+settleTimeout)
	defer cancel()
	out, err := p.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    aws.String(p.Queue.URL),
		MaxNumberOfMessages:         int32(p.BatchSize), //nolint:gosec // as in the template: 10
		WaitTimeSeconds:             int32(wait.Seconds()),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// work invokes the function with one batch and settles it.
func (p *Poller) work(ctx context.Context, messages []types.Message) {
	ctx = context.WithoutCancel(ctx)
	var response events.SQSEventResponse
	err := invoke(ctx, p.Timeout, p.Function, func(ctx context.Context) error {
		var err error
		response, err = p.Handler(ctx, p.event(messages))
		return err
	})
	if err != nil {
		p.Log.Error("function failed", "function", p.Function, "queue", p.Queue.Name, "messages", len(messages), "error", err.Error())
		return
	}
	done, err := succeeded(messages, response)
	if err != nil {
		p.Log.Error("invalid batch response: the whole batch failed", "function", p.Function, "queue", p.Queue.Name, "error", err.Error())
		return
	}
	p.remove(ctx, done)
}

// succeeded returns the messages that the function did not report as failed.
// An empty list is success; an identifier that is empty or of no message of the
// batch makes the whole batch fail
// (docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
func succeeded(messages []types.Message, response events.SQSEventResponse) ([]types.Message, error) {
	failed := make(map[string]bool, len(response.BatchItemFailures))
	for _, failure := range response.BatchItemFailures {
		failed[failure.ItemIdentifier] = true
	}
	done := make([]types.Message, 0, len(messages))
	for _, message := range messages {
		id := aws.ToString(message.MessageId)
		if failed[id] {
			delete(failed, id)
			continue
		}
		done = append(done, message)
	}
	for unknown := range failed {
		return nil, fmt.Errorf("%q is no message of the batch", unknown)
	}
	return done, nil
}

// remove deletes messages. One that cannot be deleted is delivered again, as
// with AWS.
func (p *Poller) remove(ctx context.Context, messages []types.Message) {
	if len(messages) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	entries := make([]types.DeleteMessageBatchRequestEntry, 0, len(messages))
	for i, message := range messages {
		entries = append(entries, types.DeleteMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: message.ReceiptHandle,
		})
	}
	out, err := p.Client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{
		QueueUrl: aws.String(p.Queue.URL), Entries: entries,
	})
	if err != nil {
		p.Log.Warn("messages not deleted: they come again", "queue", p.Queue.Name, "messages", len(messages), "error", err.Error())
		return
	}
	for _, failure := range out.Failed {
		p.Log.Warn("message not deleted: it comes again", "queue", p.Queue.Name, "code", aws.ToString(failure.Code), "error", aws.ToString(failure.Message))
	}
}

// giveBack makes messages visible again at once.
func (p *Poller) giveBack(messages []types.Message) {
	ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
	defer cancel()
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, 0, len(messages))
	for i, message := range messages {
		entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: 0,
		})
	}
	_, err := p.Client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: aws.String(p.Queue.URL), Entries: entries,
	})
	if err != nil {
		p.Log.Warn("messages not given back: they come again after their visibility timeout",
			"queue", p.Queue.Name, "messages", len(messages), "error", err.Error())
	}
}

// sleep waits, or less when the context ends.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
