// Package local_test drives the local stack as a user does: the built
// programs, in processes of their own, over HTTP.
package local_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"smartlead-receiver/test/ttlcheck"
)

// programs are built once, without the race detector: their speed is measured.
var programs string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "smartlead-receiver-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	build := exec.Command("go", "build", "-o", dir+"/", "../../cmd/...")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "the programs do not build:", err)
		return 1
	}
	programs = dir
	return m.Run()
}

// info is the part of the ready line that the tests use.
type info struct {
	WebhookURL       string `json:"webhook_url"`
	DynamoDBEndpoint string `json:"dynamodb_endpoint"`
	SQSEndpoint      string `json:"sqs_endpoint"`
	TableName        string `json:"table_name"`
	LiveQueueURL     string `json:"live_queue_url"`
	ReplayQueueURL   string `json:"replay_queue_url"`
	DLQURL           string `json:"dlq_url"`
}

func (i info) token() string { return i.WebhookURL[strings.LastIndexByte(i.WebhookURL, '/')+1:] }

// stack is a running local stack.
type stack struct {
	info
	t      *testing.T
	dir    string
	cmd    *exec.Cmd
	stderr *lockedBuffer
	ready  time.Duration // from the start of the process to its ready line
	client *http.Client
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T, args ...string) *stack {
	t.Helper()
	s := &stack{t: t, dir: t.TempDir(), stderr: &lockedBuffer{}, client: &http.Client{
		Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100},
	}}
	s.cmd = exec.Command(filepath.Join(programs, "local"), append([]string{"--addr", "127.0.0.1:0"}, args...)...)
	s.cmd.Dir, s.cmd.Stderr = s.dir, s.stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	s.ready = time.Since(began)
	document, found := strings.CutPrefix(line, "ready ")
	if err != nil || !found {
		t.Fatalf("no ready line: %q %v\n%s", line, err, s.stderr)
	}
	if err := json.Unmarshal([]byte(document), &s.info); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stack) stop() {
	if s.cmd.ProcessState != nil {
		return
	}
	if err := ttlcheck.Tables(context.WithoutCancel(s.t.Context()), s.DynamoDBEndpoint); err != nil {
		s.t.Error(err)
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the stack did not stop cleanly: %v\n%s", err, s.stderr)
	}
	s.client.CloseIdleConnections()
}

// answer is what the receiver said.
type answer struct {
	status  int
	header  http.Header
	body    string
	Results []struct {
		EventID string `json:"event_id"`
		Status  string `json:"status"`
	} `json:"results"`
}

func (a answer) statuses() string {
	var out []string
	for _, r := range a.Results {
		out = append(out, r.Status)
	}
	return strings.Join(out, " ")
}

func (s *stack) do(method, url, body string, header http.Header) (answer, error) {
	req, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(b)}
	if res.StatusCode == http.StatusOK && method == http.MethodPost {
		err = json.Unmarshal(b, &a)
	}
	return a, err
}

func (s *stack) post(body string) answer {
	s.t.Helper()
	a, err := s.do(http.MethodPost, s.WebhookURL, body, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// ctl runs the operator's tool against the stack.
func (s *stack) ctl(args ...string) string {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(programs, "smartleadctl"), append([]string{"--local"}, args...)...)
	cmd.Dir = s.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("smartleadctl %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return string(out) + stderr.String()
}

// eventually waits for a condition, and says what it saw when it gives up.
func eventually(t *testing.T, within time.Duration, what string, holds func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		ok, saw := holds()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s; saw %s", what, within, saw)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// recorder is a destination on loopback that can be told to fail.
type recorder struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    map[string]int // deliveries answered 2xx, by idempotency key
	tries  int
	bodies []string
}

func newRecorder(t *testing.T) *recorder {
	r := &recorder{status: http.StatusNoContent, got: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.tries++
		if r.status < 300 {
			r.got[req.Header.Get("Webhook-Id")]++
			r.bodies = append(r.bodies, string(body))
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) answerWith(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *recorder) counts() (keys, deliveries, tries int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.got {
		deliveries += n
	}
	return len(r.got), deliveries, r.tries
}

func (s *stack) awsConfig(endpoint string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// dump returns every item of the table, as text.
func (s *stack) dump() (items []string, states map[string]int) {
	s.t.Helper()
	states = map[string]int{}
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(s.awsConfig(s.DynamoDBEndpoint)), &dynamodb.ScanInput{TableName: &s.TableName})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, item := range page.Items {
			var row map[string]any
			text := itemText(item, &row)
			items = append(items, text)
			if state, ok := row["state"].(string); ok {
				states[state]++
			}
		}
	}
	return items, states
}

// waiting returns how many messages a queue holds, in sight or not.
func (s *stack) waiting(ctx context.Context, url string) (n int) {
	s.t.Helper()
	out, err := sqs.NewFromConfig(s.awsConfig(s.SQSEndpoint)).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqsAttribute{"All"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		var k int
		_, _ = fmt.Sscan(out.Attributes[name], &k) // absent counts as none
		n += k
	}
	return n
}
