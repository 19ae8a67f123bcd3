package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/uuid"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/test/testclock"
	"smartlead-receiver/test/ttlcheck"
)

var update = flag.Bool("update", false, "write the golden files anew")

// engine serves all tests: engines of one process share their data, and one
// must not start while another is at work. Names keep the tests apart.
var engine *local.Engine

func TestMain(m *testing.M) {
	flag.Parse()
	engine = local.StartEngine()
	code := m.Run()
	engine.Close()
	os.Exit(code)
}

// testdata holds the golden files; absolute, because a test may change its
// directory.
var testdata, _ = filepath.Abs("testdata")

// secretKey is in every payload and must never be in any output.
const secretKey = "0b9f6a4e-the-account-key"

// station is a receiver in process: the real functions over the embedded
// engine, under a clock that the test moves.
type station struct {
	t        *testing.T
	clients  *local.Clients
	at       local.Resources
	dynamo   string // the DynamoDB that commands speak to
	env      app.Env
	worker   lambdaio.WorkerHandler
	front    *httptest.Server
	dest     *httptest.Server
	answer   atomic.Int64 // of the destination
	dir      string
	token    string
	mu       sync.Mutex
	now      time.Time
	said     []string // every output of every command
	secrets  []string // what must be in none of them
	terminal bool
	width    int
	input    string
	getenv   map[string]string
	days     int    // RetentionDays, as the stack says it
	grace    string // SweepGrace, too
	onSleep  func(ctx context.Context)
}

// startOfTests is the time at which every test begins.
var startOfTests = testclock.Noon()

func newStation(t *testing.T) *station {
	t.Helper()
	return newStationOver(t, ttlcheck.Proxy(t, engine.URL))
}

// newStationOver keeps the ledger in the DynamoDB at that URL, before which a
// proxy stands that knows an expiry that has passed.
func newStationOver(t *testing.T, dynamo string) *station {
	t.Helper()
	s := &station{t: t, now: startOfTests, dir: t.TempDir(), getenv: map[string]string{}, dynamo: dynamo}
	s.clients = local.Connect(local.Endpoints{DynamoDB: dynamo, SQS: engine.URL, SSM: engine.URL, S3: engine.URL})
	t.Cleanup(s.clients.Close)
	name := "t" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12]
	var err error
	if s.at, err = local.Provision(t.Context(), s.clients, local.Provisioning{Name: name}); err != nil {
		t.Fatal(err)
	}
	prefix := "/" + name
	sent := sentTimes{now: s.clock, of: map[string]time.Time{}}
	s.env = app.Env{
		Config: config.Config{
			Table: s.at.Table, LiveQueue: s.at.Live.URL, ReplayQueue: s.at.Replay.URL, DeadQueue: s.at.DLQ.URL,
			Bucket: s.at.Bucket, ParameterPrefix: prefix, MaxAttempts: 1, RetryBase: time.Second, RetryMax: time.Minute,
			Grace: 2 * time.Minute, Retention: 90 * 24 * time.Hour, SourceTTL: time.Nanosecond,
		},
		Clients: app.Clients{
			DynamoDB: s.clients.DynamoDB, SQS: sent.client(s.clients.Config, engine.URL), S3: s.clients.S3, SSM: s.clients.SSM,
		},
		Log: slog.New(slog.DiscardHandler), Metrics: io.Discard, Now: s.clock,
		Sleep: func(context.Context, time.Duration) { s.advance(10 * time.Second); s.work() },
	}
	s.start(prefix)
	t.Cleanup(s.searchForSecrets)
	return s
}

func (s *station) start(prefix string) {
	s.t.Helper()
	receiver, err := app.Receiver(s.env)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.worker, err = app.Worker(s.env); err != nil {
		s.t.Fatal(err)
	}
	s.front = httptest.NewServer(local.NewFront(local.HTTPHandler(receiver), 10*time.Second, s.env.Log))
	s.t.Cleanup(s.front.Close)
	s.answer.Store(200)
	s.dest = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(s.answer.Load()))
	}))
	s.t.Cleanup(s.dest.Close)

	source, token, err := auth.NewSource("demo", "default", strings.NewReader(strings.Repeat("seed", 100)), s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	store, err := sourcestore.NewStore(s.clients.SSM, prefix)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := store.PutSource(s.t.Context(), source, false); err != nil {
		s.t.Fatal(err)
	}
	form := fmt.Appendf(nil, `{"type":"http","url":%q}`, s.dest.URL+"/hidden-path")
	if err := store.Put(s.t.Context(), sourcestore.Destinations, "crm", form, false); err != nil {
		s.t.Fatal(err)
	}
	s.token = token
	s.secrets = append(s.secrets, secretKey, token, "hidden-path")
	s.writeInfo(prefix)
}

func (s *station) writeInfo(prefix string) {
	s.t.Helper()
	info, err := json.Marshal(Place{
		WebhookURL: s.front.URL + "/webhooks/demo/" + s.token, DynamoDBEndpoint: s.dynamo, SQSEndpoint: engine.URL,
		SSMEndpoint: engine.URL, S3Endpoint: engine.URL, Region: local.Region, TableName: s.at.Table,
		LiveQueueURL: s.at.Live.URL, ReplayQueueURL: s.at.Replay.URL, DLQURL: s.at.DLQ.URL,
		LiveQueueARN: s.at.Live.ARN, DLQARN: s.at.DLQ.ARN, Bucket: s.at.Bucket, ParameterPrefix: prefix,
		RetentionDays: s.days, SweepGrace: s.grace,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "stack.json"), info, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *station) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *station) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// work hands every message of the lanes to the worker.
