// Package clitest runs whole commands against a receiver in process, for the tests
// of the packages below pkg/cli.
package clitest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"smartlead-receiver/pkg/app"
	appworker "smartlead-receiver/pkg/app/worker"
	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/test/testclock"
	"smartlead-receiver/test/ttlcheck"
)

// engine serves all tests of a process: engines of one process share their data,
// and one must not start while another is at work. Names keep the tests apart.
var engine = sync.OnceValue(local.StartEngine)

// EngineURL is where the embedded engine answers.
func EngineURL() string { return engine().URL }

// SecretKey is in every payload and must never be in any output.
const SecretKey = "0b9f6a4e-the-account-key"

// Stack is a receiver in process: the real functions over the embedded
// engine, under a clock that the test moves.
type Stack struct {
	Clients *local.Clients
	At      local.Resources
	Env     app.Env
	Front   *httptest.Server // the receiver
	Dest    *httptest.Server // the destination crm
	Answer  atomic.Int64     // of the destination: an HTTP status
	Dir     string           // of the local stack's state
	Token   string           // of the source demo

	DynamoDB      string // what commands speak to
	RetentionDays int    // as the stack says it; 0: it does not
	SweepGrace    string // as the stack says it
	SmartleadURL  string // of the simulated API beside it; empty: none

	// What the next command finds.
	Terminal bool // every stream is one
	Width    int
	Input    string
	Getenv   map[string]string
	OnSleep  func(ctx context.Context)
	Ticker   output.Ticker
	Open     func(address string) error

	Said    []string // every output of every command
	Secrets []string // what must be in none of them

	t      *testing.T
	worker lambdaio.WorkerHandler
	mu     sync.Mutex
	now    time.Time
}

// Start is the time at which every test begins.
var Start = testclock.Noon()

// New returns a stack over the embedded engine.
func New(t *testing.T) *Stack {
	t.Helper()
	return NewOver(t, ttlcheck.Proxy(t, EngineURL()))
}

// NewOver returns a stack that keeps the ledger in the DynamoDB at that URL, before
// which a proxy stands that fails the test for an expiry that has passed.
func NewOver(t *testing.T, dynamo string) *Stack {
	t.Helper()
	s := &Stack{t: t, now: Start, Dir: t.TempDir(), Getenv: map[string]string{"NO_COLOR": "1"}, DynamoDB: dynamo}
	s.Clients = local.Connect(local.Endpoints{DynamoDB: dynamo, SQS: EngineURL(), SSM: EngineURL(), S3: EngineURL()})
	t.Cleanup(s.Clients.Close)
	name := "t" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12]
	var err error
	if s.At, err = local.Provision(t.Context(), s.Clients, local.Provisioning{Name: name}); err != nil {
		t.Fatal(err)
	}
	prefix := "/" + name
	sent := sentTimes{now: s.Clock, of: map[string]time.Time{}}
	s.Env = app.Env{
		Config: config.Config{
			Table: s.At.Table, LiveQueue: s.At.Live.URL, ReplayQueue: s.At.Replay.URL, DeadQueue: s.At.DLQ.URL,
			Bucket: s.At.Bucket, ParameterPrefix: prefix, MaxAttempts: 1, RetryBase: time.Second, RetryMax: time.Minute, MaxRetryAfter: time.Hour,
			Grace: 2 * time.Minute, Retention: 90 * 24 * time.Hour, SourceTTL: time.Nanosecond,
		},
		Clients: app.Clients{
			DynamoDB: awssdk.DynamoDB{Client: s.Clients.DynamoDB}, SQS: awssdk.SQS{Client: sent.client(s.Clients.Config, EngineURL())}, S3: s.Clients.S3, SSM: ssmstore.New(s.Clients.SSM),
		},
		Log: slog.New(slog.DiscardHandler), Now: s.Clock,
		Sleep: func(context.Context, time.Duration) { s.Advance(10 * time.Second); s.Work() },
	}
	s.start(prefix)
	t.Cleanup(s.searchForSecrets)
	return s
}

func (s *Stack) start(prefix string) {
	s.t.Helper()
	receiver, err := app.Receiver(s.Env)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.worker, err = appworker.New(s.Env); err != nil {
		s.t.Fatal(err)
	}
	s.Front = httptest.NewServer(local.NewFront(local.HTTPHandler(receiver), 10*time.Second, s.Env.Log))
	s.t.Cleanup(s.Front.Close)
	s.Answer.Store(200)
	s.Dest = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(s.Answer.Load()))
	}))
	s.t.Cleanup(s.Dest.Close)

	source, token, err := auth.NewSource("demo", "default", strings.NewReader(strings.Repeat("seed", 100)), s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.Sources().PutSource(s.t.Context(), source); err != nil {
		s.t.Fatal(err)
	}
	store, err := sourcestore.NewDestinations(ssmstore.New(s.Clients.SSM), prefix, "")
	if err != nil {
		s.t.Fatal(err)
	}
	form := fmt.Appendf(nil, `{"type":"http","config":{"url":%q,"allow_http":true,"allow_private":true}}`, s.Dest.URL+"/hidden-path")
	if err := store.Put(s.t.Context(), "crm", form, false); err != nil {
		s.t.Fatal(err)
	}
	s.Token = token
	s.Secrets = append(s.Secrets, SecretKey, token, "hidden-path")
	s.WriteInfo(prefix)
}

// WriteInfo writes what a local stack says of itself, as it stands now.
func (s *Stack) WriteInfo(prefix string) { s.writeInfo(prefix, EngineURL()) }

// WriteInfoWith is WriteInfo with another endpoint before all services but DynamoDB.
func (s *Stack) WriteInfoWith(endpoint string) {
	s.writeInfo(s.Env.Config.ParameterPrefix, endpoint)
}

func (s *Stack) writeInfo(prefix, endpoint string) {
	s.t.Helper()
	info, err := json.Marshal(stack.Place{
		WebhookURL: s.Front.URL + "/webhooks/demo/" + s.Token, DynamoDBEndpoint: s.DynamoDB, SQSEndpoint: endpoint,
		SSMEndpoint: endpoint, S3Endpoint: endpoint, Region: local.Region, TableName: s.At.Table,
		LiveQueueURL: s.At.Live.URL, ReplayQueueURL: s.At.Replay.URL, DLQURL: s.At.DLQ.URL,
		LiveQueueARN: s.At.Live.ARN, DLQARN: s.At.DLQ.ARN, Bucket: s.At.Bucket, ParameterPrefix: prefix,
		RetentionDays: s.RetentionDays, SweepGrace: s.SweepGrace, SmartleadURL: s.SmartleadURL,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "stack.json"), info, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// Clock is the time by the clock of the test.
func (s *Stack) Clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Advance moves the clock of the test.
func (s *Stack) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}
