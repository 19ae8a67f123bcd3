package clitest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/pkg/app"
	appsweeper "smartlead-receiver/pkg/app/sweeper"
	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/webhook"
)

// Reply is the body of a reply; n makes it one of its own.
func Reply(n int) string {
	return fmt.Sprintf(`{"event_type":"EMAIL_REPLY","campaign_id":4100001,"stats_id":"stats-%d","sl_lead_email":"lead%d@acme.example.com",
"to_email":"lead%d@acme.example.com","from_email":"mira@outbound.example","subject":"Re: hello %d",
"event_timestamp":"2126-03-04T11:59:58.500Z","secret_key":%q,"reply_message":{"message_id":"<reply-%d@acme.example.com>","text":"Yes","html":"<p>Yes</p>"}}`,
		n, n, n, n, SecretKey, n)
}

// Post sends a body as Smartlead does and returns the id of its first event.
func (s *Stack) Post(body string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.Front.URL+"/webhooks/demo/"+s.Token, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("X-Request-Id", fmt.Sprintf("req-%x", len(body)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Results []struct {
			EventID string `json:"event_id"`
		} `json:"results"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Results) == 0 {
		s.t.Fatalf("%v: status %d", err, resp.StatusCode)
	}
	return answer.Results[0].EventID
}

// Work hands every message of the lanes to the worker.
func (s *Stack) Work() {
	s.t.Helper()
	for _, q := range []local.Queue{s.At.Live, s.At.Replay} {
		for {
			out, err := s.Clients.SQS.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: &q.URL, MaxNumberOfMessages: 10,
			})
			if err != nil {
				s.t.Fatal(err)
			}
			if len(out.Messages) == 0 {
				break
			}
			for _, m := range out.Messages {
				response, err := s.worker(s.t.Context(), events.SQSEvent{Records: []events.SQSMessage{{
					MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle),
					Body: aws.ToString(m.Body), EventSourceARN: q.ARN,
				}}})
				if err != nil {
					s.t.Fatal(err)
				}
				if len(response.BatchItemFailures) > 0 {
					continue
				}
				if _, err := s.Clients.SQS.DeleteMessage(s.t.Context(), &sqs.DeleteMessageInput{
					QueueUrl: &q.URL, ReceiptHandle: m.ReceiptHandle,
				}); err != nil {
					s.t.Fatal(err)
				}
			}
		}
	}
}

// Sweep runs the sweeper once, and has the incidents looked at.
func (s *Stack) Sweep() {
	s.t.Helper()
	sweeper, err := appsweeper.New(s.Env)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := sweeper(s.t.Context(), events.CloudWatchEvent{}); err != nil {
		s.t.Fatal(err)
	}
}

// RunRedrive runs the redrive function once.
func (s *Stack) RunRedrive(ctx context.Context) redrive.Summary {
	policy := redrive.DefaultPolicy
	return app.RedriveService(s.Env, policy).Run(ctx)
}

// DeadReplies lets n replies die, a minute apart, and returns their ids.
func (s *Stack) DeadReplies(n int) []string {
	s.t.Helper()
	s.Answer.Store(503)
	var ids []string
	for i := range n {
		ids = append(ids, s.Post(Reply(i)))
		s.Work()
		s.Advance(time.Minute)
	}
	s.Answer.Store(200)
	return ids
}

// TwoCauses lets two replies die of one cause and an open of another; a third
// reply is delivered, and two hours go by.
func (s *Stack) TwoCauses() {
	s.t.Helper()
	s.DeadReplies(2)
	s.Answer.Store(410)
	s.Post(`{"event_type":"EMAIL_OPEN","campaign_id":7,"stats_id":"a","to_email":"ann@globex.example.net","event_timestamp":"2126-03-04T11:00:00Z"}`)
	s.Work()
	s.Answer.Store(200)
	s.Advance(time.Second)
	s.Post(Reply(9))
	s.Work()
	s.Advance(2 * time.Hour)
}

// Record reads an event past the tool.
func (s *Stack) Record(id string) webhook.Record {
	s.t.Helper()
	r, err := ledger.New(awssdk.DynamoDB{Client: s.Clients.DynamoDB}, s.At.Table).Get(s.t.Context(), webhook.EventID(id))
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// Source reads a source past the tool.
func (s *Stack) Source(name string) auth.Source {
	s.t.Helper()
	source, err := s.Sources().Get(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return source
}

// Sources are the sources past the tool.
func (s *Stack) Sources() *sourcestore.Sources {
	s.t.Helper()
	sources, err := sourcestore.NewSources(sourcestore.Backing{
		Documents: ledger.New(awssdk.DynamoDB{Client: s.Clients.DynamoDB}, s.At.Table), Objects: s.Clients.S3, Bucket: s.At.Bucket,
		Parameters: ssmstore.New(s.Clients.SSM), Prefix: s.Env.Config.ParameterPrefix, Now: s.Clock,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return sources
}

// File writes a file beside the stack's own, and returns its path.
func (s *Stack) File(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// Copy puts an event a second time, under another id.
func (s *Stack) Copy(id, as string) {
	s.t.Helper()
	it, err := s.Clients.DynamoDB.GetItem(s.t.Context(), &dynamodb.GetItemInput{
		TableName: &s.At.Table, Key: attributes{"pk": textValue(id), "sk": textValue("E#000001")},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	at, _, _ := strings.Cut(textOf(it.Item, "time"), "#")
	it.Item["pk"], it.Item["time"] = textValue(as), textValue(at+"#"+as[strings.LastIndexByte(as, ':')+1:])
	if _, err := s.Clients.DynamoDB.PutItem(s.t.Context(), &dynamodb.PutItemInput{TableName: &s.At.Table, Item: it.Item}); err != nil {
		s.t.Fatal(err)
	}
}
