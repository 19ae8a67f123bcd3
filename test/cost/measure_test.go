package cost

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go/middleware"

	"smartlead-receiver/pkg/app"
	appsweeper "smartlead-receiver/pkg/app/sweeper"
	appworker "smartlead-receiver/pkg/app/worker"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/test/dynoxide"
	"smartlead-receiver/test/ttlcheck"
)

// units is what was used of DynamoDB, as the engine reports it, and how many
// requests our own functions made of SQS.
type units struct{ Write, Read, Queue float64 }

// measured is what one event of a kind used on its way from receipt to delivered.
type measured struct {
	Body             int // bytes of the request
	Claim, Settle    units
	Item, Index      int // bytes that are stored
	Receiver, Worker int // bytes of their log lines
	Delivered        int // bytes of the body that the destination gets
}

// rig is the real receiver and worker over an engine that counts.
type rig struct {
	*testing.T
	*clitest.Stack
	meter    *clitest.Meter
	receiver lambdaio.ReceiverHandler
	another  func() // puts another instance of the receiver in its place
	worker   lambdaio.WorkerHandler
	sweeper  lambdaio.ScheduleHandler
	redrive  lambdaio.ScheduleHandler
	log      bytes.Buffer
	now      time.Time
	queued   int // requests to SQS of our own functions
	last     events.SQSEvent
	sent     atomic.Int64 // bytes of the last body that the destination got
	table    *clitest.TableFixture
}

// Every look at the clock takes so long, so that durations have digits as they
// have in Lambda, and the same in each run.
const tick = 7 * time.Millisecond

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, meter: clitest.NewMeter(t, ttlcheck.Proxy(t, dynoxide.Use(t))), now: clitest.Start}
	r.Stack = clitest.NewOver(t, r.meter.Engine)
	destination := r.Dest.Config.Handler
	r.Dest.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.sent.Store(req.ContentLength)
		destination.ServeHTTP(w, req)
	})
	metered := local.Connect(local.Endpoints{DynamoDB: r.meter.URL, SQS: clitest.EngineURL(), SSM: clitest.EngineURL(), S3: clitest.EngineURL()})
	t.Cleanup(metered.Close)
	env := r.Env
	env.Clients.DynamoDB, env.Clients.SQS = awssdk.DynamoDB{Client: metered.DynamoDB}, awssdk.SQS{Client: r.counted(metered.Config)}
	env.Metrics, env.Log = app.DefaultNamespace, telemetry.NewLogger(&r.log, slog.LevelInfo)
	env.Config.MaxAttempts, env.Config.SourceTTL, env.Config.RedriveTick = 8, time.Hour, 5*time.Second
	env.Now = func() time.Time { r.now = r.now.Add(tick); return r.now }
	env.Sleep = func(_ context.Context, d time.Duration) { r.now = r.now.Add(d); r.work() }
	var err error
	r.another = func() {
		t.Helper()
		if r.receiver, err = app.Receiver(env); err != nil {
			t.Fatal(err)
		}
	}
	r.another()
	if r.worker, err = appworker.New(env); err != nil {
		t.Fatal(err)
	}
	if r.sweeper, err = appsweeper.New(env); err != nil {
		t.Fatal(err)
	}
	if r.redrive, err = app.Redrive(env); err != nil {
		t.Fatal(err)
	}
	// A first event loads what an instance keeps: sources and destinations.
	r.post(clitest.Reply(1000))
	r.work()
	r.used()
	return r
}

// counted returns a client of SQS whose requests are counted.
func (r *rig) counted(config aws.Config) *sqs.Client {
	endpoint := clitest.EngineURL()
	return sqs.NewFromConfig(config, func(o *sqs.Options) {
		o.BaseEndpoint = &endpoint
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("test/count", func(
				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
			) (middleware.InitializeOutput, middleware.Metadata, error) {
				r.queued++
				return next.HandleInitialize(ctx, in)
			}), middleware.Before)
		})
	})
}

// body is the payload that stands for a "reply", of 4.3 KB, or an "open", of 1.5 KB.
func (r *rig) body(kind string) string {
	r.Helper()
	return r.payload(map[string]string{"reply": "full/reply-phone.json", "open": "full/open.json"}[kind])
}

