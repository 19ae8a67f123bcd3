package burst

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	appworker "smartlead-receiver/pkg/app/worker"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/sqs"
	"smartlead-receiver/pkg/webhook"
)

// workers is how many there are at most: LiveConcurrency and ReplayConcurrency of
// template.yaml at their largest. The race detector looks at fewer.
const workers = 2 * 200 / slower

// destinations fill three pages of Parameter Store.
const destinations = 30

func (w *world) coldWorkers(t *testing.T, n int) chan lambdaio.WorkerHandler {
	t.Helper()
	idle := make(chan lambdaio.WorkerHandler, n)
	for range n {
		env := w.env
		env.Clients = w.clients()
		worker, err := appworker.New(env)
		must(t, err)
		idle <- worker
	}
	return idle
}

// message is one of the live queue.
type message struct {
	id   webhook.EventID
	sent events.SQSMessage
}

// enqueue sends events to a receiver, and takes their messages out of the queue.
func (w *world) enqueue(t *testing.T, n int) []message {
	t.Helper()
	if answers := atOnce(t, w.cold(t, n), w.ofSource); answers[http.StatusOK] != n {
		t.Fatalf("answered %v", answers)
	}
	var all []message
	client := w.clients().SQS
	for len(all) < n {
		got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &w.env.Config.LiveQueue, MaxNumberOfMessages: 10})
		must(t, err)
		for _, m := range got.Messages {
			decoded, err := queue.Decode(aws.ToString(m.Body))
			must(t, err)
			all = append(all, message{decoded.ID, events.SQSMessage{
				MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
				EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:live",
			}})
		}
	}
	return all
}

// deliver hands a message to a worker until it is done with, as the event source
// does, and returns how often.
func (w *world) deliver(t *testing.T, idle chan lambdaio.WorkerHandler, m message) int {
	for receives := 1; ; receives++ {
		rec := m.sent
		rec.Attributes = map[string]string{"ApproximateReceiveCount": strconv.Itoa(receives)}
		worker := <-idle
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // Timeout in template.yaml
		response, err := worker(ctx, events.SQSEvent{Records: []events.SQSMessage{rec}})
		cancel()
		idle <- worker
		if err != nil {
			t.Error(err)
		}
		if len(response.BatchItemFailures) == 0 || receives == 150 { // maxReceiveCount in template.yaml
			return receives
		}
		time.Sleep(w.network.delay(rec.ReceiptHandle))
	}
}

// Parameter Store refuses most of the calls. A message whose worker could not read the
// destinations comes back in seconds, and nothing is charged.
func TestABurstOfColdWorkersDelivers(t *testing.T) {
	w := newWorld(t, 1)
	for i := range destinations {
		must(t, w.destinations.Put(t.Context(), fmt.Sprintf("to-%02d", i), []byte(`{"type":"log"}`), false))
	}
	synctest.Test(t, func(t *testing.T) {
		w.begin()
		all, idle := w.enqueue(t, workers), w.coldWorkers(t, workers)
		sent, _ := w.network.counts()
		began := time.Now()
		var group sync.WaitGroup
		var again, most atomic.Int64
		for _, m := range all {
			group.Go(func() {
				receives := int64(w.deliver(t, idle, m))
				again.Add(receives - 1)
				most.Store(max(most.Load(), receives))
			})
		}
		group.Wait()
		took := time.Since(began)
		asked, denied := w.network.counts()
		t.Logf("%d events in %s: %d reads of Parameter Store refused, %d messages came again, one %d times",
			len(all), took, denied, again.Load(), most.Load()-1)
		if denied == 0 || again.Load() == 0 {
			t.Error("Parameter Store refused nobody: there was no burst")
		}
		if took >= w.env.Config.Grace {
			t.Error("the sweeper would have sent what was still waiting")
		}
		if asked["SendMessageBatch"] != sent["SendMessageBatch"] {
			t.Error("a dead letter was sent")
		}
		l := ledger.New(w.clients().DynamoDB, w.env.Config.Table)
		for _, m := range all {
			rec, err := l.Get(t.Context(), m.id)
			must(t, err)
			once := func(p webhook.Progress) bool { return p.Result == webhook.ResultDelivered && p.Attempts == 1 }
			if rec.State != webhook.Delivered || rec.LeaseNumber != 1 || len(rec.History) != destinations || len(rec.Destinations) != destinations ||
				slices.ContainsFunc(rec.Destinations, func(p webhook.Progress) bool { return !once(p) }) {
				t.Errorf("%s is not delivered at its first attempt: %s, attempt %d", m.id, rec.State, rec.LeaseNumber)
			}
		}
	})
}
