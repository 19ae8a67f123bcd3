//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// containerHost is the machine as a container of sam local sees it.
const containerHost = "host.docker.internal:4566"

// sam local starts a container, which needs Docker. What it starts there is the built
// program under the runtime emulator, in the environment that sam makes of the
// template and of events/env.json: all of that runs here, and what stands for the
// container's network is a proxy.
func TestEachFunctionTakesItsEventFilesUnderSamLocal(t *testing.T) {
	environments := samEnvironment(t, root("events", "env.json"))
	proxy := proxyTo(t, startLocalStack(t))
	runtimes := map[string]*runtimeEmulator{}
	for _, name := range functions {
		variables := environments[name+"Function"]
		variables["HTTP_PROXY"] = proxy
		runtimes[strings.ToLower(name)] = startRuntime(t, name, []string{"PATH=" + os.Getenv("PATH")}, variables)
	}
	takeEventFiles(t, runtimes)
}

func TestMakeInvokeGivesSamTheEnvironment(t *testing.T) {
	said, err := run(t.Context(), root(), os.Environ(), "make", "-n", "invoke/receiver", "EVENT=events/receiver-accepted.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"local invoke ReceiverFunction", "--event events/receiver-accepted.json", "--env-vars events/env.json", "host.docker.internal:host-gateway"} {
		if !strings.Contains(said, part) {
			t.Errorf("make invoke/receiver does not say %q:\n%s", part, said)
		}
	}
}

// Without the file sam puts logical ids in the place of names, and a function that
// went on with "LiveQueue" for a URL would lose what it acknowledges.
func TestNoFunctionStartsWithWhatSamMakesOfTheTemplateAlone(t *testing.T) {
	environments := samEnvironment(t)
	for _, name := range functions {
		if name == "Reconcile" || name == "Archiver" {
			continue // it knows no queue, and acknowledges nothing
		}
		r := startRuntime(t, name, []string{"PATH=" + os.Getenv("PATH")}, environments[name+"Function"])
		got, err := r.invoke(t.Context(), []byte(`{}`))
		// The emulator answers nothing for a function that ended at its start.
		if log := r.tail(60); len(got) > 0 || !strings.Contains(log, "LIVE_QUEUE_URL is not a URL") {
			t.Errorf("%s: answered %q, error %v, log\n%s", name, got, err, log)
		}
	}
}

// samEnvironment asks sam for the environment of each function of the built template.
func samEnvironment(t *testing.T, envFile ...string) map[string]map[string]string {
	t.Helper()
	args := append([]string{root("test", "e2e", "testdata", "sam_environment.py"), filepath.Join(deployed.build, "template.yaml")}, envFile...)
	cmd := exec.CommandContext(t.Context(), root(".tools", "sam", "bin", "python"), args...)
	// Nothing of the developer's shell, which sam local prefers to the template.
	cmd.Env = []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=" + region, "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sam's environment: %v\n%s", err, problems.String())
	}
	var environments map[string]map[string]string
	if err := json.Unmarshal(out, &environments); err != nil {
		t.Fatalf("sam's environment: %v: %s", err, out)
	}
	for _, name := range functions {
		if environments[name+"Function"] == nil {
			t.Fatalf("sam knows no %sFunction: %s", name, out)
		}
	}
	return environments
}

// startLocalStack runs what `make run/invoke` runs and returns the address of its engine.
func startLocalStack(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "local")
	if out, err := run(t.Context(), root(), os.Environ(), "go", "build", "-o", program, "./cmd/local"); err != nil {
		t.Fatal(err, out)
	}
	state := filepath.Join(dir, "state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "token"), []byte(exampleToken), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--addr", "127.0.0.1:0", "--engine-addr", "127.0.0.1:0", "--state-dir", state, "--log-level", "error")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
	})
	var ready struct {
		EngineURL string `json:"engine_url"`
	}
	document, found := strings.CutPrefix(line, "ready ")
	if err != nil || !found || json.Unmarshal([]byte(document), &ready) != nil || ready.EngineURL == "" {
		t.Fatalf("the local stack's ready line is %q, error %v", line, err)
	}
	return strings.TrimPrefix(ready.EngineURL, "http://")
}

// proxyTo returns the URL of an HTTP proxy that leads what is meant for the machine,
// and nothing else, to the engine.
func proxyTo(t *testing.T, engine string) string {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != containerHost {
			return nil, fmt.Errorf("a function calls %s, which is neither AWS nor the local stack", address)
		}
		return new(net.Dialer).DialContext(ctx, network, engine)
	}}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL = &url.URL{Scheme: "http", Host: r.In.Host, Path: r.In.URL.Path, RawPath: r.In.URL.RawPath, RawQuery: r.In.URL.RawQuery}
		},
		Transport: transport,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			t.Error(err)
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, err.Error())
		},
	})
	t.Cleanup(func() { server.Close(); transport.CloseIdleConnections() })
	return server.URL
}
