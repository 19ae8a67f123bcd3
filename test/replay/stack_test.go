//go:build replay

package replay_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"smartlead-receiver/test/dynoxide"
	"smartlead-receiver/test/ttlcheck"
)

// stack is a running local stack over dynoxide, whose indexes stay fast with
// many events.
type stack struct {
	t      *testing.T
	dir    string
	client *http.Client
	table  *dynamodb.Client

	WebhookURL       string `json:"webhook_url"`
	DynamoDBEndpoint string `json:"dynamodb_endpoint"`
	TableName        string `json:"table_name"`
}

func startStack(t *testing.T, args ...string) *stack {
	t.Helper()
	s := &stack{t: t, dir: t.TempDir(), client: &http.Client{
		Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32},
	}}
	t.Cleanup(s.client.CloseIdleConnections)
	build := exec.Command("go", "build", "-o", s.dir+"/", "../../cmd/local", "../../cmd/smartleadctl")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	args = append([]string{"--addr", "127.0.0.1:0", "--log-level", "error", "--dynamodb-endpoint", dynoxide.Use(t)}, args...)
	cmd := exec.Command(filepath.Join(s.dir, "local"), args...)
	cmd.Dir, cmd.Stderr = s.dir, os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ttlcheck.Tables(context.WithoutCancel(t.Context()), s.DynamoDBEndpoint); err != nil {
			t.Error(err)
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the stack did not stop cleanly: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	form, ready := strings.CutPrefix(line, "ready ")
	if err != nil || !ready {
		t.Fatalf("no ready line: %q %v", line, err)
	}
	if err := json.Unmarshal([]byte(form), s); err != nil {
		t.Fatal(err)
	}
	s.table = dynamodb.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &s.DynamoDBEndpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return s
}

// ctl runs the operator's tool. It returns what stdout and stderr say.
func (s *stack) ctl(args ...string) (stdout, stderr string) {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(s.dir, "smartleadctl"), append([]string{"--local"}, args...)...)
	cmd.Dir = s.dir
	var out, diagnostics bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diagnostics
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("smartleadctl %s: %v\n%s%s", strings.Join(args, " "), err, &out, &diagnostics)
	}
	return out.String(), diagnostics.String()
}

// job is what redrive status says.
type job struct {
	State  string  `json:"state"`
	Reason string  `json:"reason"`
	Rate   float64 `json:"rate"`
	Counts struct {
		Released  int `json:"released"`
		Delivered int `json:"delivered"`
		DiedAgain int `json:"died_again"`
		Failed    int `json:"failed_attempts"`
	} `json:"counts"`
}

func (s *stack) job() (j job) {
	s.t.Helper()
	out, _ := s.ctl("redrive", "status", "--json")
	if err := json.Unmarshal([]byte(out), &j); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	return j
}

// post sends one event or an array of them.
func (s *stack) post(body string) {
	s.t.Helper()
	res, err := s.client.Post(s.WebhookURL, "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	answer, _ := io.ReadAll(res.Body) // only shown
	if res.StatusCode != http.StatusOK {
		s.t.Errorf("answered %d: %.300s", res.StatusCode, answer)
	}
}

// steadily sends that many events at that rate, whatever the answers take, and returns
// when each was sent.
func (s *stack) steadily(phase string, events int, perSecond time.Duration) map[string]time.Time {
	s.t.Helper()
	sent := make(map[string]time.Time, events)
	var senders sync.WaitGroup
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for n := range events {
		<-tick.C
		name := fmt.Sprintf("%s-%d", phase, n)
		sent[name] = time.Now()
		senders.Go(func() { s.post(reply(name)) })
	}
	senders.Wait()
	return sent
}

// reply is an event whose lead names it.
func reply(name string) string {
	return fmt.Sprintf(`{"event_type":"EMAIL_REPLY","campaign_id":4100001,"sl_lead_email":"%[1]s@acme.example.com",
 "stats_id":"stats-%[1]s","event_timestamp":"2026-03-04T17:29:11.618+00:00",
 "reply_message":{"message_id":"<%[1]s@acme.example.com>","html":"<div>%[2]s</div>","text":"Yes"}}`, name, strings.Repeat("Yes, please. ", 60))
}

// nameOf is the lead of a delivered event, without its domain.
func nameOf(delivered []byte) string {
	var event struct {
		Lead struct {
			Email string `json:"email"`
		} `json:"lead"`
	}
	_ = json.Unmarshal(delivered, &event) // one that is none has no name
	name, _, _ := strings.Cut(event.Lead.Email, "@")
	return name
}

// latencies are measured times.
type latencies []time.Duration

// share returns the time within which that share stayed.
func (l latencies) share(of float64) time.Duration {
	sorted := slices.Sorted(slices.Values(l))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(of*float64(len(sorted))))]
}

func (l latencies) mean() time.Duration {
	var sum time.Duration
	for _, d := range l {
		sum += d
	}
	return sum / time.Duration(max(1, len(l)))
}

func (l latencies) String() string {
	ms := func(of float64) string { return fmt.Sprintf("%.0f", float64(l.share(of).Microseconds())/1000) }
	return fmt.Sprintf("mean %.0f, p50 %s, p90 %s, p99 %s ms of %d", float64(l.mean().Microseconds())/1000, ms(0.5), ms(0.9), ms(0.99), len(l))
}
