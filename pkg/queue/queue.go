// Package queue is the SQS adapter: the wire form of messages, the two lanes and
// the dead letter queue.
package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/sqs"
	"smartlead-receiver/pkg/webhook"
)

// API is what the queues need of the SQS client.
type API interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput) (*sqs.ChangeMessageVisibilityOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput) (*sqs.GetQueueAttributesOutput, error)
}

// URLs name the queues. A function leaves empty what it does not use.
type URLs struct {
	Live   string
	Replay string
	Dead   string
}

// Queues is safe for concurrent use. Errors wrap webhook.ErrUnavailable: a
// send that failed may have been accepted all the same.
type Queues struct {
	api  API
	urls URLs
}

// New returns the queues behind the URLs. It makes no call.
func New(api API, urls URLs) *Queues { return &Queues{api: api, urls: urls} }

// These bound one SendMessageBatch (AWS, "Amazon SQS message quotas"). The bytes
// are those of the older quota, which every region and engine accepts.
const (
	batchEntries = 10
	batchBytes   = 250_000
)

// Send puts messages on a lane, in as many batches as they need. The answer has
// one entry for each message, nil where SQS accepted it: a batch may fail in part
// with HTTP 200.
func (q *Queues) Send(ctx context.Context, lane webhook.Lane, msgs []webhook.Message) []error {
	url := q.urls.Live
	if lane == webhook.Replay {
		url = q.urls.Replay
	}
	return q.send(ctx, url, msgs)
}

// SendDeadLetters puts messages into the dead letter queue. The answer is that of
// Send.
func (q *Queues) SendDeadLetters(ctx context.Context, msgs []webhook.Message) []error {
	return q.send(ctx, q.urls.Dead, msgs)
}

func (q *Queues) send(ctx context.Context, url string, msgs []webhook.Message) []error {
	errs := make([]error, len(msgs))
	var batch []sqs.SendMessageBatchRequestEntry
	size := 0
	flush := func() {
		if len(batch) > 0 {
			q.sendBatch(ctx, url, batch, errs)
		}
		batch, size = nil, 0
	}
	for i, m := range msgs {
		body, err := encode(m)
		if err != nil {
			errs[i] = err
			continue
		}
		if len(batch) == batchEntries || size+len(body) > batchBytes {
			flush()
		}
		batch = append(batch, sqs.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: &body,
			DelaySeconds: int32(min(m.After, maxDelay) / time.Second), //nolint:gosec // at most 900
		})
		size += len(body)
	}
	flush()
	return errs
}

func (q *Queues) sendBatch(ctx context.Context, url string, batch []sqs.SendMessageBatchRequestEntry, errs []error) {
	out, err := q.api.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: batch})
	accepted := make(map[string]bool, len(batch))
	if err == nil {
		for _, ok := range out.Successful {
			accepted[aws.ToString(ok.Id)] = true
		}
		err = errors.New("refused")
		for _, f := range out.Failed {
			err = fmt.Errorf("refused: %s", aws.ToString(f.Code))
		}
	}
	for _, e := range batch {
		if !accepted[*e.Id] {
			i, _ := strconv.Atoi(*e.Id) // our own number
			errs[i] = fmt.Errorf("queue send: %w: %w", webhook.ErrUnavailable, err)
		}
	}
}

// maxDelay is the longest that SQS keeps a new message back (AWS,
// SendMessageBatchRequestEntry).
const maxDelay = 15 * time.Minute

// maxWait is the longest poll (AWS, ReceiveMessage).
const maxWait = 20 * time.Second

// maxVisibility is the longest that SQS lets a message wait (AWS,
// ChangeMessageVisibility).
const maxVisibility = 12 * time.Hour

// Delay lets a received message of a lane come back after d, rounded up to
// seconds, at most 12 hours. receipt is the handle of that very receive.
func (q *Queues) Delay(ctx context.Context, lane webhook.Lane, receipt string, d time.Duration) error {
	url := q.urls.Live
	if lane == webhook.Replay {
		url = q.urls.Replay
	}
	seconds := int32((min(max(d, 0), maxVisibility) + time.Second - 1) / time.Second)
	_, err := q.api.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: &receipt, VisibilityTimeout: seconds,
	})
	if err != nil {
		return fmt.Errorf("queue delay: %w: %w", webhook.ErrUnavailable, err)
	}
	return nil
}

