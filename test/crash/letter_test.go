package crash

import (
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/pkg/webhook"

	"smartlead-receiver/pkg/local"
)

// onItsWay lets a control change what a letter says.
func (w *world) onItsWay(ev events.SQSEvent) events.SQSEvent {
	if w.letterDeath == nil {
		return ev
	}
	for i, rec := range ev.Records {
		l := readLetter(rec.Body)
		if l.kind != webhook.KindLetter {
			continue
		}
		var body map[string]any
		w.must(json.Unmarshal([]byte(rec.Body), &body))
		body["death"] = w.letterDeath(l.id, l.death)
		text, err := json.Marshal(body)
		w.must(err)
		ev.Records[i].Body = string(text)
	}
	return ev
}

// console moves every message of one queue to another, as the console's
// redrive does. A copy is left behind where asked for.
func (w *world) console(from, to local.Queue, leave bool) (moved int) {
	w.Helper()
	for _, m := range w.take(from) {
		_, err := w.clients.SQS.SendMessage(w.Context(), &sqs.SendMessageInput{QueueUrl: &to.URL, MessageBody: m.Body})
		w.must(err)
		moved++
		if leave {
			continue
		}
		_, err = w.clients.SQS.DeleteMessage(w.Context(), &sqs.DeleteMessageInput{QueueUrl: &from.URL, ReceiptHandle: m.ReceiptHandle})
		w.must(err)
	}
	return moved
}
