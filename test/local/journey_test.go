package local_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/pack"
	"smartlead-receiver/pkg/webhook"
)

type sqsAttribute = sqstypes.QueueAttributeName

// itemText spells an item out, its payload decompressed, so that a search for
// a secret sees all of it.
func itemText(item map[string]dynamotypes.AttributeValue, row *map[string]any) string {
	if err := attributevalue.UnmarshalMap(item, row); err != nil {
		return err.Error()
	}
	text := fmt.Sprint(*row)
	for _, name := range []string{"facts", "history"} {
		kept, _ := (*row)[name].([]byte)
		text += string(kept)
	}
	if data, ok := (*row)["payload"].([]byte); ok {
		store, err := bodies.New(nil, "")
		if err != nil {
			return err.Error()
		}
		body, err := store.Load(nil, webhook.Payload{Encoding: pack.Encoding, Data: data, Size: 4096}) //nolint:staticcheck // inline: no call is made
		if err != nil {
			return err.Error()
		}
		text += string(body)
	}
	return text
}

const secretKey = "9b2f6c1e-7d34-4c11-9f1e-0123456789ab"

func (s *stack) reply(n int) string {
	return fmt.Sprintf(`{"webhook_id":90017,"webhook_url":%q,"event_type":"EMAIL_REPLY","campaign_id":4100001,"campaign_status":"ACTIVE",
 "stats_id":"5b1f7a52-0c3e-4d9a-9a41-%012d","sl_email_lead_id":"3120045671","sl_lead_email":"lead%d@acme.example.com",
 "from_email":"mira@outbound.example","to_email":"lead%d@acme.example.com","event_timestamp":"2026-03-04T17:29:11.618+00:00",
 "reply_message":{"message_id":"<r%d@acme.example.com>","html":"<div>Yes</div>","text":"Yes","time":"2026-03-04T17:29:11.618+00:00"},
 "secret_key":%q,"metadata":{"webhook_created_at":"2026-01-09T07:15:42.551Z"}}`, s.WebhookURL, n, n, n, n, secretKey)
}

// A thousand different events over fifty connections, each sent twice: each is
// delivered once, and neither the token nor a secret key is found anywhere.
func TestThousandEventsTwice(t *testing.T) {
	const events, connections = 1000, 50
	dest := newRecorder(t)
	s := start(t, "--destination", dest.URL)
	t.Logf("ready after %s", s.ready)

	began := time.Now()
	statuses := map[string]int{}
	var mu sync.Mutex
	work := make(chan int)
	var senders sync.WaitGroup
	for range connections {
		senders.Go(func() {
			for n := range work {
				a, err := s.do(http.MethodPost, s.WebhookURL, s.reply(n%events), nil)
				mu.Lock()
				switch {
				case err != nil:
					statuses[err.Error()]++
				case a.status != http.StatusOK:
					statuses[fmt.Sprint(a.status, a.body)]++
				default:
					statuses[a.statuses()]++
				}
				mu.Unlock()
			}
		})
	}
	for n := range 2 * events {
		work <- n
	}
	close(work)
	senders.Wait()
	t.Logf("%d requests in %s: %v", 2*events, time.Since(began).Round(time.Millisecond), statuses)
	if statuses["accepted"] != events || statuses["duplicate"] != events {
		t.Fatalf("answers: %v", statuses)
	}
	eventually(t, 30*time.Second, "every event delivered and settled", func() (bool, string) {
		_, states := s.dump()
		keys, deliveries, _ := dest.counts()
		return states["delivered"] == events && keys == events && deliveries == events,
			fmt.Sprintf("%v, %d deliveries of %d keys", states, deliveries, keys)
	})
	t.Logf("everything delivered %s after the first request", time.Since(began).Round(time.Millisecond))
	if n := s.waiting(t.Context(), s.DLQURL); n != 0 {
		t.Errorf("%d messages in the dead letter queue", n)
	}
	s.searchForSecrets(dest)
}