// TakeDead takes up to n (at most 10) messages from the dead letter queue. They
// come back after hold (at most 12 hours) unless they are deleted or released. A
// wait of a second asks every server of the queue, none only some (AWS, "Amazon
// SQS short and long polling"); it is 20 seconds at most.
func (q *Queues) TakeDead(ctx context.Context, n int, hold, wait time.Duration) ([]webhook.DeadMessage, error) {
	out, err := q.api.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            &q.urls.Dead,
		WaitTimeSeconds:     int32(min(wait, maxWait).Seconds()),
		MaxNumberOfMessages: int32(min(n, batchEntries)), //nolint:gosec // at most 10
		VisibilityTimeout:   int32(min(hold, maxVisibility).Seconds()),
		MessageSystemAttributeNames: []sqs.MessageSystemAttributeName{
			sqs.MessageSystemAttributeNameSentTimestamp,
			sqs.MessageSystemAttributeNameApproximateReceiveCount,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("queue receive: %w: %w", webhook.ErrUnavailable, err)
	}
	msgs := make([]webhook.DeadMessage, 0, len(out.Messages))
	for _, m := range out.Messages {
		r := webhook.DeadMessage{
			MessageID: aws.ToString(m.MessageId), Receipt: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
		}
		if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
			r.SentAt = time.UnixMilli(ms).UTC()
		}
		if n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]); err == nil {
			r.Receives = n
		}
		var err error
		if r.Message, err = Decode(r.Body); err != nil {
			r.Foreign = err.Error()
		}
		msgs = append(msgs, r)
	}
	return msgs, nil
}

// ReleaseDead lets messages that were taken from the dead letter queue be seen
// again at once. One that SQS refuses comes back after its hold: that is no error.
func (q *Queues) ReleaseDead(ctx context.Context, receipts []string) error {
	var failed error
	for chunk := range slices.Chunk(receipts, batchEntries) {
		var batch []sqs.ChangeMessageVisibilityBatchRequestEntry
		for i, receipt := range chunk {
			batch = append(batch, sqs.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &receipt})
		}
		_, err := q.api.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.urls.Dead, Entries: batch})
		if err != nil {
			failed = fmt.Errorf("queue release: %w: %w", webhook.ErrUnavailable, err)
		}
	}
	return failed
}

// DeleteDead removes messages from the dead letter queue. The answer has one
// entry for each, nil where SQS has deleted it.
func (q *Queues) DeleteDead(ctx context.Context, receipts []string) []error {
	return q.delete(ctx, q.urls.Dead, receipts)
}

func (q *Queues) delete(ctx context.Context, url string, receipts []string) []error {
	errs := make([]error, len(receipts))
	for first := 0; first < len(receipts); first += batchEntries {
		chunk := receipts[first:min(first+batchEntries, len(receipts))]
		var batch []sqs.DeleteMessageBatchRequestEntry
		for i, receipt := range chunk {
			batch = append(batch, sqs.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &receipt})
		}
		out, err := q.api.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: batch})
		deleted := map[string]bool{}
		if err == nil {
			for _, ok := range out.Successful {
				deleted[aws.ToString(ok.Id)] = true
			}
			err = errors.New("refused")
		}
		for i := range chunk {
			if !deleted[strconv.Itoa(i)] {
				errs[first+i] = fmt.Errorf("queue delete: %w: %w", webhook.ErrUnavailable, err)
			}
		}
	}
	return errs
}

// Depth counts what SQS believes a queue holds: approximate.
type Depth struct {
	Waiting  int
	InFlight int
	Delayed  int
}

// Total is all that a queue holds.
func (d Depth) Total() int { return d.Waiting + d.InFlight + d.Delayed }

// Depths returns the depths of the live, replay and dead letter queue.
func (q *Queues) Depths(ctx context.Context) (live, replay, dead Depth, err error) {
	depths := make([]Depth, 3)
	for i, url := range []string{q.urls.Live, q.urls.Replay, q.urls.Dead} {
		out, err := q.api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &url,
			AttributeNames: []sqs.QueueAttributeName{
				sqs.QueueAttributeNameApproximateNumberOfMessages,
				sqs.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
				sqs.QueueAttributeNameApproximateNumberOfMessagesDelayed,
			},
		})
		if err != nil {
			return Depth{}, Depth{}, Depth{}, fmt.Errorf("queue depth: %w: %w", webhook.ErrUnavailable, err)
		}
		number := func(name sqs.QueueAttributeName) int {
			n, _ := strconv.Atoi(out.Attributes[string(name)]) // absent counts as none
			return n
		}
		depths[i] = Depth{
			Waiting:  number(sqs.QueueAttributeNameApproximateNumberOfMessages),
			InFlight: number(sqs.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
			Delayed:  number(sqs.QueueAttributeNameApproximateNumberOfMessagesDelayed),
		}
	}
	return depths[0], depths[1], depths[2], nil
}

// Kept returns for how long each queue keeps a message; 0 where it does not say.
func (q *Queues) Kept(ctx context.Context) (live, replay, dead time.Duration, err error) {
	var kept [3]time.Duration
	for i, url := range []string{q.urls.Live, q.urls.Replay, q.urls.Dead} {
		out, err := q.api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &url, AttributeNames: []sqs.QueueAttributeName{sqs.QueueAttributeNameMessageRetentionPeriod},
		})
		if err != nil {
			return 0, 0, 0, fmt.Errorf("queue retention: %w: %w", webhook.ErrUnavailable, err)
		}
		seconds, _ := strconv.Atoi(out.Attributes[string(sqs.QueueAttributeNameMessageRetentionPeriod)]) // absent is not said
		kept[i] = time.Duration(seconds) * time.Second
	}
	return kept[0], kept[1], kept[2], nil
}
