package crash

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"testing"
	"time"

	"go.uber.org/goleak"

	"smartlead-receiver/pkg/local"
)

// embedded serves everything but the other engine's table. One serves all
// tests: engines of one process share their data.
var embedded *local.Engine

// shared carries every call of the tests.
var shared = local.NewTransport()

func TestMain(m *testing.M) { goleak.VerifyTestMain(withEngine{m}, goleak.IgnoreCurrent()) }

type withEngine struct{ *testing.M }

func (w withEngine) Run() int {
	debug.SetGCPercent(400) // the runs make much garbage, and little of it at a time
	embedded = local.StartEngine()
	destinations.start()
	stop := startDynoxide()
	defer func() {
		shared.CloseIdleConnections()
		destinations.server.Close()
		embedded.Close()
		stop()
	}()
	return w.M.Run()
}

// dynoxide is the URL of the other DynamoDB, or why there is none.
var dynoxide struct {
	url     string
	missing string
}

func startDynoxide() (stop func()) {
	bin := os.Getenv("DYNOXIDE")
	if bin == "" {
		dynoxide.missing = "DYNOXIDE does not name the engine's binary: `make test` installs it and runs this test"
		return func() {}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		dynoxide.missing = err.Error()
		return func() {}
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, bin, "serve", "--host", "127.0.0.1", "--port", port)
	if err := cmd.Start(); err != nil {
		cancel()
		dynoxide.missing = err.Error()
		return func() {}
	}
	dynoxide.missing = fmt.Sprintf("%s does not listen on %s", bin, address)
	for range 1000 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			dynoxide.url, dynoxide.missing = "http://"+address, ""
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return func() {
		cancel()
		_ = cmd.Wait() // it was killed
	}
}

// engine is where the table is.
type engine struct {
	name string
	url  func(t *testing.T) string
}

var (
	kumoEngine     = engine{"kumo", func(*testing.T) string { return embedded.URL }}
	dynoxideEngine = engine{"dynoxide", func(t *testing.T) string {
		t.Helper()
		switch {
		case dynoxide.missing == "":
		case os.Getenv("REQUIRE_ENGINES") == "1":
			t.Fatal(dynoxide.missing)
		default:
			t.Skip(dynoxide.missing)
		}
		return dynoxide.url
	}}
)

// whole tells whether the sweep is to be complete.
func whole() bool { return os.Getenv("REQUIRE_ENGINES") == "1" || os.Getenv("DYNOXIDE") != "" }
