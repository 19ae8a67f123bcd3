package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/sqs"
	"smartlead-receiver/pkg/webhook"
)

// TakeLive takes up to n (at most 10) messages of the live lane, and waits for the first
// for up to wait, in whole seconds, at most 20. They come back after the queue's own
// visibility timeout unless they are deleted. A call that is given up may have taken
// messages that nobody sees until then.
func (q *Queues) TakeLive(ctx context.Context, n int, wait time.Duration) ([]webhook.LiveMessage, error) {
	out, err := q.api.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            &q.urls.Live,
		WaitTimeSeconds:     int32(min(wait, maxWait).Seconds()),
		MaxNumberOfMessages: int32(min(n, batchEntries)), //nolint:gosec // at most 10
		MessageSystemAttributeNames: []sqs.MessageSystemAttributeName{
			sqs.MessageSystemAttributeNameApproximateReceiveCount,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("queue receive: %w: %w", webhook.ErrUnavailable, err)
	}
	msgs := make([]webhook.LiveMessage, 0, len(out.Messages))
	for _, m := range out.Messages {
		receives, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // not known: 0
		msgs = append(msgs, webhook.LiveMessage{
			MessageID: aws.ToString(m.MessageId), Receipt: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body), Receives: receives,
		})
	}
	return msgs, nil
}

// DeleteLive removes messages that were taken from the live lane. One that SQS did not
// delete comes back, and is done with then; the error says that there is one.
func (q *Queues) DeleteLive(ctx context.Context, receipts []string) error {
	return errors.Join(q.delete(ctx, q.urls.Live, receipts)...)
}
