// Package destinations delivers events to the AWS services of engines, over HTTP, and
// reads what has arrived there.
package destinations

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/stack/place"
	"smartlead-receiver/pkg/webhook"
)

// engines start what stands in for AWS, and return where it is.
var engines = map[string]func(t *testing.T) string{
	"kumo":      func(*testing.T) string { return local.StartEngine().Direct },
	"ministack": ministack,
}

// ministack runs the binary that MINISTACK names, on a port of its own.
func ministack(t *testing.T) string {
	binary := os.Getenv("MINISTACK")
	if binary == "" && os.Getenv("REQUIRE_ENGINES") == "" {
		t.Skip("MINISTACK does not name the engine's binary: `make tools` installs it as .tools/bin/ministack")
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "LAMBDA_EXECUTOR=local", "IOT_MTLS_ENABLED=0",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "TMPDIR="+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it keeps nothing
		_ = cmd.Wait()
	})
	for range 600 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/_ministack/health", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			return "http://" + address
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("ministack does not answer")
	return ""
}

// rig is an engine with a queue behind everything.
type rig struct {
	*testing.T
	aws   destination.AWS
	queue string // its URL
	s3    *s3.Client
	// routes: the engine's rules reach its queues, and its streams its buckets; those of
	// kumo look for queues at a fixed port, and write no objects.
	routes bool
}

const account = "000000000000"

func arn(service, resource string) string {
	return "arn:aws:" + service + ":us-east-1:" + account + ":" + resource
}

// ask makes a call of a service that speaks JSON.
func (r rig) ask(service, target string, in, out any) {
	r.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		r.Fatal(err)
	}
	kind := "application/x-amz-json-1.1"
	if service == "sqs" {
		kind = "application/x-amz-json-1.0"
	}
	a := r.aws.Call(r.Context(), destination.AWSCall{Service: service, Region: "us-east-1", Target: target, ContentType: kind, Body: body})
	if a.Err != nil || a.Status != http.StatusOK {
		r.Fatalf("%s: %d, %v, %s", target, a.Status, a.Err, a.Body)
	}
	if out != nil {
		if err := json.Unmarshal(a.Body, out); err != nil {
			r.Fatal(err)
		}
	}
}

// query makes a call of SNS.
func (r rig) query(in url.Values) {
	r.Helper()
	in.Set("Version", "2010-03-31")
	a := r.aws.Call(r.Context(), destination.AWSCall{
		Service: "sns", Region: "us-east-1", ContentType: "application/x-www-form-urlencoded", Body: []byte(in.Encode()),
	})
	if a.Err != nil || a.Status != http.StatusOK || xml.Unmarshal(a.Body, new(struct{})) != nil {
		r.Fatalf("%v: %d, %v, %s", in, a.Status, a.Err, a.Body)
	}
}

// message is what the queue has.
type message struct {
	Body              string
	ReceiptHandle     string
	MessageAttributes map[string]struct{ StringValue string }
}

