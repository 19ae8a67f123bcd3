package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/test/ttlcheck"
)

// What runs already belongs to the engine, whose server ends with the process.
func TestMain(m *testing.M) {
	local.StartEngine().Close()
	goleak.VerifyTestMain(withTables{m}, goleak.IgnoreCurrent())
}

// withTables looks, after every test, at what the stacks have left in the engine
// of this process.
type withTables struct{ *testing.M }

func (w withTables) Run() int {
	code := w.M.Run()
	engine := local.StartEngine()
	defer engine.Close()
	if err := ttlcheck.Tables(context.Background(), engine.URL); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// command is one that runs.
type command struct {
	info stack.Place
	line string // what stdout got
	stop func() (status int, stderr string)
}

// launch runs the command on a free port until its stop is called.
func launch(t *testing.T, stateDir string, args ...string) command {
	t.Helper()
	forgetDestinations(t)
	args = append([]string{"--addr", "127.0.0.1:0", "--state-dir", stateDir}, args...)
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	var stderr safeBuffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, args, streams{out: writer, err: &stderr})
		_ = writer.Close()
	}()
	var s command
	s.stop = func() (int, string) {
		cancel()
		return <-status, stderr.String()
	}
	t.Cleanup(cancel)
	var buffer [4096]byte
	n, err := reader.Read(buffer[:])
	if err != nil {
		cancel()
		t.Fatalf("not ready: status %d, stderr:\n%s", <-status, stderr.String())
	}
	s.line = string(buffer[:n])
	document, found := strings.CutPrefix(s.line, "ready ")
	if !found || strings.Count(s.line, "\n") != 1 {
		t.Fatalf("stdout = %q", s.line)
	}
	if err := json.Unmarshal([]byte(document), &s.info); err != nil {
		t.Fatal(err)
	}
	return s
}

// forgetDestinations removes what an earlier test configured: all engines of a
// process share their data.
func forgetDestinations(t *testing.T) {
	t.Helper()
	engine := local.StartEngine()
	defer engine.Close()
	clients := local.Connect(local.Endpoints{SSM: engine.URL})
	defer clients.Close()
	store, err := sourcestore.NewDestinations(ssmstore.New(clients.SSM), parameterPrefix, "")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if err := store.Delete(t.Context(), entry.Name); err != nil {
			t.Fatal(err)
		}
	}
}

// safeBuffer may be written to by several goroutines, as os.Stderr may.
type safeBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func post(t *testing.T, url, body string) string {
	t.Helper()
	return ask(t, http.MethodPost, url, body)
}

// ask returns the body of an answer.
func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", response.StatusCode, answer)
}

// reply returns an EMAIL_REPLY that no other test sends.
func reply(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf(`{"event_type":"EMAIL_REPLY","campaign_id":4100001,"to_email":"tom@acme.example.com",
		"event_timestamp":"2026-03-04T17:29:11.618+00:00","message_id":"<%s-%d@acme.example.com>","reply_body":"Yes"}`,
		t.Name(), time.Now().UnixNano())
}

func TestEventsReachEveryDestinationSigned(t *testing.T) {
	got := make(chan http.Header, 2)
	receive := func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		w.WriteHeader(http.StatusNoContent)
	}
	first, second := httptest.NewServer(http.HandlerFunc(receive)), httptest.NewServer(http.HandlerFunc(receive))
	defer first.Close()
	defer second.Close()
	s := launch(t, t.TempDir(), "--destination", first.URL+"/a", "--destination", second.URL+"/b", "--log-level", "warn")
	answer := post(t, s.info.WebhookURL, reply(t))
	if !strings.HasPrefix(answer, "200 ") || !strings.Contains(answer, `"accepted"`) {
		t.Fatal(answer)
	}
	for range 2 {
		select {
		case header := <-got:
			if !strings.HasPrefix(header.Get("Webhook-Id"), "v1:EMAIL_REPLY:") || !strings.HasPrefix(header.Get("Webhook-Signature"), "v1,") {
				t.Errorf("headers = %v", header)
			}
		case <-time.After(3 * time.Second):
			t.Fatal("not delivered")
		}
	}
	if status, stderr := s.stop(); status != 0 {
		t.Errorf("status %d, stderr:\n%s", status, stderr)
	}
}

