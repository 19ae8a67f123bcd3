// Package privacy checks that the logs of the functions name nobody.
package privacy

import (
	"bytes"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/pkg/app"
	appworker "smartlead-receiver/pkg/app/worker"
	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/test/ttlcheck"
)

// log takes the lines of functions that run side by side.
type log struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.String()
}

// anAddress is written by itself, so that what masks addresses is not what looks for
// them here.
var anAddress = regexp.MustCompile(`[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+\.[A-Za-z]+`)

// Every payload goes through receiver and worker, whose destination quotes it in its
// answer, with each kind of answer: no line holds an address of it.
func TestNoLineOfAFunctionHoldsAnAddress(t *testing.T) {
	for name, answer := range map[string]int{"delivered": 200, "refused for good": 422, "failed": 500} {
		t.Run(name, func(t *testing.T) {
			s := clitest.NewOver(t, ttlcheck.Proxy(t, clitest.EngineURL()))
			var quote []byte // what the destination answers
			s.Dest.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(answer)
				_, _ = w.Write(quote)
			})
			lines := new(log)
			env := s.Env
			env.Log, env.Metrics = telemetry.NewLogger(lines, slog.LevelDebug), "privacy"
			receiver, err := app.Receiver(env)
			if err != nil {
				t.Fatal(err)
			}
			worker, err := appworker.New(env)
			if err != nil {
				t.Fatal(err)
			}
			front := httptest.NewServer(local.NewFront(local.HTTPHandler(receiver), 10*time.Second, env.Log))
			defer front.Close()

			addresses, payloads := 0, 0
			for _, body := range corpus(t) {
				found := anAddress.FindAllString(string(body), -1)
				quote = []byte(strings.Join(found, " and "))
				from := len(lines.text())
				post(t, front.URL+"/webhooks/demo/"+s.Token, body)
				work(t, s, worker)
				said := strings.ToLower(lines.text()[from:])
				if said == "" {
					t.Errorf("nothing was logged of %.80q", body)
				}
				for _, a := range found {
					if strings.Contains(said, strings.ToLower(a)) {
						t.Errorf("%s is in\n%s", a, said)
					}
				}
				payloads, addresses = payloads+1, addresses+len(found)
			}
			if payloads < 50 || addresses < 100 || !strings.Contains(lines.text(), "event.processed") {
				t.Errorf("%d payloads with %d addresses were sent", payloads, addresses)
			}
			if answer == 422 && !strings.Contains(lines.text(), " and ") {
				t.Errorf("no line quotes what a destination answered: %.3000s", lines.text())
			}
		})
	}
}

func corpus(t *testing.T) [][]byte {
	t.Helper()
	var bodies [][]byte
	err := filepath.WalkDir("../../events/payloads", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		body, err := os.ReadFile(path)
		bodies = append(bodies, body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// What is refused, or not understood, with an address in it.
	return slices.Concat(bodies, [][]byte{
		[]byte(`{"event_type":"EMAIL_REPLY","to_email":"cut.off@acme.example.com`), []byte(`cut.off@acme.example.com`),
		[]byte(`["in.an.array@acme.example.com",{"event_type":"in.a.type@acme.example.com"}]`),
		[]byte(`{"event_type":"EMAIL_OPEN","campaign_id":"in.an.id@acme.example.com","stats_id":"in.stats@acme.example.com"}`),
	})
}

func post(t *testing.T, url string, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// work hands every message of the live lane to the worker, once.
func work(t *testing.T, s *clitest.Stack, worker lambdaio.WorkerHandler) {
	t.Helper()
	for {
		out, err := s.Clients.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &s.At.Live.URL, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return
		}
		for _, m := range out.Messages {
			if _, err := worker(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{
				MessageId: aws.ToString(m.MessageId), Body: aws.ToString(m.Body), EventSourceARN: s.At.Live.ARN,
			}}}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Clients.SQS.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &s.At.Live.URL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