// requestID is of the form that an HTTP API gives.
const requestID = "Kx9fQhM1oAMEV5g="

// post sends one request and fails the test for any other answer than 200.
func (r *rig) post(body string) {
	r.Helper()
	if status := r.send(r.Token, body); status != http.StatusOK {
		r.Fatalf("answered %d", status)
	}
}

// introduce has the receiver record which webhook sends the body, as it does once a day
// for each webhook, campaign and type, by another event of the same: what an event uses
// is measured without.
func (r *rig) introduce(body string) {
	r.Helper()
	batch, err := smartlead.Parse([]byte(body), smartlead.Options{})
	if err != nil || len(batch.Elements) == 0 {
		r.Fatalf("%v, %d elements", err, len(batch.Elements))
	}
	el := batch.Elements[0]
	other, err := json.Marshal(map[string]string{
		"event_type": string(el.Event.Type), "campaign_id": el.Event.CampaignID, "stats_id": "introduced-" + el.Key,
		"webhook_id": el.HookID, "webhook_name": el.HookName, "event_timestamp": "2126-03-01T00:00:00Z",
	})
	if err != nil {
		r.Fatal(err)
	}
	r.post(string(other))
	r.work()
	r.used()
	r.logged()
}

func (r *rig) send(token, body string) int {
	r.Helper()
	ev := events.APIGatewayV2HTTPRequest{
		RouteKey: "ANY /webhooks/{source}/{token}", RawPath: "/webhooks/demo/" + token, Body: body,
		PathParameters: map[string]string{"source": "demo", "token": token},
		Headers:        map[string]string{"content-type": "application/json"},
	}
	ev.RequestContext.HTTP.Method, ev.RequestContext.RequestID = http.MethodPost, requestID
	ev.RequestContext.HTTP.SourceIP, ev.RequestContext.HTTP.UserAgent = "203.0.113.77", "axios/1.7.9"
	answer, err := r.receiver(r.Context(), ev)
	if err != nil {
		r.Fatal(err)
	}
	return answer.StatusCode
}

// work hands what is in the lanes to the worker.
func (r *rig) work() {
	r.Helper()
	r.workOn(r.At.Live, r.At.Live)
	r.workOn(r.At.Replay, r.At.Replay)
}

// workOn hands what is in a queue to the worker, as what the event source of lane
// received, and deletes what is done with.
func (r *rig) workOn(q, lane local.Queue) {
	r.Helper()
	for {
		out, err := r.Clients.SQS.ReceiveMessage(r.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &q.URL, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"},
		})
		if err != nil {
			r.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return
		}
		batch := events.SQSEvent{}
		for _, m := range out.Messages {
			batch.Records = append(batch.Records, events.SQSMessage{
				MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
				EventSourceARN: lane.ARN, Attributes: m.Attributes,
			})
		}
		r.last = batch
		answer, err := r.worker(r.Context(), batch)
		if err != nil {
			r.Fatal(err)
		}
		if len(answer.BatchItemFailures) > 0 {
			return // the message waits by its visibility
		}
		for _, m := range out.Messages {
			if _, err := r.Clients.SQS.DeleteMessage(r.Context(), &sqs.DeleteMessageInput{QueueUrl: &q.URL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				r.Fatal(err)
			}
		}
	}
}

// redeliver hands the last batch to the worker once more, as SQS does after its
// visibility has ended.
func (r *rig) redeliver() {
	r.Helper()
	if back := r.again(); back > 0 {
		r.Fatalf("%d come back", back)
	}
}

// again hands the last batch to the worker, and returns how many come back once more.
func (r *rig) again() int {
	r.Helper()
	for i := range r.last.Records {
		r.last.Records[i].Attributes["ApproximateReceiveCount"] = "2"
	}
	answer, err := r.worker(r.Context(), r.last)
	if err != nil {
		r.Fatal(err)
	}
	return len(answer.BatchItemFailures)
}

// delivered returns how many of the worker's lines since the last look say so.
func (r *rig) delivered() int {
	n := strings.Count(r.log.String(), `"msg":"event.processed"`)
	if all := strings.Count(r.log.String(), `"outcome":"delivered"`); all != n {
		r.Errorf("%d of %d are delivered:\n%s", all, n, r.log.String())
	}
	r.log.Reset()
	return n
}