func (s *station) work() {
	s.t.Helper()
	for _, q := range []local.Queue{s.at.Live, s.at.Replay} {
		for {
			out, err := s.clients.SQS.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{
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
				if _, err := s.clients.SQS.DeleteMessage(s.t.Context(), &sqs.DeleteMessageInput{
					QueueUrl: &q.URL, ReceiptHandle: m.ReceiptHandle,
				}); err != nil {
					s.t.Fatal(err)
				}
			}
		}
	}
}

// redrive runs the redrive function once.
func (s *station) redrive(ctx context.Context) redrive.Summary {
	policy := redrive.DefaultPolicy
	return app.RedriveService(s.env, policy).Run(ctx)
}

// result is how one command ended.
type result struct {
	code     int
	out, err string
}

// ctl runs one command against the station.
func (s *station) ctl(args ...string) result {
	s.t.Helper()
	return s.ctlWith(s.t.Context(), append([]string{"--local", "--state-dir", s.dir}, args...)...)
}

func (s *station) ctlWith(ctx context.Context, args ...string) result {
	s.t.Helper()
	s.advance(time.Millisecond) // the functions' copies of sources and destinations are old by now
	var out, errs bytes.Buffer
	sys := System{
		In: strings.NewReader(s.input), Out: &out, Err: &errs,
		InTerminal: s.terminal, OutTerminal: s.terminal, ErrTerminal: s.terminal, Width: s.width,
		ReadSecret: func() ([]byte, error) { return []byte(s.input), nil },
		Getenv:     func(name string) string { return s.getenv[name] },
		Now:        s.clock, Rand: &randomness{}, HTTP: http.DefaultTransport,
		Sleep: func(ctx context.Context, d time.Duration) {
			s.advance(d)
			if s.onSleep != nil {
				s.onSleep(ctx)
			}
		},
	}
	code := Main(ctx, sys, args)
	s.said = append(s.said, out.String(), errs.String())
	return result{code, out.String(), errs.String()}
}

// randomness gives other bytes at each read, the same in each run.
type randomness struct{ n byte }

var reads atomic.Int64

func (r *randomness) Read(p []byte) (int, error) {
	for i := range p {
		r.n++
		p[i] = r.n ^ byte(reads.Add(1)*31)
	}
	return len(p), nil
}

// ok runs a command that must succeed.
func (s *station) ok(args ...string) result {
	s.t.Helper()
	r := s.ctl(args...)
	if r.code != 0 {
		s.t.Fatalf("%v: exit %d\n%s%s", args, r.code, r.out, r.err)
	}
	return r
}

// fails runs a command that must end with the code and say the words.
func (s *station) fails(code int, words string, args ...string) {
	s.t.Helper()
	r := s.ctl(args...)
	if r.code != code || !strings.Contains(r.err, words) {
		s.t.Errorf("%v: exit %d, want %d, saying %q:\n%s%s", args, r.code, code, words, r.out, r.err)
	}
}

// searchForSecrets looks through everything that any command has ever said.
func (s *station) searchForSecrets() {
	for _, text := range s.said {
		for _, secret := range s.secrets {
			if strings.Contains(text, secret) {
				s.t.Errorf("the secret %q was shown:\n%s", secret, text)
			}
		}
		if strings.ContainsAny(text, "\x1b\x07\u009b\u202e") && !s.terminal {
			s.t.Errorf("a control character was shown: %q", text)
		}
	}
}

// post sends a body as Smartlead does and returns the id of its first event.
func (s *station) post(body string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.front.URL+"/webhooks/demo/"+s.token, strings.NewReader(body))
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

// reply is the body of a reply; n makes it one of its own.
func reply(n int) string {
	return fmt.Sprintf(`{"event_type":"EMAIL_REPLY","campaign_id":4100001,"stats_id":"stats-%d","sl_lead_email":"lead%d@acme.example.com",
"to_email":"lead%d@acme.example.com","from_email":"mira@outbound.example","subject":"Re: hello %d",
"event_timestamp":"2126-03-04T11:59:58.500Z","secret_key":%q,"reply_message":{"message_id":"<reply-%d@acme.example.com>","text":"Yes","html":"<p>Yes</p>"}}`,
		n, n, n, n, secretKey, n)
}

// lines decodes JSON lines.
func lines(t *testing.T, text string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(text) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, v)
	}
	return out
}

var idPattern = regexp.MustCompile(`(v1:[A-Z_]+:)([A-Z2-7]{32})`)

// golden compares what a command printed with what is on file. What differs
// from run to run is replaced by words of the same length where a table is
// concerned.
func (s *station) golden(name, text string) {
	s.t.Helper()
	known := map[string]string{}
	text = idPattern.ReplaceAllStringFunc(text, func(id string) string {
		parts := idPattern.FindStringSubmatch(id)
		if known[parts[2]] == "" {
			known[parts[2]] = fmt.Sprintf("EVENT%d", len(known)+1) + strings.Repeat("X", 26)
		}
		return parts[1] + known[parts[2]]
	})
	dest, _ := url.Parse(s.dest.URL)
	for old, word := range map[string]string{
		"--state-dir " + quote(s.dir): "--state-dir DIR", dest.Host: "DEST", engine.URL: "ENGINE",
		strings.TrimSuffix(s.at.Table, "-events"): "NAME", s.front.URL: "FRONT",
	} {
		text = strings.ReplaceAll(text, old, word)
	}
	text = regexp.MustCompile(`(our request id +)\S+`).ReplaceAllString(text, "${1}OURS")
	path := filepath.Join(testdata, name+".golden")
	if *update {
		if err := os.MkdirAll(testdata, 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if text != string(want) {
		s.t.Errorf("%s differs (go test -update writes it anew):\n%s\nwant\n%s", path, text, want)
	}
}
