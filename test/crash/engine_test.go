package crash

import (
	"context"
	"os"
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"

	"smartlead-receiver/pkg/local"
	"smartlead-receiver/test/dynoxide"
)

// embedded serves everything but the other engine's table. One serves all
// tests: engines of one process share their data.
var embedded *local.Engine

// shared carries every call of the tests.
var shared = local.NewTransport()

// What runs already belongs to the engine, whose server ends with the process.
func TestMain(m *testing.M) {
	local.StartEngine().Close()
	goleak.VerifyTestMain(withEngine{m}, goleak.IgnoreCurrent())
}

type withEngine struct{ *testing.M }

func (w withEngine) Run() int {
	debug.SetGCPercent(400) // the runs make much garbage, and little of it at a time
	embedded = local.StartEngine()
	destinations.start()
	var stop func()
	other.url, stop, other.missing = dynoxide.Start(context.Background())
	defer func() {
		shared.CloseIdleConnections()
		destinations.server.Close()
		embedded.Close()
		if stop != nil {
			stop()
		}
	}()
	return w.M.Run()
}

// other is the URL of the other DynamoDB, or why there is none.
var other struct {
	url     string
	missing error
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
		dynoxide.Need(t, other.missing)
		return other.url
	}}
)

// whole tells whether the sweep is to be complete.
func whole() bool { return os.Getenv("REQUIRE_ENGINES") == "1" || os.Getenv("DYNOXIDE") != "" }
