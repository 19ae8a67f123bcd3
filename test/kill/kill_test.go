// Package kill_test kills the receiver's process at random moments, with
// SIGKILL, while senders post: real processes, real engines, nothing simulated.
package kill_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/stack/place"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/dynoxide"
	"smartlead-receiver/test/ttlcheck"
)

// setting reads a number from the environment.
func setting(t *testing.T, name string, fallback int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s is a number from 1, not %q", name, v)
	}
	return n
}

// TestKill posts EVENTS events, each until it is acknowledged, a tenth of them
// twice and a twentieth in arrays, while the receiver's process is killed KILLS
// times. Afterwards every acknowledged event must be delivered, and whatever
// was delivered twice must have come under one idempotency key.
func TestKill(t *testing.T) {
	database := dynoxide.Use(t)
	w := prepare(t)
	w.args = append(w.args, "--dynamodb-endpoint", database, "--sqs-endpoint", w.startEngine())
	w.sendAndKill(setting(t, "EVENTS", 1500))
	if err := ttlcheck.Tables(t.Context(), database); err != nil {
		t.Error(err)
	}
}

// TestKillKeepsData does the same to a stack whose engine dies with it, and that
// keeps its state with --data. In the end the ledger must have every event whose
// id was in an answer, as delivered, after one kill more.
func TestKillKeepsData(t *testing.T) {
	w := prepare(t)
	w.args = append(w.args, "--data", filepath.Join(w.dir, "data"))
	w.sendAndKill(setting(t, "EVENTS", 500))
	w.kill()
	w.launch()
	w.checkLedger()
}

// sendAndKill sends events while it kills, and waits until all are delivered.
func (w *world) sendAndKill(events int) {
	t := w.t
	t.Helper()
	kills := setting(t, "KILLS", 6)
	w.launch()
	t.Cleanup(w.kill)
	w.url = w.readURL()
	began := time.Now()

	stopKilling := make(chan struct{})
	killed := make(chan int)
	go w.killRepeatedly(moments(kills, events), stopKilling, killed)
	w.send(events)
	close(stopKilling)
	done := <-killed
	t.Logf("%d events acknowledged in %s, %d requests of which %d failed, %d kills",
		events, time.Since(began).Round(time.Millisecond), w.requests.Load(), w.failed.Load(), done)
	if done < kills {
		t.Errorf("only %d of %d kills happened while events were sent", done, kills)
	}
	w.settle(events)
	t.Logf("settled %s after the first request; %d deliveries of %d keys, %d of them repeated under their key",
		time.Since(began).Round(time.Millisecond), w.deliveries, len(w.effects), w.deliveries-len(w.effects))
}

// world is the engines, the destination and the process that dies.
type world struct {
	t        *testing.T
	dir      string
	port     int
	args     []string
	url      string
	client   *http.Client
	requests atomic.Int64
	failed   atomic.Int64

	acknowledged atomic.Int64 // requests

	mu         sync.Mutex
	process    *exec.Cmd
	effects    map[string]int  // deliveries by idempotency key
	answered   map[string]bool // event ids in answers
	marks      map[string]string
	deliveries int
	log        bytes.Buffer
}

// prepare builds the programs, starts the destination, and launches nothing.
func prepare(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), port: freePort(t), effects: map[string]int{}, answered: map[string]bool{}, marks: map[string]string{}, client: &http.Client{
		Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32},
	}}
	build := exec.Command("go", "build", "-o", w.dir+"/", "../../cmd/local", "./engine")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	destination := &http.Server{Handler: http.HandlerFunc(w.receive), ReadHeaderTimeout: time.Second}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = destination.Serve(listener) }()
	t.Cleanup(func() { _ = destination.Close() })
	w.args = []string{
		"--addr", "127.0.0.1:" + strconv.Itoa(w.port), "--destination", "http://" + listener.Addr().String(),
		"--log-level", "error", "--retry-base", "200ms",
	}
	return w
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port) // the system's own number
	return n
}

func (w *world) startEngine() string {
	w.t.Helper()
	cmd := exec.Command(filepath.Join(w.dir, "engine"))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	w.keep(cmd)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// keep starts a process that lives as long as the test.
func (w *world) keep(cmd *exec.Cmd) {
	w.t.Helper()
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func (w *world) launch() {
	cmd := exec.Command(filepath.Join(w.dir, "local"), w.args...)
	cmd.Dir, cmd.Stderr = w.dir, &w.log
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		w.t.Errorf("the stack does not start: %v", err)
		return
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready ") {
		w.t.Errorf("the stack is not ready: %q %v\n%s", line, err, w.log.String())
	}
	w.mu.Lock()
	w.process = cmd
	w.mu.Unlock()
}

func (w *world) kill() {
	w.mu.Lock()
	cmd := w.process
	w.mu.Unlock()
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
}

// moments are when to kill: after so many acknowledgements, at random, so that
// every kill comes while events are sent, however fast the machine is.
func moments(kills, events int) []int64 {
	out := make([]int64, kills)
	for i := range out {
		out[i] = rand.Int64N(int64(events) * 9 / 10)
	}
	slices.Sort(out)
	return out
}

// killRepeatedly kills the process at those moments and starts it again at once,
// until it has done so each time or the senders are through.
func (w *world) killRepeatedly(moments []int64, stop <-chan struct{}, done chan<- int) {
	for k, moment := range moments {
		for w.acknowledged.Load() < moment {
			select {
			case <-stop:
				done <- k
				return
			case <-time.After(time.Millisecond):
			}
		}
		w.kill()
		w.launch()
		// Two moments may be the same: let it begin its work.
		time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
	}
	done <- len(moments)
}

func (w *world) receive(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its sender was killed
	}
	key := r.Header.Get("Webhook-Id")
	w.mu.Lock()
	w.effects[key]++
	w.deliveries++
	if mark := markOf(string(body)); mark != "" {
		w.marks[mark] = key
	}
	w.mu.Unlock()
	rw.WriteHeader(http.StatusNoContent)
}

