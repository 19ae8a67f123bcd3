package outsider

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"smartlead-receiver/pkg/app"
	appworker "smartlead-receiver/pkg/app/worker"
	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
	"smartlead-receiver/test/ttlcheck"
)

const (
	token   = "slr_abcdefghijklmnopqrstuvwxyz234567"
	secret  = "3f0f5c1e-0000-4000-8000-0000000000aa" // what the sources trust
	retired = "3f0f5c1e-0000-4000-8000-0000000000bb" // what they trusted before
)

// patience is the real time that a receiver has for each stage beyond its own: a
// busy machine is no store that is slow.
const patience = time.Minute

// engine is one for all tests: it ends with the process.
var engine = sync.OnceValue(local.StartEngine)

// world is one deployment with a destination that records what it gets.
type world struct {
	*testing.T
	now      time.Time
	stores   local.Resources
	clients  *local.Clients
	ledger   *ledger.Ledger
	env      app.Env
	receiver lambdaio.ReceiverHandler
	worker   lambdaio.WorkerHandler

	mu        sync.Mutex
	delivered map[string][]string // what the destination got, by idempotency key
}

var worlds atomic.Int64

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, now: testclock.Noon(), delivered: map[string][]string{}}
	crm := httptest.NewServer(http.HandlerFunc(w.arrive))
	t.Cleanup(crm.Close)
	e := engine()
	w.clients = local.Connect(local.Endpoints{DynamoDB: ttlcheck.Proxy(t, e.URL), SQS: e.URL, SSM: e.URL, S3: e.URL})
	t.Cleanup(w.clients.Close)
	name := fmt.Sprintf("outsider-%d", worlds.Add(1))
	var err error
	w.stores, err = local.Provision(t.Context(), w.clients, local.Provisioning{Name: name, Visibility: time.Hour})
	w.must(err)
	w.ledger = ledger.New(awssdk.DynamoDB{Client: w.clients.DynamoDB}, w.stores.Table)
	w.configure(name, crm.URL)
	w.env = app.Env{
		Config: config.Config{
			Table: w.stores.Table, LiveQueue: w.stores.Live.URL, ReplayQueue: w.stores.Replay.URL, DeadQueue: w.stores.DLQ.URL,
			Bucket: w.stores.Bucket, ParameterPrefix: "/" + name, MaxAttempts: 3, RetryBase: time.Second, RetryMax: time.Minute,
			MaxRetryAfter: time.Hour, Grace: 2 * time.Minute, Retention: 90 * 24 * time.Hour, SourceTTL: 24 * time.Hour,
		},
		Clients: app.Clients{DynamoDB: awssdk.DynamoDB{Client: w.clients.DynamoDB}, SQS: awssdk.SQS{Client: w.clients.SQS}, S3: w.clients.S3, SSM: ssmstore.New(w.clients.SSM)},
		Log:     slog.New(slog.DiscardHandler), Now: w.clock,
		Receive: func(p receive.Policy) receive.Policy {
			p.SecretsTimeout, p.ClaimTimeout, p.SendTimeout = patience, patience, patience
			return p
		},
	}
	w.receiver, err = app.Receiver(w.env)
	w.must(err)
	w.worker, err = appworker.New(w.env)
	w.must(err)
	return w
}

// configure adds the sources, both with a list of trusted secrets, and the destination.
func (w *world) configure(name, url string) {
	w.Helper()
	sources, err := sourcestore.NewSources(sourcestore.Backing{
		Documents: w.ledger, Objects: w.clients.S3, Bucket: w.stores.Bucket, Parameters: ssmstore.New(w.clients.SSM), Prefix: "/" + name, Now: w.clock,
	})
	w.must(err)
	for source, byHeader := range map[string]bool{"strict": false, "header": true} {
		s, err := auth.Source{
			Name: source, Account: source, BodySecrets: []auth.Digest{auth.NewDigest(secret)},
			RedactionKey: []byte("0123456789abcdef0123456789abcdef"), TrustRequestID: byHeader,
		}.AddToken(token, w.now)
		w.must(err)
		w.must(sources.PutSource(w.Context(), s))
	}
	destinations, err := sourcestore.NewDestinations(ssmstore.New(w.clients.SSM), "/"+name, "")
	w.must(err)
	form, err := json.Marshal(destination.Config{Type: desthttp.Type.Name, Settings: &desthttp.Config{URL: url, AllowHTTP: true, AllowPrivate: true}})
	w.must(err)
	w.must(destinations.Put(w.Context(), "crm", form, true))
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) arrive(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key := r.Header.Get("webhook-id")
	w.delivered[key] = append(w.delivered[key], string(body))
}

