package crash

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/pkg/local"
)

// onItsWay lets a control change what a message says.
func (w *world) onItsWay(ev events.SQSEvent) events.SQSEvent {
	if w.rewrite == nil {
		return ev
	}
	for i, rec := range ev.Records {
		var body map[string]any
		w.must(json.Unmarshal([]byte(rec.Body), &body))
		w.rewrite(readDeadLetter(rec.Body), body)
		text, err := json.Marshal(body)
		w.must(err)
		ev.Records[i].Body = string(text)
	}
	return ev
}

// put sends a text to a queue, as anybody may.
func (w *world) put(queue local.Queue, text string) {
	w.Helper()
	_, err := w.clients.SQS.SendMessage(w.Context(), &sqs.SendMessageInput{QueueUrl: &queue.URL, MessageBody: &text})
	w.must(err)
}

// expire deletes what the table's TTL would have deleted by now.
func (w *world) expire() {
	w.Helper()
	for _, it := range w.items() {
		at, err := strconv.ParseInt(it.text("expires_at"), 10, 64)
		if err != nil || at > w.clock().Unix() {
			continue
		}
		w.forget(it.id())
		_, err = w.clients.DynamoDB.DeleteItem(w.Context(), &dynamodb.DeleteItemInput{
			TableName: &w.stores.Table, Key: item{"pk": it["pk"], "sk": it["sk"]},
		})
		w.must(err)
	}
}

// forget is told of an event that has expired: what comes under its identity
// from now on is a new one.
func (w *world) forget(id string) {
	w.history.forget(id)
	w.leases.forget(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expired[id], w.lapsed = true, true
	w.attempts = slices.DeleteFunc(w.attempts, func(a attempt) bool { return a.id == id })
}

// claimed is told of a row that was put.
func (w *world) claimed(it item) {
	w.history.claimed(it)
	w.mu.Lock()
	defer w.mu.Unlock()
	if it.isEvent() {
		delete(w.expired, it.id())
	}
}

// outlive lets a queue's retention pass: its messages go, hidden ones too.
func (w *world) outlive(queue local.Queue) {
	w.Helper()
	w.visibility.show(w.Context(), w.clients.SQS, func(h hiddenMessage) bool { return h.queue == queue.URL })
	for messages := w.take(queue); len(messages) > 0; messages = w.take(queue) {
		for _, m := range messages {
			_, err := w.clients.SQS.DeleteMessage(w.Context(), &sqs.DeleteMessageInput{QueueUrl: &queue.URL, ReceiptHandle: m.ReceiptHandle})
			w.must(err)
		}
	}
}

// console moves every message of one queue to another, as the console's
// redrive does. A copy is left behind where asked for.
func (w *world) console(from, to local.Queue, leave bool) (moved int) {
	w.Helper()
	for _, m := range w.take(from) {
		w.put(to, *m.Body)
		moved++
		if leave {
			continue
		}
		_, err := w.clients.SQS.DeleteMessage(w.Context(), &sqs.DeleteMessageInput{QueueUrl: &from.URL, ReceiptHandle: m.ReceiptHandle})
		w.must(err)
	}
	return moved
}
