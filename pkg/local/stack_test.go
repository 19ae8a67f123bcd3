package local

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"smartlead-receiver/test/speed"
)

// relay builds functions that queue each body and hand it to deliver.
func relay(deliver func(body string) error) Build {
	return func(_ context.Context, clients *Clients, resources Resources) (Handlers, error) {
		return Handlers{
			Receiver: func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
				_, err := clients.SQS.SendMessage(ctx, &sqs.SendMessageInput{
					QueueUrl: aws.String(resources.Live.URL), MessageBody: aws.String(event.Body),
				})
				return events.APIGatewayV2HTTPResponse{StatusCode: 200}, err
			},
			Worker: func(_ context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
				response := events.SQSEventResponse{}
				for _, record := range event.Records {
					if deliver(record.Body) != nil {
						response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
					}
				}
				return response, nil
			},
			Sweeper: func(context.Context, events.EventBridgeEvent) error { return nil },
			Redrive: func(context.Context, events.EventBridgeEvent) error { return nil },
		}, nil
	}
}

func testOptions(name string) Options {
	return Options{Addr: "127.0.0.1:0", Provisioning: Provisioning{Name: name, Visibility: time.Second}, Log: quiet}
}

func stopped(t *testing.T, stack *Stack) {
	t.Helper()
	if err := stack.Stop(); err != nil {
		t.Error(err)
	}
}

func postText(t *testing.T, stack *Stack, body string) int {
	t.Helper()
	status, _, _ := do(t, "POST", stack.URL+"/webhooks/demo/token", strings.NewReader(body), map[string][]string{"Content-Type": {"text/plain"}})
	return status
}

func TestStackCarriesARequestToTheWorker(t *testing.T) {
	delivered := make(chan string, 1)
	stack, err := Start(t.Context(), testOptions(uniqueName()), relay(func(body string) error { delivered <- body; return nil }))
	if err != nil {
		t.Fatal(err)
	}
	defer stopped(t, stack)
	began := time.Now()
	if status := postText(t, stack, "hello"); status != 200 {
		t.Fatalf("status %d", status)
	}
	if body := <-delivered; body != "hello" {
		t.Errorf("delivered %q", body)
	}
	speed.AtMost(t, "the way from request to worker", time.Since(began), 500*time.Millisecond)
	info := stack.Info("/webhooks/demo/token", "/prefix")
	if info.WebhookURL != stack.URL+"/webhooks/demo/token" || info.TableName != stack.Resources.Table || info.DLQURL == "" || info.PID == 0 {
		t.Errorf("info = %+v", info)
	}
	if !strings.HasPrefix(info.LiveQueueURL, info.SQSEndpoint+"/") {
		t.Errorf("queue URL %q is not at %q", info.LiveQueueURL, info.SQSEndpoint)
	}
}

// What was accepted and not delivered when the stack stops is delivered by the
// next one on the same engine.
func TestStackStopLosesNothing(t *testing.T) {
	name := uniqueName()
	options := testOptions(name)
	options.SQSEndpoint, options.DynamoDBEndpoint = engine.URL, engine.URL
	options.LiveConcurrency = 1
	release := make(chan struct{})
	var inFlight, delivered atomic.Int32
	first, err := Start(t.Context(), options, relay(func(string) error {
		inFlight.Add(1)
		<-release
		delivered.Add(1)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if status := postText(t, first, "m"); status != 200 {
			t.Fatalf("status %d", status)
		}
	}
	eventually(t, 2*time.Second, "a delivery in flight", func() bool { return inFlight.Load() > 0 })
	ended := make(chan struct{})
	go func() { defer close(ended); stopped(t, first) }()
	sleep(t.Context(), 50*time.Millisecond)
	close(release)
	<-ended
	before := delivered.Load()
	if before == 0 || before == 40 {
		t.Fatalf("%d of 40 delivered by the first stack: the test proves nothing", before)
	}
	second, err := Start(t.Context(), options, relay(func(string) error { delivered.Add(1); return nil }))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 3*time.Second, "the rest delivered", func() bool { return delivered.Load() == 40 })
	stopped(t, second)
	if got := delivered.Load(); got != 40 {
		t.Errorf("%d deliveries of 40", got)
	}
}

func TestStartSaysWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	fine := relay(func(string) error { return nil })
	failing := func(context.Context, *Clients, Resources) (Handlers, error) {
		return Handlers{}, errors.New("no such destination")
	}
	cases := map[string]struct {
		change func(*Options)
		build  Build
		want   string
	}{
		"a taken port":          {func(o *Options) { o.Addr = taken.Addr().String() }, fine, "is taken: stop what listens there"},
		"no address":            {func(o *Options) { o.Addr = "8080" }, fine, "must be host:port"},
		"a bad DynamoDB URL":    {func(o *Options) { o.DynamoDBEndpoint = "localhost:8000" }, fine, "DynamoDB endpoint: "},
		"a bad SQS URL":         {func(o *Options) { o.SQSEndpoint = "http://" }, fine, "SQS endpoint: "},
		"an engine that is off": {func(o *Options) { o.DynamoDBEndpoint = "http://127.0.0.1:1" }, fine, "is it started?"},
		"a failing composition": {func(*Options) {}, failing, "no such destination"},
	}
	for name, c := range cases {
		options := testOptions(uniqueName())
		c.change(&options)
		stack, err := Start(t.Context(), options, c.build)
		if err == nil {
			stopped(t, stack)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: err = %v, want %q", name, err, c.want)
		}
	}
}

// The engine keeps sources: SecureStrings by path, more than a page of them.
func TestEngineKeepsSecureStrings(t *testing.T) {
	clients := newClients(t)
	prefix := "/" + uniqueName() + "/sources/"
	for i := range 12 {
		_, err := clients.SSM.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String(prefix + string(rune('a'+i))), Value: aws.String("secret"), Type: ssmtypes.ParameterTypeSecureString,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	pages := ssm.NewGetParametersByPathPaginator(clients.SSM, &ssm.GetParametersByPathInput{
		Path: aws.String(strings.TrimSuffix(prefix, "/")), WithDecryption: aws.Bool(true), MaxResults: aws.Int32(10),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, parameter := range page.Parameters {
			names = append(names, aws.ToString(parameter.Name))
			if aws.ToString(parameter.Value) != "secret" {
				t.Errorf("%s = %q", aws.ToString(parameter.Name), aws.ToString(parameter.Value))
			}
		}
	}
	if len(names) != 12 {
		t.Errorf("names = %q", names)
	}
}