// A failing destination uses up a budget of two within a second: the dead letter is
// then in the dead letter queue.
func TestMaxAttemptsAndRetryBaseMakeDeathQuick(t *testing.T) {
	var attempts atomic.Int32
	destination := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		attempts.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer destination.Close()
	s := launch(t, t.TempDir(), "--destination", destination.URL, "--max-attempts", "2", "--retry-base", "50ms")
	post(t, s.info.WebhookURL, reply(t))
	clients := local.Connect(local.Endpoints{SQS: s.info.SQSEndpoint})
	defer clients.Close()
	deadline := time.Now().Add(5 * time.Second)
	for !hasDeadLetter(t, clients, s.info.DLQURL) {
		if time.Now().After(deadline) {
			_, stderr := s.stop()
			t.Fatalf("no dead letter after %d attempts, stderr:\n%s", attempts.Load(), stderr)
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.stop()
	if got := attempts.Load(); got != 2 {
		t.Errorf("%d attempts, want 2", got)
	}
}

func TestRestartKeepsTheURLAndTellsOtherTools(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".local")
	paths := map[string]bool{}
	for range 2 {
		s := launch(t, dir)
		_, path, _ := strings.Cut(strings.TrimPrefix(s.info.WebhookURL, "http://"), "/")
		paths[path] = true
		onDisk, err := os.ReadFile(filepath.Join(dir, "stack.json"))
		if err != nil {
			t.Fatal(err)
		}
		if "ready "+string(onDisk) != s.line {
			t.Errorf("stack.json differs from the ready line:\n%s%s", onDisk, s.line)
		}
		if s.info.RetentionDays != 90 || s.info.SweepGrace != "5s" {
			t.Errorf("the functions keep events for 90 days and sweep after 5s, but it says %d and %s", s.info.RetentionDays, s.info.SweepGrace)
		}
		status, stderr := s.stop()
		if status != 0 || !strings.Contains(stderr, s.info.WebhookURL) {
			t.Errorf("status %d, stderr:\n%s", status, stderr)
		}
		if _, err := os.Stat(filepath.Join(dir, "stack.json")); !os.IsNotExist(err) {
			t.Errorf("stack.json of a stack that has stopped: %v", err)
		}
	}
	if len(paths) != 1 {
		t.Errorf("paths = %v", paths)
	}
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		args   []string
		status int
		want   string
	}{
		"help":                  {[]string{"-h"}, 0, "Usage: go run ./cmd/local"},
		"an unknown flag":       {[]string{"--port", "1"}, 2, "-port"},
		"an argument":           {[]string{"start"}, 2, `unexpected argument "start"`},
		"no number":             {[]string{"--max-attempts", "many"}, 2, "number from 1 to 40"},
		"too many attempts":     {[]string{"--max-attempts", "41"}, 2, "number from 1 to 40"},
		"no duration":           {[]string{"--retry-base", "5"}, 2, "such as 30s"},
		"no level":              {[]string{"--log-level", "loud"}, 2, "debug, info, warn or error"},
		"a taken port":          {[]string{"--addr", taken.Addr().String()}, 1, "is taken"},
		"a bad destination":     {[]string{"--destination", "localhost:9000"}, 1, "--destination number 1"},
		"a bad endpoint":        {[]string{"--sqs-endpoint", "elsewhere"}, 1, "SQS endpoint"},
		"a taken engine port":   {[]string{"--engine-addr", taken.Addr().String()}, 1, "--engine-addr"},
		"two engines":           {[]string{"--engine-addr", "127.0.0.1:0", "--sqs-endpoint", "http://127.0.0.1:1"}, 1, "leave out --engine-addr"},
		"an engine that is off": {[]string{"--dynamodb-endpoint", "http://127.0.0.1:1"}, 1, "is it started?"},
		"no directory":          {[]string{"--state-dir", file}, 1, "state directory"},
		"no data directory":     {[]string{"--data", filepath.Join(file, "data")}, 1, "data directory"},
		"no such log":           {[]string{"--log", "xml"}, 2, "it is text, json or auto"},
	}
	for name, c := range cases {
		args := append([]string{"--addr", "127.0.0.1:0", "--state-dir", t.TempDir()}, c.args...)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		var stdout, stderr bytes.Buffer
		status := run(ctx, args, streams{out: &stdout, err: &stderr})
		cancel()
		if status != c.status || !strings.Contains(stderr.String(), c.want) || stdout.Len() > 0 {
			t.Errorf("%s: status %d, stdout %q, stderr:\n%s", name, status, stdout.String(), stderr.String())
		}
		if lines := strings.Count(stderr.String(), "\n"); name != "help" && lines > 2 {
			t.Errorf("%s: %d lines hide what is wrong:\n%s", name, lines, stderr.String())
		}
	}
}