// receive reads n messages from the queue.
func (r rig) receive(n int) []message {
	r.Helper()
	var all []message
	for range 100 {
		var out struct{ Messages []message }
		r.ask("sqs", "AmazonSQS.ReceiveMessage", map[string]any{
			"QueueUrl": r.queue, "MaxNumberOfMessages": 10, "MessageAttributeNames": []string{"All"},
		}, &out)
		for _, m := range out.Messages {
			r.ask("sqs", "AmazonSQS.DeleteMessage", map[string]any{"QueueUrl": r.queue, "ReceiptHandle": m.ReceiptHandle}, nil)
		}
		if all = append(all, out.Messages...); len(all) >= n {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if len(all) != n {
		r.Fatalf("%d messages arrived, want %d", len(all), n)
	}
	return all
}

func delivery(n int) webhook.Delivery {
	id := webhook.EventID("v1:EMAIL_REPLY:" + strconv.Itoa(n))
	return webhook.Delivery{IdempotencyKey: string(id), Event: webhook.Event{
		ID: id, Type: webhook.EmailReply, Account: "main", CampaignID: "7", Attempt: 1, Raw: json.RawMessage(`{}`),
		OccurredAt: time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC), Lead: &webhook.Lead{Email: "tom@acme.example"},
		Reply: &webhook.Reply{Text: "größer < & \"so\"\x01"},
	}}
}

// deliver delivers ten events side by side.
func (r rig) deliver(kind, resource string) *destination.Target {
	r.Helper()
	cfg, err := registry.Types.Parse([]byte(`{"type":"` + kind + `","config":{"arn":"` + resource + `"}}`))
	if err != nil {
		r.Fatal(err)
	}
	deps := destination.Deps{AWS: r.aws}
	if err := cfg.Settings.(destination.Checker).CheckExists(r.Context(), deps); err != nil {
		r.Errorf("%s is there, and the check says: %v", resource, err)
	}
	target, err := destination.New("it", cfg, deps)
	if err != nil {
		r.Fatal(err)
	}
	var group sync.WaitGroup
	for n := range 10 {
		group.Go(func() {
			if out := target.Deliver(r.Context(), delivery(n)); out.Result != webhook.ResultDelivered {
				r.Errorf("event %d: %+v", n, out)
			}
		})
	}
	group.Wait()
	return target
}

// arrive compares ten texts with the events that were sent, each once.
func (r rig) arrive(texts []string) {
	r.Helper()
	keys := map[string]bool{}
	for _, text := range texts {
		var e struct {
			webhook.Event
			Key string `json:"idempotency_key"`
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			r.Fatalf("%v in %s", err, text)
		}
		if e.Reply == nil || e.Reply.Text != delivery(0).Event.Reply.Text || e.Schema != webhook.Schema || string(e.ID) != e.Key {
			r.Errorf("arrived %s", text)
		}
		keys[e.Key] = true
	}
	if len(keys) != 10 {
		r.Errorf("%d of 10 events", len(keys))
	}
}

func bodies(all []message) []string {
	texts := make([]string, len(all))
	for i, m := range all {
		texts[i] = m.Body
	}
	return texts
}

func TestEngines(t *testing.T) {
	for name, start := range engines {
		t.Run(name, func(t *testing.T) {
			at := start(t)
			clients := local.Connect(local.Endpoints{DynamoDB: at, SQS: at, SSM: at, S3: at})
			t.Cleanup(clients.Close)
			r := rig{T: t, routes: name != "kumo", s3: clients.S3, aws: stack.LocalAWS(place.Endpoints{SQS: at, SSM: at})}
			var queue struct {
				URL string `json:"QueueUrl"`
			}
			r.ask("sqs", "AmazonSQS.CreateQueue", map[string]any{"QueueName": "behind"}, &queue)
			r.queue = queue.URL
			on := func(t *testing.T) rig { r := r; r.T = t; return r }
			t.Run("sqs", func(t *testing.T) { on(t).sqs() })
			t.Run("sns", func(t *testing.T) { on(t).sns() })
			t.Run("eventbridge", func(t *testing.T) { on(t).eventBridge() })
			t.Run("firehose", func(t *testing.T) { on(t).firehose() })
			t.Run("what is absent", func(t *testing.T) { on(t).absent() })
		})
	}
}

func (r rig) sqs() {
	r.deliver("sqs", arn("sqs", "behind"))
	all := r.receive(10)
	r.arrive(bodies(all))
	if a := all[0].MessageAttributes; a["type"].StringValue != "EMAIL_REPLY" || a["campaign_id"].StringValue != "7" {
		r.Errorf("attributes %v", a)
	}
}

func (r rig) sns() {
	topic := arn("sns", "events")
	r.query(url.Values{"Action": {"CreateTopic"}, "Name": {"events"}})
	r.query(url.Values{
		"Action": {"Subscribe"}, "TopicArn": {topic}, "Protocol": {"sqs"}, "Endpoint": {arn("sqs", "behind")},
		"Attributes.entry.1.key": {"RawMessageDelivery"}, "Attributes.entry.1.value": {"true"},
	})
	r.deliver("sns", topic)
	r.arrive(bodies(r.receive(10)))
}

func (r rig) eventBridge() {
	r.ask("events", "AWSEvents.CreateEventBus", map[string]any{"Name": "crm"}, nil)
	r.ask("events", "AWSEvents.PutRule", map[string]any{
		"Name": "replies", "EventBusName": "crm", "State": "ENABLED",
		"EventPattern": `{"source":["smartlead"],"detail-type":["EMAIL_REPLY"],"detail":{"account":["main"]}}`,
	}, nil)
	r.ask("events", "AWSEvents.PutTargets", map[string]any{
		"Rule": "replies", "EventBusName": "crm", "Targets": []map[string]any{{"Id": "1", "Arn": arn("sqs", "behind")}},
	}, nil)
	r.deliver("eventbridge", arn("events", "event-bus/crm"))
	if !r.routes {
		return
	}
	texts := bodies(r.receive(10))
	for i, text := range texts {
		var envelope struct {
			Detail json.RawMessage
		}
		if err := json.Unmarshal([]byte(text), &envelope); err != nil {
			r.Errorf("%s, %v", text, err)
		}
		texts[i] = string(envelope.Detail)
	}
	r.arrive(texts)
}

func (r rig) firehose() {
	bucket := "landed"
	if _, err := r.s3.CreateBucket(r.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		r.Fatal(err)
	}
	r.ask("firehose", "Firehose_20150804.CreateDeliveryStream", map[string]any{
		"DeliveryStreamName": "events", "DeliveryStreamType": "DirectPut",
		"ExtendedS3DestinationConfiguration": map[string]any{"RoleARN": "arn:aws:iam::" + account + ":role/firehose", "BucketARN": "arn:aws:s3:::" + bucket},
	}, nil)
	r.deliver("firehose", arn("firehose", "deliverystream/events"))
	if r.routes {
		r.arrive(r.lines(bucket))
	}
}

// lines are those of all objects of a bucket, each of which ends with one.
func (r rig) lines(bucket string) (all []string) {
	r.Helper()
	list, err := r.s3.ListObjectsV2(r.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		r.Fatal(err)
	}
	for _, object := range list.Contents {
		got, err := r.s3.GetObject(r.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: object.Key})
		if err != nil {
			r.Fatal(err)
		}
		text, err := io.ReadAll(got.Body)
		_ = got.Body.Close()
		if err != nil || !strings.HasSuffix(string(text), "\n") {
			r.Errorf("%s ends without a new line, or in part: %v", *object.Key, err)
		}
		all = append(all, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
	}
	return all
}

func (r rig) absent() {
	for kind, resource := range map[string]string{
		"sqs": arn("sqs", "nowhere"), "sns": arn("sns", "nowhere"), "eventbridge": arn("events", "event-bus/nowhere"), "firehose": arn("firehose", "deliverystream/nowhere"),
	} {
		cfg, err := registry.Types.Parse([]byte(`{"type":"` + kind + `","config":{"arn":"` + resource + `"}}`))
		if err != nil {
			r.Fatal(err)
		}
		if err := cfg.Settings.(destination.Checker).CheckExists(context.Background(), destination.Deps{AWS: r.aws}); !errors.Is(err, destination.ErrAbsent) {
			r.Errorf("%s: %v, want %v", resource, err, destination.ErrAbsent)
		}
		if kind == "eventbridge" {
			continue // it takes an event for a bus that is not there, which is why its absence is asked for
		}
		target, err := destination.New("it", cfg, destination.Deps{AWS: r.aws})
		if err != nil {
			r.Fatal(err)
		}
		if out := target.Deliver(r.Context(), delivery(1)); out.Result != webhook.ResultPermanent || !strings.Contains(out.Error, "check the destination's ARN") {
			r.Errorf("%s: %+v, want it refused for good with a hint", resource, out)
		}
	}
}