// result is what the receiver answers for one element.
type result struct {
	EventID webhook.EventID `json:"event_id"`
	Status  string          `json:"status"`
}

// post sends a body to a source, as API Gateway hands it over.
func (w *world) post(source, requestID, body string) []result {
	w.Helper()
	ev := events.APIGatewayV2HTTPRequest{
		RouteKey: "ANY /webhooks/{source}/{token}", RawPath: "/webhooks/" + source,
		PathParameters: map[string]string{"source": source, "token": token},
		Headers:        map[string]string{"content-type": "application/json", "x-request-id": requestID},
		Body:           body,
	}
	ev.RequestContext.HTTP.Method, ev.RequestContext.RequestID = http.MethodPost, "gateway-request"
	answer, err := w.receiver(w.Context(), ev)
	w.must(err)
	if answer.StatusCode != http.StatusOK {
		w.Fatalf("answered %d %s to %s", answer.StatusCode, answer.Body, body)
	}
	var read struct {
		Results []result `json:"results"`
	}
	w.must(json.Unmarshal([]byte(answer.Body), &read))
	return read.Results
}

// pump lets the worker have everything that is in the live queue.
func (w *world) pump() {
	w.Helper()
	for {
		out, err := w.clients.SQS.ReceiveMessage(w.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &w.stores.Live.URL, MaxNumberOfMessages: 10,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		w.must(err)
		if len(out.Messages) == 0 {
			return
		}
		var batch events.SQSEvent
		for _, m := range out.Messages {
			batch.Records = append(batch.Records, events.SQSMessage{
				MessageId: aws.ToString(m.MessageId), Body: aws.ToString(m.Body), Attributes: m.Attributes,
				ReceiptHandle: aws.ToString(m.ReceiptHandle), EventSource: "aws:sqs", EventSourceARN: w.stores.Live.ARN,
			})
		}
		ctx, cancel := context.WithTimeout(w.Context(), patience)
		response, err := w.worker(ctx, batch)
		cancel()
		w.must(err)
		if len(response.BatchItemFailures) > 0 {
			w.Errorf("the worker failed at %v", response.BatchItemFailures)
		}
		for _, m := range out.Messages {
			_, err := w.clients.SQS.DeleteMessage(w.Context(), &sqs.DeleteMessageInput{QueueUrl: &w.stores.Live.URL, ReceiptHandle: m.ReceiptHandle})
			w.must(err)
		}
	}
}

// told is what the ledger says of an event that matters to whoever sent it.
func (w *world) told(id webhook.EventID) string {
	w.Helper()
	r, err := w.ledger.Get(w.Context(), id)
	w.must(err)
	line := fmt.Sprintf("%s lane=%s held=%v flags=%v received=%s lease=%d", r.State, r.Lane, r.Held, r.Flags, r.ReceivedAt.Format(time.TimeOnly), r.LeaseNumber)
	variants, err := w.ledger.Variants(w.Context(), id)
	w.must(err)
	for _, v := range variants {
		if !slices.Contains(v.Receipt.Flags, webhook.FlagUntrustedSender) && v.SplitAs == "" {
			line += fmt.Sprintf(" variant %s %x received=%s", v.Fingerprint, v.Receipt.Payload.Data, v.Receipt.ReceivedAt.Format(time.TimeOnly))
		}
	}
	return line
}

// isTest tells whether a delivery says that it is a test.
func isTest(delivered string) bool {
	var ev webhook.Event
	return json.Unmarshal([]byte(delivered), &ev) == nil && slices.Contains(ev.Flags, webhook.FlagTestEvent)
}

func inWords(lines []string) string { return strings.Join(lines, "\n    ") }
