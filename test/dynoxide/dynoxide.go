// Package dynoxide starts, for tests, the DynamoDB engine that checks what
// DynamoDB checks and counts what it counts.
package dynoxide

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// ErrMissing: nothing says where the engine is.
var ErrMissing = errors.New("DYNOXIDE does not name the engine's binary: `make tools` installs it as .tools/bin/dynoxide")

// Start runs the binary that DYNOXIDE names, with empty state, on a free port of
// loopback, and returns its URL once it listens. stop, or the context, ends it.
func Start(ctx context.Context) (url string, stop func(), err error) {
	binary := os.Getenv("DYNOXIDE")
	if binary == "" {
		return "", nil, ErrMissing
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address) // the system's own form
	_ = listener.Close()
	cmd := exec.CommandContext(ctx, binary, "serve", "--host", "127.0.0.1", "--port", port) //nolint:gosec // the developer names it
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return "http://" + address, stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("%s does not listen on %s", binary, address)
}

// Use returns the URL of an engine that ends with the test.
func Use(t testing.TB) string {
	t.Helper()
	// Not the test's context: that ends before what still needs the engine.
	url, stop, err := Start(context.WithoutCancel(t.Context()))
	Need(t, err)
	t.Cleanup(stop)
	return url
}

// Need ends a test whose engine did not start: as skipped where nothing says
// where it is, and as failed otherwise, and wherever REQUIRE_ENGINES is 1.
func Need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrMissing) && os.Getenv("REQUIRE_ENGINES") != "1":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}
