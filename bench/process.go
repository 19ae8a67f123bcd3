package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is a bootstrap that runs as Lambda runs it: alone on a core, asking for
// its invocations. It serves one invocation at a time.
type process struct {
	cmd     *exec.Cmd
	api     *http.Server
	logged  *counter
	started time.Time

	polls     chan struct{}
	events    chan []byte
	responses chan response
}

type response struct {
	body   []byte
	failed bool
	at     time.Time
}

// waitFor bounds what a process may take for anything.
const waitFor = time.Minute

// start runs a bootstrap on a core and returns once it polls for the first time.
func start(ctx context.Context, path string, core int, env []string) (*process, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{
		logged: new(counter),
		polls:  make(chan struct{}), events: make(chan []byte), responses: make(chan response),
	}
	p.api = &http.Server{Handler: p.runtimeAPI(), ReadHeaderTimeout: waitFor}
	go func() { _ = p.api.Serve(listener) }() // returns when it is closed
	p.cmd = exec.CommandContext(ctx, path)
	p.cmd.Env = append(env, "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String())
	p.cmd.Stdout, p.cmd.Stderr = p.logged, os.Stderr
	if err := p.onCore(core); err != nil {
		return nil, errors.Join(err, p.api.Close())
	}
	if err := p.polled(); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s does not poll: %w", filepath.Base(filepath.Dir(path)), err)
	}
	return p, nil
}

// onCore starts the command from a thread that is bound to the core, which the
// command inherits. Nothing else runs between the start of the clock and exec.
func (p *process) onCore(core int) error {
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked, so that the thread ends with the goroutine
		var only unix.CPUSet
		only.Set(core)
		if err := unix.SchedSetaffinity(0, &only); err != nil {
			failed <- err
			return
		}
		p.started = time.Now()
		failed <- p.cmd.Start()
	}()
	return <-failed
}

// runtimeAPI is the part of Lambda's runtime API that a custom runtime needs
// (AWS, "Using the Lambda runtime API for custom runtimes").
func (p *process) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	id := 0
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case p.polls <- struct{}{}:
		case <-r.Context().Done():
			return
		}
		select {
		case event := <-p.events:
			id++
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("00000000-0000-4000-8000-%012d", id))
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(waitFor).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:subject")
			w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-69a86e97-3d1a5f7c2b9e4d6f8a0c1e2b;Parent=53995c3f42cd8ad8;Sampled=0")
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	})
	end := func(failed bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			p.responses <- response{body: body, failed: failed || err != nil, at: time.Now()}
			w.WriteHeader(http.StatusAccepted)
		}
	}
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", end(false))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", end(true))
	return mux
}

// polled waits until the process asks for an invocation: all that it does for the
// one before is done.
func (p *process) polled() error {
	select {
	case <-p.polls:
		return nil
	case r := <-p.responses:
		return fmt.Errorf("it answered unasked: %s", r.body)
	case <-time.After(waitFor):
		return errors.New("nothing within a minute")
	}
}

// invoke hands over one event and waits for the next poll. The duration ends with
// the response.
func (p *process) invoke(event []byte) (response, time.Duration, error) {
	began := time.Now()
	p.events <- event
	select {
	case r := <-p.responses:
		if err := p.polled(); err != nil {
			return response{}, 0, err
		}
		if r.failed {
			return response{}, 0, fmt.Errorf("an invocation failed: %.300s", r.body)
		}
		return r, r.at.Sub(began), nil
	case <-time.After(waitFor):
		return response{}, 0, errors.New("no response within a minute")
	}
}

// cpu is what the process has used of the processor, by the clock of its own that
// Linux keeps for each process, to the nanosecond.
func (p *process) cpu() (time.Duration, error) {
	var at unix.Timespec
	clock := int32(^p.cmd.Process.Pid<<3 | 2)
	if err := unix.ClockGettime(clock, &at); err != nil {
		return 0, err
	}
	return time.Duration(at.Nano()), nil
}

// memory returns the resident memory now and at its highest, in bytes.
func (p *process) memory() (now, peak int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			now = kib << 10
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			peak = kib << 10
		}
	}
	return now, peak, nil
}

// stop ends the process, which waits for an invocation.
func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
	_ = p.api.Close()
}
