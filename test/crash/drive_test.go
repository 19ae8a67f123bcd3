package crash

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/redrive"
)

// send lets the sender post a request, and remembers it until it is answered.
func (w *world) send(r *request) {
	w.Helper()
	w.mu.Lock()
	w.requests = append(w.requests, r)
	w.mu.Unlock()
	w.post(r)
}

// take receives what is visible on a queue, at most a batch.
func (w *world) take(queue local.Queue) []types.Message {
	w.Helper()
	out, err := w.clients.SQS.ReceiveMessage(w.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &queue.URL, MaxNumberOfMessages: int32(w.batch),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	w.must(err)
	return out.Messages
}

func sqsEvent(queue local.Queue, messages []types.Message) events.SQSEvent {
	var ev events.SQSEvent
	for _, m := range messages {
		ev.Records = append(ev.Records, events.SQSMessage{
			MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle),
			Body: aws.ToString(m.Body), Attributes: m.Attributes, EventSource: "aws:sqs", EventSourceARN: queue.ARN,
		})
	}
	return ev
}

// deliver is one poll of an event source: it hands a batch to the worker and
// deletes what succeeded. A delete may be lost as any call may: SQS delivers at
// least once.
func (w *world) deliver(queue local.Queue) bool {
	w.Helper()
	messages := w.take(queue)
	if len(messages) == 0 {
		return false
	}
	w.work(w.worker(), queue, messages)
	return true
}

func (w *world) work(worker lambdaio.WorkerHandler, queue local.Queue, messages []types.Message) {
	w.Helper()
	var response events.SQSEventResponse
	var err error
	survived := w.live("worker", func(ctx context.Context) { response, err = worker(ctx, w.onItsWay(sqsEvent(queue, messages))) })
	if !survived || err != nil {
		return // everything comes back after its visibility timeout
	}
	failed := map[string]bool{}
	for _, f := range response.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	for _, m := range messages {
		if failed[*m.MessageId] {
			continue
		}
		w.live("poller", func(ctx context.Context) {
			// One that cannot be deleted comes again.
			_, _ = w.clients.SQS.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queue.URL, ReceiptHandle: m.ReceiptHandle})
		})
	}
}

// pump lets the event sources run until nothing is visible.
func (w *world) pump() {
	w.Helper()
	for range 200 {
		live, replay := w.deliver(w.stores.Live), w.deliver(w.stores.Replay)
		if !live && !replay {
			return
		}
	}
	w.violate("the queues do not run empty")
}

// items reads the whole table.
func (w *world) items() []item {
	w.Helper()
	var all []item
	pages := dynamodb.NewScanPaginator(w.clients.DynamoDB, &dynamodb.ScanInput{
		TableName: &w.stores.Table, ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.Context())
		w.must(err)
		for _, av := range page.Items {
			all = append(all, item(av))
		}
	}
	return all
}

// item is a row of the table, read without the ledger.
type item map[string]dynamotypes.AttributeValue

func (it item) text(name string) string {
	switch v := it[name].(type) {
	case *dynamotypes.AttributeValueMemberS:
		return v.Value
	case *dynamotypes.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

// count is a number of the item, which has none that is zero.
func (it item) count(name string) string { return cmp.Or(it.text(name), "0") }

// time is a time of the item, or that with which an index key begins.
func (it item) time(name string) time.Time {
	when, _, _ := strings.Cut(it.text(name), "#")
	t, err := time.Parse("2006-01-02T15:04:05.000Z", when)
	if err != nil {
		return time.Time{}
	}
	return t
}

// isEvent tells events from variants, jobs and refusals.
func (it item) isEvent() bool { return len(it.text("sk")) == 8 && it.text("sk")[:2] == "E#" }

func (it item) isVariant() bool { return len(it.text("sk")) > 2 && it.text("sk")[:2] == "V#" }

func (it item) id() string {
	if it.text("sk") == "E#000001" {
		return it.text("pk")
	}
	return it.text("pk") + "~" + trimZeros(it.text("sk")[2:])
}

func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// owed returns when the next thing is due: a message that comes back, or an
// event of the ledger. Busy is false when everything has come to rest.
func (w *world) owed() (next time.Time, busy bool) {
	w.Helper()
	next = w.visibility.next(w.stores.Live.URL, w.stores.Replay.URL)
	for _, it := range w.items() {
		if !it.isEvent() {
			continue
		}
		due := it.time("due")
		if due.IsZero() {
			if s := it.text("state"); s == "pending" || s == "processing" {
				w.violate("%s is %s and owes nothing: nobody will take it up", it.id(), s)
			}
			continue
		}
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	return next, !next.IsZero()
}

// maxRounds bounds how long a world may need to come to rest.
const maxRounds = 150

// settle lets the world come to rest: the sender repeats what was not
// acknowledged, the queues deliver again what was not done, the clock goes on
// and the sweeper runs. It violates when rest never comes.
func (w *world) settle() {
	w.Helper()
	for range maxRounds {
		open := false
		for _, r := range w.requests {
			if !r.done {
				w.post(r)
				open = open || !r.done
			}
		}
		w.pump()
		next, busy := w.owed()
		if !busy && !open {
			return
		}
		if w.stuck() {
			return
		}
		if !busy {
			continue
		}
		if d := next.Sub(w.clock()); d >= 0 {
			w.pass(d + time.Millisecond)
		} else {
			w.pass(grace)
		}
		w.sweep()
	}
	for _, it := range w.items() {
		if it.isEvent() {
			w.violate("no rest: %s is %s, lease %s, due %s", it.id(), it.text("state"), it.count("lease"), it.text("due"))
		}
	}
}

func (w *world) stuck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.violations) > 10
}

// operate is what an operator's command does: it may be lost as any call may.
func (w *world) operate(command func(ctx context.Context, service *redrive.Service) error) (err error) {
	w.Helper()
	service := app.RedriveService(w.env("operator"), redrive.DefaultPolicy)
	if !w.live("operator", func(ctx context.Context) { err = command(ctx, service) }) {
		return errDead
	}
	return err
}

// redriveAll starts a job over every dead event and drives it to its end. It
// returns false where nothing is dead.
func (w *world) redriveAll() bool {
	w.Helper()
	w.pass(time.Second) // a job takes what died before it began
	for range 5 {
		err := w.operate(func(ctx context.Context, s *redrive.Service) error {
			_, err := s.Start(ctx, redrive.Request{})
			return err
		})
		if err == redrive.ErrNothing { //nolint:errorlint // returned as it is
			return false
		}
		if err == nil || err == redrive.ErrActive { //nolint:errorlint // returned as it is
			break
		}
	}
	for range maxRounds {
		w.redrive()
		w.settle()
		var job redrive.Job
		err := w.operate(func(ctx context.Context, s *redrive.Service) (err error) {
			job, err = s.Status(ctx)
			return err
		})
		if err == nil && job.State.Final() {
			return true
		}
		w.pass(10 * time.Second)
	}
	w.violate("the redrive does not end")
	return true
}

// cleaner lets the redrive function look after the dead letters, twice, so that one
// of the looks may be lost, and waits until what it held is visible again.
func (w *world) cleaner() {
	w.Helper()
	for range 2 {
		w.pass(deadVisibility)
		w.redrive()
	}
	w.pass(deadVisibility)
}
