package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// rig is the processes of a run, and what was seen of them.
type rig struct {
	options
	url, dynamoDB string // of the webhook, of the engine
	client        *http.Client
	processes     [3]*exec.Cmd // functions, DynamoDB, SQS
	stops         []func()
	open          chan struct{} // closed: the destination answers at once
	accepted      atomic.Int64
	again         atomic.Int64 // requests answered 503, and sent again
	samples       []sample

	mu    sync.Mutex
	seen  map[string]bool // idempotency keys
	calls int
}

// sample is one look at the processes; memory is resident, in KiB.
type sample struct {
	at                          string
	accepted, delivered         int
	functions, dynamoDB, queues int
}

// start brings everything up. What it started ends with stop.
func start(ctx context.Context, o options) (*rig, error) {
	r := &rig{options: o, open: make(chan struct{}), seen: map[string]bool{}, client: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: o.senders},
	}}
	if err := r.bringUp(ctx); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

func (r *rig) bringUp(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench-stack-")
	if err != nil {
		return err
	}
	r.stops = append(r.stops, func() { _ = os.RemoveAll(dir) })
	binary := filepath.Join(dir, "local")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "smartlead-receiver/cmd/local")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the local stack: %w\n%s", err, out)
	}
	if err := r.startDynamoDB(ctx, dir); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	queues, err := r.launch(ctx, 2, dir, self, engineMode)
	if err != nil {
		return err
	}
	destination, err := r.listen(ctx)
	if err != nil {
		return err
	}
	line, err := r.launch(ctx, 0, dir, binary, "--addr", "127.0.0.1:0", "--destination", destination, "--log-level", "error",
		"--sweep-grace", "2m", "--dynamodb-endpoint", r.dynamoDB, "--sqs-endpoint", queues)
	if err != nil {
		return err
	}
	var ready struct {
		WebhookURL string `json:"webhook_url"`
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "ready ")), &ready); err != nil {
		return fmt.Errorf("the local stack says %q: %w", line, err)
	}
	r.url = ready.WebhookURL
	return nil
}

func (r *rig) stop() {
	for i := len(r.stops) - 1; i >= 0; i-- {
		r.stops[i]()
	}
	r.stops = nil
}

func (r *rig) keep(number int, cmd *exec.Cmd) {
	r.processes[number] = cmd
	r.stops = append(r.stops, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
}

// launch starts a process and returns its first line.
func (r *rig) launch(ctx context.Context, number int, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	r.keep(number, cmd)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s says nothing: %w", filepath.Base(name), err)
	}
	return strings.TrimSpace(line), nil
}

func (r *rig) startDynamoDB(ctx context.Context, dir string) error {
	if r.dynoxide == "" {
		return errors.New("no DynamoDB engine: run `make tools`, or say -dynoxide PATH")
	}
	binary, err := filepath.Abs(r.dynoxide)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address) // the system's own form
	_ = listener.Close()
	cmd := exec.CommandContext(ctx, binary, "serve", "--host", "127.0.0.1", "--port", port)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		return err
	}
	r.keep(1, cmd)
	r.dynamoDB = "http://" + address
	for range 1000 {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not listen", binary)
}

// listen is the destination.
func (r *rig) listen(ctx context.Context) (url string, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		select {
		case <-r.open:
		case <-time.After(r.hold):
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.seen[req.Header.Get("webhook-id")] = true
		r.calls++
		w.WriteHeader(http.StatusOK)
	})}
	go func() { _ = server.Serve(listener) }()
	r.stops = append(r.stops, func() { _ = server.Close() })
	return "http://" + listener.Addr().String(), nil
}

func (r *rig) distinct() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

func (r *rig) deliveries() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

// sample looks at the processes.
func (r *rig) sample(at string) error {
	s := sample{at: at, accepted: int(r.accepted.Load()), delivered: r.distinct()}
	for i, into := range []*int{&s.functions, &s.dynamoDB, &s.queues} {
		out, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(r.processes[i].Process.Pid)).Output() //nolint:noctx // our own child
		if err == nil {
			*into, err = strconv.Atoi(strings.TrimSpace(string(out)))
		}
		if err != nil {
			return fmt.Errorf("the memory of %s: %w", filepath.Base(r.processes[i].Path), err)
		}
	}
	r.samples = append(r.samples, s)
	log.Printf("%s: %d accepted, %d delivered; MiB of the functions %d, DynamoDB %d, SQS %d", at, s.accepted, s.delivered, s.functions/1024, s.dynamoDB/1024, s.queues/1024)
	return nil
}
