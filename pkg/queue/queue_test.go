package queue_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/webhook"
)

const id = webhook.EventID("v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

var at = time.Date(2026, 3, 4, 17, 30, 0, 0, time.UTC)

var messages = []struct {
	name string
	m    webhook.Message
	wire string // messages of an older receiver must stay readable
}{
	{"event", webhook.Message{Kind: webhook.KindEvent, ID: id + "~2"},
		`{"v":1,"kind":"event","event_id":"v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567~2"}`},
	{"dead letter", webhook.Message{Kind: webhook.KindDeadLetter, ID: id, DeadLetter: &webhook.DeadLetter{
		Death: 3, ErrorClass: "http_503", Error: "answered 503", Attempts: 3, FirstAt: at, LastAt: at.Add(time.Hour),
		Type: webhook.EmailReply, Account: "acme", CampaignID: "7",
	}}, `{"v":1,"kind":"dead_letter","event_id":"v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567","death":3,"error_class":"http_503",` +
		`"error":"answered 503","attempts":3,"first_at":"2026-03-04T17:30:00Z","last_at":"2026-03-04T18:30:00Z",` +
		`"type":"EMAIL_REPLY","account":"acme","campaign_id":"7"}`},
	{"unclaimed", webhook.Message{Kind: webhook.KindUnclaimed, Receipt: &webhook.Receipt{
		Key: string(id), Timeless: true, Window: time.Hour, Fingerprint: "F", Basis: []string{"account"}, Account: "acme", Source: "main",
		Type: webhook.EmailReply, ReceivedAt: at, OccurredAt: at, OccurredAtSource: webhook.TimeFromEvent, Held: true,
		Payload: webhook.Payload{Encoding: "zstd", Data: []byte{1, 2, 3}, Size: 9},
	}}, `{"v":1,"kind":"unclaimed","receipt":{"Key":"v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567","Timeless":true,"Window":3600000000000,` +
		`"Fingerprint":"F","Basis":["account"],"Account":"acme","Source":"main","Type":"EMAIL_REPLY","RawType":"","Dialect":"","CampaignID":"",` +
		`"LeadEmail":"","StatsID":"","MessageID":"","ProviderEventID":"","ProviderRequestID":"","RequestID":"",` +
		`"OccurredAt":"2026-03-04T17:30:00Z","OccurredAtSource":"event","ReceivedAt":"2026-03-04T17:30:00Z","Flags":null,"Held":true,` +
		`"Payload":{"Encoding":"zstd","Data":"AQID","Ref":"","Size":9}}}`},
}

func TestWireFormIsStable(t *testing.T) {
	for _, c := range messages {
		t.Run(c.name, func(t *testing.T) {
			got, err := queue.Encode(c.m)
			if err != nil || got != c.wire {
				t.Fatalf("got  %s\nwant %s\n%v", got, c.wire, err)
			}
			back, err := queue.Decode(c.wire)
			if err != nil || !reflect.DeepEqual(back, c.m) {
				t.Fatalf("got %+v, want %+v: %v", back, c.m, err)
			}
		})
	}
}

func TestForeignMessages(t *testing.T) {
	for _, body := range []string{
		"", "hello secret", "{}", "[]", `{"v":2,"kind":"event","event_id":"` + string(id) + `"}`,
		`{"v":1,"kind":"event"}`, `{"v":1,"kind":"event","event_id":"x"}`, `{"v":1,"kind":"dead_letter","event_id":"` + string(id) + `"}`,
		`{"v":1,"kind":"unclaimed"}`, `{"v":1,"kind":"unclaimed","receipt":{"Key":"` + string(id) + `"}}`, `{"v":1,"kind":"other","event_id":"` + string(id) + `"}`,
	} {
		if _, err := queue.Decode(body); !errors.Is(err, queue.ErrForeign) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestWhatLacksItsContentIsNotSent(t *testing.T) {
	for _, m := range []webhook.Message{{}, {Kind: webhook.KindEvent}, {Kind: webhook.KindDeadLetter, ID: id}, {Kind: webhook.KindUnclaimed}} {
		if _, err := queue.Encode(m); err == nil {
			t.Errorf("%+v was encoded", m)
		}
	}
}

// api answers batches as SQS may: in part, with HTTP 200.
type api struct {
	queue.API
	batches [][]types.SendMessageBatchRequestEntry
	refuse  string // body part whose message is refused
	down    bool
}

func (a *api) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	if a.down {
		return nil, errors.New("connection refused")
	}
	a.batches = append(a.batches, in.Entries)
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		if a.refuse != "" && strings.Contains(*e.MessageBody, a.refuse) {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError")})
			continue
		}
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
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

func (a *api) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	if a.down {
		return nil, errors.New("connection refused")
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		if *e.ReceiptHandle != a.refuse {
			out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
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
