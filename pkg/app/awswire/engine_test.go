package awswire_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/ttlcheck"
)

// world is the local stack's stores, by ours and by the SDK's clients.
func world(t *testing.T) (clients, *local.Clients, local.Resources) {
	t.Helper()
	engine := local.StartEngine()
	t.Cleanup(engine.Close)
	sdk := local.Connect(local.Endpoints{DynamoDB: ttlcheck.Proxy(t, engine.URL), SQS: engine.URL, SSM: engine.URL, S3: engine.URL})
	t.Cleanup(sdk.Close)
	at, err := local.Provision(t.Context(), sdk, local.Provisioning{Name: "awswire-" + strings.ToLower(t.Name())})
	if err != nil {
		t.Fatal(err)
	}
	return byWire(t, engine.URL), sdk, at
}

func TestBodies(t *testing.T) {
	wire, sdk, at := world(t)
	store, err := bodies.New(wire.s3, at.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 300_000)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(noise) // never fails
	p, err := store.Store(t.Context(), "acme", noise)
	if err != nil || p.Ref == "" {
		t.Fatalf("stored at %q, %v", p.Ref, err)
	}
	if got, err := store.Load(t.Context(), p); err != nil || !bytes.Equal(got, noise) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	if err := store.Expire(t.Context(), p, 0); err != nil {
		t.Fatal(err)
	}
	tags, err := sdk.S3.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: &at.Bucket, Key: &p.Ref})
	if err != nil || len(tags.TagSet) != 1 || *tags.TagSet[0].Key != bodies.ExpireTagKey {
		t.Errorf("tags %v, %v", tags, err)
	}
	if got, err := store.Load(t.Context(), p); err != nil || !bytes.Equal(got, noise) {
		t.Errorf("after the copy %d bytes came back, %v", len(got), err)
	}
	p.Ref += "0"
	if _, err := store.Load(t.Context(), p); !errors.Is(err, webhook.ErrNotFound) {
		t.Errorf("an object that is not there: %v", err)
	}
}

func TestQueues(t *testing.T) {
	wire, _, at := world(t)
	q := queue.New(wire.queue, queue.URLs{Live: at.Live.URL, Replay: at.Replay.URL, Dead: at.DLQ.URL})
	var messages []webhook.Message
	for _, id := range []webhook.EventID{"v1:EMAIL_OPEN:A", "v1:EMAIL_OPEN:B"} {
		messages = append(messages, webhook.Message{Kind: webhook.KindEvent, ID: id})
	}
	if err := errors.Join(q.SendDeadLetters(t.Context(), messages)...); err != nil {
		t.Fatal(err)
	}
	if _, _, dead, err := q.Depths(t.Context()); err != nil || dead.Total() != 2 {
		t.Errorf("depth %+v, %v", dead, err)
	}
	taken, err := q.TakeDead(t.Context(), 10, time.Minute, 0)
	if err != nil || len(taken) != 2 || taken[0].Message.ID == taken[1].Message.ID || taken[0].Receives != 1 || taken[0].SentAt.IsZero() {
		t.Fatalf("took %+v, %v", taken, err)
	}
	if err := q.ReleaseDead(t.Context(), []string{taken[0].Receipt}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(q.DeleteDead(t.Context(), []string{taken[1].Receipt})...); err != nil {
		t.Error(err)
	}
	again, err := q.TakeDead(t.Context(), 10, time.Minute, 0)
	if err != nil || len(again) != 1 || again[0].Message.ID != taken[0].Message.ID {
		t.Errorf("released %+v, %v", again, err)
	}
}

func TestDestinations(t *testing.T) {
	wire, sdk, _ := world(t)
	const prefix = "/smartlead/awswire"
	for _, name := range strings.Split("abcdefghijkl", "") { // two pages
		_, err := sdk.SSM.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String(prefix + "/destinations/" + name), Value: aws.String(`{"type":"log"}`), Type: ssmtypes.ParameterTypeSecureString, Overwrite: aws.Bool(true),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	reader, err := sourcestore.NewDestinationReader(wire.ssm, prefix, sourcestore.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := reader.Destinations(t.Context()); err != nil || len(all) != 12 || string(all["l"]) != `{"type":"log"}` {
		t.Errorf("%d destinations, %v", len(all), err)
	}
}

func TestS3(t *testing.T) {
	p := newPair(t)
	get := func(ctx context.Context) (any, error) {
		return p.wire.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	}
	copies := newGenerator(1).calls()["CopyObject"]
	copying := func(ctx context.Context) (any, error) { return copies(ctx, p.wire) }
	const wrong, right, parts = "AAAAAA==", "NSRBwg==", "NSRBwg==-2"
	sum := func(s string) map[string]string { return map[string]string{"X-Amz-Checksum-Crc32": s} }
	whole := answer{status: 200, body: "abc"}
	tests := map[string]struct {
		do       func(context.Context) (any, error)
		script   []answer
		attempts int
		fails    bool
	}{
		"right checksum":            {get, []answer{{status: 200, body: "abc", header: sum(right)}}, 1, false},
		"wrong checksum":            {get, []answer{{status: 200, body: "abc", header: sum(wrong)}}, 1, true},
		"checksum of parts":         {get, []answer{{status: 200, body: "abc", header: sum(parts)}}, 1, false},
		"torn body":                 {get, []answer{{status: 200, body: "ab", cut: 2}, whole}, 2, false},
		"larger than any":           {get, []answer{{status: 200, body: strings.Repeat("x", 32<<20+1)}}, 1, true},
		"a copy fails, then is":     {copying, []answer{{status: 200, body: "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>"}, success("CopyObject")}, 2, false},
		"a copy without its result": {copying, []answer{{status: 200}}, 1, true},
		"a copy that breaks off":    {copying, []answer{{status: 200, body: "<CopyObjectResult><ETag>"}}, 1, true},
		"a proxy is down":           {get, []answer{{status: 503, body: "<html>503</html>"}, whole}, 2, false},
		"not XML":                   {get, []answer{{status: 400, body: "{}"}}, 1, true},
	}
	for name, tt := range tests {
		p.play(tt.script...)
		_, err := tt.do(t.Context())
		if n := len(p.requests()); n != tt.attempts || (err != nil) != tt.fails {
			t.Errorf("%s: %d attempts, %v", name, n, err)
		}
	}
	p.play(answer{status: http.StatusNotFound, body: "<Error><Code>NoSuchKey</Code></Error>"})
	_, err := get(t.Context())
	if _, ok := errors.AsType[*types.NoSuchKey](err); !ok {
		t.Errorf("no such key: %v", err)
	}
	if _, err := p.wire.s3.GetObject(t.Context(), &s3.GetObjectInput{}); err == nil {
		t.Error("an object without a name was read")
	} else if _, ok := errors.AsType[*smithy.OperationError](err); !ok {
		t.Errorf("%T, want an error of the operation", err)
	}
}
