package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/sqs"
	"smartlead-receiver/pkg/webhook"
)

var at = time.Date(2026, 3, 4, 17, 30, 0, 0, time.UTC)

// api answers batches as SQS may: in part, with HTTP 200.
type api struct {
	queue.API
	batches [][]sqs.SendMessageBatchRequestEntry
	refuse  string // body part whose message is refused
	down    bool
}

func (a *api) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
	if a.down {
		return nil, errors.New("connection refused")
	}
	a.batches = append(a.batches, in.Entries)
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		if a.refuse != "" && strings.Contains(*e.MessageBody, a.refuse) {
			out.Failed = append(out.Failed, sqs.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError")})
			continue
		}
		out.Successful = append(out.Successful, sqs.SendMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func events(n int) []webhook.Message {
	var out []webhook.Message
	for i := range n {
		out = append(out, webhook.Message{Kind: webhook.KindEvent, ID: webhook.EventID(fmt.Sprintf("v1:EMAIL_OPEN:%032d", i))})
	}
	return out
}

func TestBatchThatFailsInPartTellsWhichMessage(t *testing.T) {
	a := &api{refuse: fmt.Sprintf("%032d", 12)}
	errs := queue.New(a, queue.URLs{Live: "http://live"}).Send(t.Context(), webhook.Live, events(25))
	if len(a.batches) != 3 {
		t.Errorf("%d batches for 25 messages, want 3", len(a.batches))
	}
	for i, err := range errs {
		if failed := err != nil; failed != (i == 12) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if !errors.Is(errs[12], webhook.ErrUnavailable) {
		t.Errorf("got %v", errs[12])
	}
}

func TestQueueThatIsDownFailsEveryMessage(t *testing.T) {
	for i, err := range queue.New(&api{down: true}, queue.URLs{}).Send(t.Context(), webhook.Live, events(12)) {
		if !errors.Is(err, webhook.ErrUnavailable) {
			t.Errorf("message %d: %v", i, err)
		}
	}
}

func TestBatchesStayBelowTheSizeLimit(t *testing.T) {
	var msgs []webhook.Message
	for i := range 6 {
		r := webhook.Receipt{Key: fmt.Sprintf("v1:EMAIL_OPEN:%032d", i), ReceivedAt: at, Payload: webhook.Payload{Data: make([]byte, 64<<10)}}
		msgs = append(msgs, webhook.Message{Kind: webhook.KindUnclaimed, Receipt: &r})
	}
	a := &api{}
	for _, err := range queue.New(a, queue.URLs{}).Send(t.Context(), webhook.Live, msgs) {
		if err != nil {
			t.Error(err)
		}
	}
	for _, b := range a.batches {
		size := 0
		for _, e := range b {
			size += len(*e.MessageBody)
		}
		if size > 256<<10 {
			t.Errorf("a batch has %d bytes", size)
		}
	}
}

func TestKeptBackInWholeSecondsAndNoLongerThanSQSTakes(t *testing.T) {
	a := &api{}
	msgs := events(3)
	msgs[1].After, msgs[2].After = 2900*time.Millisecond, time.Hour
	queue.New(a, queue.URLs{}).Send(t.Context(), webhook.Replay, msgs)
	for i, want := range []int32{0, 2, 900} {
		if got := a.batches[0][i].DelaySeconds; got != want {
			t.Errorf("message %d is kept back for %d s, want %d", i, got, want)
		}
	}
}

func (a *api) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
	if a.down {
		return nil, errors.New("connection refused")
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		if *e.ReceiptHandle != a.refuse {
			out.Successful = append(out.Successful, sqs.DeleteMessageBatchResultEntry{Id: e.Id})
		}
	}
	return out, nil
}

func TestDeleteTellsWhichMessageStays(t *testing.T) {
	var receipts []string
	for n := range 23 {
		receipts = append(receipts, fmt.Sprint("receipt", n))
	}
	for i, err := range queue.New(&api{refuse: "receipt12"}, queue.URLs{}).DeleteDead(t.Context(), receipts) {
		if stays := err != nil; stays != (i == 12) || stays && !errors.Is(err, webhook.ErrUnavailable) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	for i, err := range queue.New(&api{down: true}, queue.URLs{}).DeleteDead(t.Context(), receipts) {
		if !errors.Is(err, webhook.ErrUnavailable) {
			t.Errorf("message %d: %v", i, err)
		}
	}
}
