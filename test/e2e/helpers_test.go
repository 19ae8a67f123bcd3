//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// reply is an EMAIL_REPLY as the provider posts it, unique by its lead.
func reply(lead string) string {
	return fmt.Sprintf(`{"webhook_id":90017,"event_type":"EMAIL_REPLY","campaign_id":4100001,"client_id":null,
		"stats_id":"stats-%[1]s","sl_email_lead_id":"3120045671","sl_lead_email":%[1]q,"from_email":"mira@outbound.example",
		"to_email":%[1]q,"event_timestamp":"2026-03-04T17:29:11.618+00:00","message_id":"<reply-%[1]s>",
		"webhook_url":"https://hooks.example/webhooks/demo/%[2]s","secret_key":"provider-key",
		"reply_message":{"message_id":"<reply-%[1]s>","html":"<div>Yes</div>","text":"Yes"}}`, lead, deployed.token)
}

// answer is what the receiver answers to a POST.
type answer struct {
	Results []struct {
		EventID webhook.EventID `json:"event_id"`
		Status  string          `json:"status"`
	} `json:"results"`
}

// post sends a body to the source "demo" and returns the answer to a success.
func post(t *testing.T, body string) answer {
	t.Helper()
	status, text := ask(t, http.MethodPost, deployed.webhookPath(), body)
	if status != http.StatusOK {
		t.Fatalf("answered %d: %s", status, text)
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return a
}

// ask sends a request to the deployed API.
func ask(t *testing.T, method, path, body string) (int, []byte) {
	t.Helper()
	response, err := deployed.request(t.Context(), method, path,
		http.Header{"Content-Type": {"application/json"}}, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, text
}

// eventually waits until check finds nothing missing. It prints what is missing
// when time is up.
func eventually(t *testing.T, limit time.Duration, check func() (missing string)) {
	t.Helper()
	missing := check()
	for deadline := time.Now().Add(limit); missing != ""; missing = check() {
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %s", limit, missing)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func record(t *testing.T, id webhook.EventID) webhook.Record {
	t.Helper()
	r, err := ledger.New(awssdk.DynamoDB{Client: deployed.DynamoDB}, deployed.outputs["TableName"]).Get(t.Context(), id)
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return r
}

// becomes waits until an event is in a state and owes no queue a message.
func becomes(t *testing.T, id webhook.EventID, state webhook.State, limit time.Duration) webhook.Record {
	t.Helper()
	var r webhook.Record
	eventually(t, limit, func() string {
		if r = record(t, id); r.State == state && (state != webhook.Dead || r.DueAt.IsZero()) {
			return ""
		}
		return fmt.Sprintf("%s is %s, want %s: lease %d until %s, not before %s, due %s, error %q",
			id, r.State, state, r.LeaseNumber, r.LeaseUntil, r.NotBefore, r.DueAt, r.Error)
	})
	return r
}

// deadLetter takes the dead letter of an event from the dead letter queue, as the
// console does: other messages come back at once.
func deadLetter(t *testing.T, id webhook.EventID) types.Message {
	t.Helper()
	queue := deployed.outputs["DlqUrl"]
	var found types.Message
	eventually(t, 20*time.Second, func() string {
		out, err := deployed.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &queue, MaxNumberOfMessages: 10, VisibilityTimeout: 10, WaitTimeSeconds: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			if strings.Contains(aws.ToString(m.Body), string(id)) {
				found = m
				continue
			}
			giveBack(t, queue, m)
		}
		if found.Body == nil {
			return "no dead letter of " + string(id) + " in the dead letter queue"
		}
		return ""
	})
	return found
}

func giveBack(t *testing.T, queue string, m types.Message) {
	t.Helper()
	_, err := deployed.SQS.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// incompressible returns n characters that a compressor makes little of.
func incompressible(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		text[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"[random.IntN(64)]
	}
	return string(text)
}