// searchForSecrets looks for the token and the secret key in every log line,
// listing, item and delivery of the run.
func (s *stack) searchForSecrets(dest *recorder) {
	s.t.Helper()
	items, _ := s.dump()
	places := map[string]string{
		"a ledger item": strings.Join(items, "\n"),
		"a delivery":    strings.Join(dest.bodies, "\n"),
		"a listing":     s.ctl("events", "list", "--limit", "50") + s.ctl("events", "list", "--json", "--limit", "50") + s.ctl("sources", "list"),
		"the log":       logLines(s.stderr.String()),
	}
	for place, text := range places {
		if len(text) < 100 {
			s.t.Errorf("nothing to search in %s: %q", place, text)
		}
		for name, secret := range map[string]string{"token": s.token(), "secret key": secretKey} {
			if strings.Contains(text, secret) {
				s.t.Errorf("the %s is in %s", name, place)
			}
		}
	}
}

// logLines leaves out the help for the person who started the stack, which
// shows the URL on purpose.
func logLines(stderr string) string {
	var out []string
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "{") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// An event that cannot be delivered dies after its budget, says why, and is
// delivered by a redrive once the destination is fixed.
func TestOutageDeathAndRedrive(t *testing.T) {
	dest := newRecorder(t)
	dest.answerWith(http.StatusServiceUnavailable)
	s := start(t, "--destination", dest.URL, "--max-attempts", "3", "--retry-base", "50ms")
	id := s.post(s.reply(1)).Results[0].EventID
	eventually(t, 10*time.Second, "the event dies", func() (bool, string) {
		_, states := s.dump()
		return states["dead"] == 1 && s.waiting(t.Context(), s.DLQURL) == 1, fmt.Sprint(states)
	})
	if _, _, tries := dest.counts(); tries != 3 {
		t.Errorf("%d attempts, want 3", tries)
	}
	if list := s.ctl("dlq", "list"); !strings.Contains(list, "503") || !strings.Contains(list, "redrive start") {
		t.Errorf("dlq list must say why and what to do:\n%s", list)
	}
	dest.answerWith(http.StatusNoContent)
	s.ctl("redrive", "start", "--yes")
	eventually(t, 20*time.Second, "the redrive delivers it", func() (bool, string) {
		_, states := s.dump()
		return states["delivered"] == 1, fmt.Sprint(states) + s.ctl("redrive", "status")
	})
	eventually(t, 20*time.Second, "the redrive ends and its dead letter is cleared", func() (bool, string) {
		status := s.ctl("redrive", "status")
		return strings.Contains(status, "done") && s.waiting(t.Context(), s.DLQURL) == 0, status
	})
	if show := s.ctl("events", "show", id); strings.Count(show, "503") < 3 {
		t.Errorf("the ledger must show every attempt:\n%s", show)
	}
}

// A dead letter that an operator moves to the live queue, as the console's redrive
// does, brings its event back; moved once more it does nothing.
func TestDeadLetterMovedByHand(t *testing.T) {
	dest := newRecorder(t)
	dest.answerWith(http.StatusBadRequest)
	s := start(t, "--destination", dest.URL)
	s.post(s.reply(1))
	client := sqs.NewFromConfig(s.awsConfig(s.SQSEndpoint))
	var deadLetter sqstypes.Message
	eventually(t, 10*time.Second, "a dead letter", func() (bool, string) {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &s.DLQURL, WaitTimeSeconds: 1})
		if err != nil || len(out.Messages) == 0 {
			return false, fmt.Sprint(err)
		}
		deadLetter = out.Messages[0]
		return true, ""
	})
	dest.answerWith(http.StatusNoContent)
	for range 2 {
		if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &s.LiveQueueURL, MessageBody: deadLetter.Body}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &s.DLQURL, ReceiptHandle: deadLetter.ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "delivered", func() (bool, string) {
		_, states := s.dump()
		return states["delivered"] == 1 && s.waiting(t.Context(), s.LiveQueueURL) == 0, fmt.Sprint(states)
	})
	if _, deliveries, tries := dest.counts(); deliveries != 1 || tries != 2 {
		t.Errorf("%d deliveries in %d attempts, want 1 in 2", deliveries, tries)
	}
}
