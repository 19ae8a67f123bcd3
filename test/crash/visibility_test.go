package crash

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// As in the template.
const (
	workVisibility = 360 * time.Second
	deadVisibility = 120 * time.Second
)

// forever keeps a received message hidden in real time; the simulated clock
// decides when it comes back.
const forever = int32(43200)

// visibility is the simulated clock of the queues: which messages are hidden,
// until when, and when each was sent. It changes what the calls ask for, so
// that the engine's own clock never matters, and no receive waits.
type visibility struct {
	now func() time.Time

	mu     sync.Mutex
	asked  map[any]time.Duration // of calls under way
	hidden map[string]hiddenMessage
	sent   map[string]time.Time // message id
}

type hiddenMessage struct {
	queue string
	until time.Time
}

func newVisibility(now func() time.Time) *visibility {
	return &visibility{
		now: now, asked: map[any]time.Duration{}, hidden: map[string]hiddenMessage{}, sent: map[string]time.Time{},
	}
}

func (v *visibility) hide(params any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch in := params.(type) {
	case *sqs.SendMessageBatchInput: // what is kept back is seen at once: the pace is another test's
		for i := range in.Entries {
			in.Entries[i].DelaySeconds = 0
		}
	case *sqs.ReceiveMessageInput:
		d := time.Duration(in.VisibilityTimeout) * time.Second
		if d == 0 {
			d = workVisibility
		}
		v.asked[in] = d
		in.WaitTimeSeconds, in.VisibilityTimeout = 0, forever
	case *sqs.ChangeMessageVisibilityInput:
		v.asked[in] = time.Duration(in.VisibilityTimeout) * time.Second
		if in.VisibilityTimeout > 0 {
			in.VisibilityTimeout = forever
		}
	}
}

func (v *visibility) observe(params, result any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch in := params.(type) {
	case *sqs.ReceiveMessageInput:
		until := v.now().Add(v.asked[in])
		for _, m := range result.(*sqs.ReceiveMessageOutput).Messages {
			v.hidden[*m.ReceiptHandle] = hiddenMessage{*in.QueueUrl, until}
			if at, ok := v.sent[*m.MessageId]; ok && m.Attributes != nil {
				m.Attributes["SentTimestamp"] = strconv.FormatInt(at.UnixMilli(), 10)
			}
		}
	case *sqs.ChangeMessageVisibilityInput:
		delete(v.hidden, *in.ReceiptHandle)
		if d := v.asked[in]; d > 0 {
			v.hidden[*in.ReceiptHandle] = hiddenMessage{*in.QueueUrl, v.now().Add(d)}
		}
	case *sqs.ChangeMessageVisibilityBatchInput:
		for _, e := range in.Entries {
			delete(v.hidden, *e.ReceiptHandle)
		}
	case *sqs.DeleteMessageBatchInput:
		for _, e := range in.Entries {
			delete(v.hidden, *e.ReceiptHandle)
		}
	case *sqs.DeleteMessageInput:
		delete(v.hidden, *in.ReceiptHandle)
	case *sqs.SendMessageInput:
		v.sent[*result.(*sqs.SendMessageOutput).MessageId] = v.now()
	case *sqs.SendMessageBatchInput:
		for _, m := range result.(*sqs.SendMessageBatchOutput).Successful {
			v.sent[*m.MessageId] = v.now()
		}
	}
}

// next returns when the next hidden message of the queues comes back; zero if
// there is none.
func (v *visibility) next(queues ...string) (next time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, h := range v.hidden {
		for _, q := range queues {
			if h.queue == q && (next.IsZero() || h.until.Before(next)) {
				next = h.until
			}
		}
	}
	return next
}

// release lets every message be seen whose time has come.
func (v *visibility) release(ctx context.Context, client *sqs.Client) {
	now := v.now()
	v.show(ctx, client, func(h hiddenMessage) bool { return !h.until.After(now) })
}

// show lets hidden messages be seen. One that was deleted meanwhile is gone.
func (v *visibility) show(ctx context.Context, client *sqs.Client, which func(hiddenMessage) bool) {
	v.mu.Lock()
	shown := map[string]string{}
	for receipt, h := range v.hidden {
		if which(h) {
			shown[receipt] = h.queue
			delete(v.hidden, receipt)
		}
	}
	v.mu.Unlock()
	for receipt, queue := range shown {
		_, _ = client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: aws.String(queue), ReceiptHandle: aws.String(receipt),
		})
	}
}