// markOf finds the number of the event in a delivery.
func markOf(body string) string {
	_, rest, ok := strings.Cut(body, `"stats_id":"kill-`)
	if !ok {
		return ""
	}
	mark, _, _ := strings.Cut(rest, `"`)
	return mark
}

func event(n int) string {
	return fmt.Sprintf(`{"event_type":"EMAIL_REPLY","campaign_id":7,"stats_id":"kill-%d","sl_lead_email":"lead%d@acme.example.com",`+
		`"event_timestamp":"2026-03-04T17:29:11.618+00:00","reply_message":{"message_id":"<k%d@acme.example.com>","text":"Yes"}}`, n, n, n)
}

// send posts every event until it is acknowledged: a tenth twice, a twentieth
// in arrays of three.
func (w *world) send(events int) {
	work := make(chan string)
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			for body := range work {
				w.postUntilAcknowledged(body)
			}
		})
	}
	for n := 0; n < events; n++ {
		switch {
		case n%20 == 0 && n+2 < events:
			work <- "[" + event(n) + "," + event(n+1) + "," + event(n+2) + "]"
			n += 2
		case n%10 == 5:
			work <- event(n)
			work <- event(n)
		default:
			work <- event(n)
		}
	}
	close(work)
	senders.Wait()
}

func (w *world) postUntilAcknowledged(body string) {
	for {
		w.requests.Add(1)
		res, err := w.client.Post(w.url, "application/json", strings.NewReader(body))
		if err == nil {
			answer, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				if err == nil { // else it was killed while it answered: acknowledged all the same
					w.remember(answer)
				}
				w.acknowledged.Add(1)
				return
			}
			if res.StatusCode < 500 {
				w.t.Errorf("refused with %d", res.StatusCode)
				return
			}
		}
		w.failed.Add(1)
		time.Sleep(50 * time.Millisecond)
	}
}

func (w *world) remember(answer []byte) {
	var told struct {
		Results []struct {
			EventID string `json:"event_id"`
		} `json:"results"`
	}
	if err := json.Unmarshal(answer, &told); err != nil {
		w.t.Errorf("answer %q: %v", answer, err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, result := range told.Results {
		w.answered[result.EventID] = true
	}
}

// checkLedger asks the ledger for every event that was acknowledged.
func (w *world) checkLedger() {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.dir, ".local", place.File))
	if err != nil {
		w.t.Fatal(err)
	}
	var at place.Place
	if err := json.Unmarshal(content, &at); err != nil {
		w.t.Fatal(err)
	}
	clients := local.Connect(local.Endpoints{DynamoDB: at.DynamoDBEndpoint})
	defer clients.Close()
	if err := ttlcheck.Tables(w.t.Context(), at.DynamoDBEndpoint); err != nil {
		w.t.Error(err)
	}
	events := ledger.New(awssdk.DynamoDB{Client: clients.DynamoDB}, at.TableName)
	if len(w.answered) == 0 {
		w.t.Fatal("no answer named an event")
	}
	// What a killed worker had leased, and delivered, is delivered once more when
	// its lease has ended.
	deadline := time.Now().Add(3 * time.Minute)
	for id := range w.answered {
		for {
			record, err := events.Get(w.t.Context(), webhook.EventID(id))
			if errors.Is(err, webhook.ErrNotFound) || err == nil && record.State == webhook.Dead {
				w.t.Errorf("%s was acknowledged: %q, %v", id, record.State, err)
				break
			}
			if err == nil && record.State == webhook.Delivered {
				break
			}
			if time.Now().After(deadline) {
				w.t.Fatalf("%s was acknowledged, and is still %q: %v", id, record.State, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	w.t.Logf("the ledger was asked for all %d acknowledged events after the last restart", len(w.answered))
}

// readURL reads the token, which stays the same from start to start.
func (w *world) readURL() string {
	w.t.Helper()
	token, err := os.ReadFile(filepath.Join(w.dir, ".local", "token"))
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d/webhooks/demo/%s", w.port, strings.TrimSpace(string(token)))
}

// quiet is how long nothing may come any more before all is at rest.
const quiet = 3 * time.Second

// settle waits until every event is delivered and nothing comes any more, and
// checks that each came under one key.
func (w *world) settle(events int) {
	deadline := time.Now().Add(3 * time.Minute)
	seen, since := 0, time.Now()
	for {
		w.mu.Lock()
		delivered, keys, deliveries := len(w.marks), len(w.effects), w.deliveries
		w.mu.Unlock()
		if deliveries != seen {
			seen, since = deliveries, time.Now()
		}
		if delivered == events && keys == events && time.Since(since) > quiet {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("lost: %d of %d events were delivered, under %d keys\n%s", delivered, events, keys, w.log.String())
		}
		time.Sleep(100 * time.Millisecond)
	}
}