// used returns what was used since the last call.
func (r *rig) used() units {
	c := r.meter.Reset()
	u := units{Write: c.Written, Read: c.Units, Queue: float64(r.queued)}
	r.queued = 0
	return u
}

// logged returns the bytes of the lines since the last call, without their ends.
func (r *rig) logged() (size, lines int) {
	lines = bytes.Count(r.log.Bytes(), []byte("\n"))
	size = r.log.Len() - lines
	if testing.Verbose() {
		r.Logf("%s", r.log.String())
	}
	r.log.Reset()
	return size, lines
}

// event takes one event from receipt to delivered.
func (r *rig) event(kind string) measured {
	r.Helper()
	body := r.body(kind)
	r.introduce(body)
	m := measured{Body: len(body)}
	before := r.items()
	r.post(body)
	m.Claim = r.used()
	var lines int
	if m.Receiver, lines = r.logged(); lines != 1 {
		r.Errorf("the receiver wrote %d lines of one %s", lines, kind)
	}
	r.work()
	m.Settle = r.used()
	m.Delivered = int(r.sent.Load())
	if m.Worker, lines = r.logged(); lines != 1 {
		r.Errorf("the worker wrote %d lines of one %s", lines, kind)
	}
	for key, item := range r.items() {
		if _, known := before[key]; known {
			continue
		}
		if state := r.text(item, "state"); state != "" && state != "delivered" {
			r.Errorf("the %s is %s", kind, state)
		}
		item, index := r.stored(item)
		m.Item += item
		m.Index += index
	}
	if m.Item == 0 {
		r.Fatalf("the %s left nothing in the table", kind)
	}
	return m
}

type item = map[string]types.AttributeValue

func (*rig) text(i item, name string) string {
	if s, ok := i[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// items reads the whole table, past the meter.
func (r *rig) items() map[string]item {
	r.Helper()
	all := map[string]item{}
	pages := dynamodb.NewScanPaginator(r.Clients.DynamoDB, &dynamodb.ScanInput{TableName: &r.At.Table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.Context())
		if err != nil {
			r.Fatal(err)
		}
		for _, i := range page.Items {
			all[r.text(i, "pk")+" "+r.text(i, "sk")] = i
		}
	}
	return all
}

// accessLine returns the bytes of a line of the API's access log: the template's
// format, filled in.
func accessLine(t *testing.T) int {
	t.Helper()
	var template struct {
		Resources struct {
			HttpStage struct { //nolint:revive // the template's name
				Properties struct {
					AccessLogSettings struct {
						Format string `yaml:"Format"`
					} `yaml:"AccessLogSettings"`
				} `yaml:"Properties"`
			} `yaml:"HttpStage"`
		} `yaml:"Resources"`
	}
	parseTemplate(t, &template)
	line := template.Resources.HttpStage.Properties.AccessLogSettings.Format
	for name, value := range map[string]string{
		"$context.requestId": requestID, "$context.routeKey": "ANY /webhooks/{source}/{token}", "$context.httpMethod": "POST",
		"$context.status": "200", "$context.identity.sourceIp": "203.0.113.77",
		"$context.integrationErrorMessage": "-",
	} {
		if !strings.Contains(line, name) {
			t.Errorf("the access log has no %s", name)
		}
		line = strings.ReplaceAll(line, name, value)
	}
	if strings.Contains(line, "$") || !json.Valid([]byte(line)) {
		t.Errorf("what is in %s?", line)
	}
	return len(strings.TrimSpace(line))
}

// maxLogged bounds what one event writes into all logs, in bytes.
const maxLogged = 900

func TestAnEventLogsFewBytes(t *testing.T) {
	r, access := newRig(t), accessLine(t)
	for _, kind := range []string{"reply", "open"} {
		m := r.event(kind)
		t.Logf("%s: receiver %d, worker %d, access line %d: %d bytes", kind, m.Receiver, m.Worker, access, m.Receiver+m.Worker+access)
		if sum := m.Receiver + m.Worker + access; sum > maxLogged {
			t.Errorf("a %s logs %d bytes, more than %d", kind, sum, maxLogged)
		}
	}
}
