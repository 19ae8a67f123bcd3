package local

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"smartlead-receiver/test/ttlcheck"
)

// engine serves all tests: engines of one process share their data. Names keep the
// tests apart.
var engine *Engine

// What runs already belongs to the engine, whose server ends with the process.
func TestMain(m *testing.M) {
	StartEngine().Close()
	goleak.VerifyTestMain(withEngine{m}, goleak.IgnoreCurrent())
}

type withEngine struct{ *testing.M }

func (w withEngine) Run() int {
	engine = StartEngine()
	defer engine.Close()
	return w.M.Run()
}

var quiet = slog.New(slog.DiscardHandler)

func newClients(t *testing.T) *Clients {
	t.Helper()
	clients := Connect(Endpoints{DynamoDB: ttlcheck.Proxy(t, engine.URL), SQS: engine.URL, SSM: engine.URL, S3: engine.URL})
	t.Cleanup(clients.Close)
	return clients
}

func uniqueName() string { return "t" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12] }

// newQueues provisions with a visibility timeout of one second.
func newQueues(t *testing.T, maxReceiveCount int) (*Clients, Resources) {
	t.Helper()
	clients := newClients(t)
	resources, err := Provision(t.Context(), clients, Provisioning{
		Name: uniqueName(), Visibility: time.Second, MaxReceiveCount: maxReceiveCount,
	})
	if err != nil {
		t.Fatal(err)
	}
	return clients, resources
}

func send(t *testing.T, clients *Clients, queue Queue, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		_, err := clients.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: aws.String(queue.URL), MessageBody: aws.String(body),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// receive takes one message if there is one now.
func receive(t *testing.T, clients *Clients, queue Queue) (types.Message, bool) {
	t.Helper()
	out, err := clients.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(queue.URL)})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Messages) == 0 {
		return types.Message{}, false
	}
	return out.Messages[0], true
}

// eventually polls until the condition holds.
func eventually(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for !holds() {
		if ctx.Err() != nil {
			t.Fatalf("not within %s: %s", within, what)
		}
		sleep(ctx, 5*time.Millisecond)
	}
}