func TestASecondStackIsToldOfTheFirst(t *testing.T) {
	dir := t.TempDir()
	s := launch(t, dir)
	defer s.stop()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"--addr", "127.0.0.1:0", "--state-dir", dir}, streams{out: &stdout, err: &stderr})
	front, path, _ := strings.Cut(s.info.WebhookURL, "/webhooks/")
	want := fmt.Sprintf("process %d, %s", s.info.PID, front)
	if status != 1 || !strings.Contains(stderr.String(), want) || strings.Contains(stderr.String(), path) || stdout.Len() > 0 {
		t.Errorf("status %d, stdout %q, want %q in\n%s", status, stdout.String(), want, stderr.String())
	}
	if answer := post(t, s.info.WebhookURL, reply(t)); !strings.HasPrefix(answer, "200 ") {
		t.Errorf("the first stack: %s", answer)
	}
}

// On a terminal a person reads a link, five lines and no JSON, unless it is asked for;
// the log has a line for the event with its lead.
func TestATerminalIsGreeted(t *testing.T) {
	forgetDestinations(t)
	for _, flags := range [][]string{nil, {"--print-json", "--log", "json"}} {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		var stdout, stderr safeBuffer
		status := make(chan int, 1)
		go func() {
			args := append([]string{"--addr", "127.0.0.1:0", "--state-dir", dir}, flags...)
			status <- run(ctx, args, streams{out: &stdout, err: &stderr, outTerminal: true, errTerminal: true})
		}()
		wait := func(what string) string {
			deadline := time.Now().Add(20 * time.Second)
			for !strings.Contains(stderr.String(), what) {
				if time.Now().After(deadline) {
					t.Fatalf("no %q in\n%s", what, stderr.String())
				}
				time.Sleep(5 * time.Millisecond)
			}
			return stderr.String()
		}
		greeting := strings.Split(strings.TrimSpace(wait("Ctrl-C\n")), "\n")
		link := strings.Fields(greeting[0])
		if len(greeting) != 7 || link[0] != "console" || !strings.HasPrefix(link[1], "http://127.0.0.1:") {
			t.Fatalf("greeting:\n%s", strings.Join(greeting, "\n"))
		}
		if page := ask(t, http.MethodGet, link[1], ""); !strings.Contains(page, "The console opens.") {
			t.Errorf("the console:\n%s", page)
		}
		if greeting = greeting[2:]; !strings.Contains(greeting[2], "go run ./cmd/smartleadctl --local --state-dir "+dir+" events list") {
			t.Errorf("greeting:\n%s", strings.Join(greeting, "\n"))
		}
		url := strings.Fields(greeting[0])[2]
		if !strings.HasSuffix(greeting[1], "' "+url) {
			t.Errorf("send one: %s", greeting[1])
		}
		if answer := post(t, url, inlineSample); !strings.Contains(answer, `"status":`) {
			t.Error(answer)
		}
		if flags == nil {
			wait("EMAIL_REPLY            tom@acme.example.com")
		} else {
			wait(`"msg":"event.received"`)
		}
		if printed := strings.HasPrefix(stdout.String(), "ready {"); printed != (flags != nil) {
			t.Errorf("stdout = %q", stdout.String())
		}
		cancel()
		if got := <-status; got != 0 {
			t.Errorf("status %d:\n%s", got, stderr.String())
		}
	}
}

func TestALongFirstWaitIsAccepted(t *testing.T) {
	o, err := parse([]string{"--retry-base", "45m"}, io.Discard)
	if err != nil || o.settings["RETRY_BASE"] != "45m" || o.settings["RETRY_MAX"] != "45m" {
		t.Errorf("settings = %v, %v", o.settings, err)
	}
}

// hasDeadLetter looks for a dead letter in the dead letter queue, and takes it.
func hasDeadLetter(t *testing.T, clients *local.Clients, queueURL string) bool {
	t.Helper()
	out, err := clients.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(queueURL)})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Messages) > 0 && strings.Contains(aws.ToString(out.Messages[0].Body), `"kind":"dead_letter"`)
}

// Notices of incidents say of which stack they are.
func TestTheLocalStackHasAName(t *testing.T) {
	o, err := parse(nil, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := configOf(o, local.Resources{Table: "t", Bucket: "b", Live: local.Queue{URL: "http://q"}, Replay: local.Queue{URL: "http://q"}, DLQ: local.Queue{URL: "http://q"}})
	if err != nil || cfg.Stack != "local" {
		t.Errorf("%q, %v", cfg.Stack, err)
	}
}
