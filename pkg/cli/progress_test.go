package cli_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

// Every command that reads many events says so while it does, on a terminal alone.
// A tick goes with each read of the table, so that no time has to pass.
func TestLongLooksTellOfThemselves(t *testing.T) {
	s := clitest.New(t)
	s.TwoCauses()
	engine, err := url.Parse(s.DynamoDB)
	if err != nil {
		t.Fatal(err)
	}
	ticks := make(chan time.Time)
	var ticking atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(engine)
	table := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ticking.Load() {
			ticks <- time.Time{}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(table.Close)
	s.DynamoDB = table.URL
	s.WriteInfo(s.Env.Config.ParameterPrefix)
	s.Ticker = func(time.Duration) (<-chan time.Time, func()) {
		ticking.Store(true)
		return ticks, func() { ticking.Store(false) }
	}
	for _, command := range []string{
		"stats", "events list", "events list --all", "events find nothing", "events replay --source none", "events show AAAAAA",
		"dlq list", "redrive plan", "redrive start --yes --error-class none",
	} {
		args := strings.Fields(command)
		s.Terminal = true
		r := s.Run(args...)
		if _, after, shown := strings.Cut(r.Err, "looking at "); !shown || !strings.Contains(after, "\r\x1b[J") || strings.Contains(r.Out, "looking at ") {
			t.Errorf("%s: on a terminal: %q", command, r.Err)
		}
		if r := s.Run(append(args, "--json")...); strings.Contains(r.Err, "looking at") {
			t.Errorf("%s: beside JSON: %q", command, r.Err)
		}
		s.Terminal = false
		if r := s.Run(args...); strings.Contains(r.Err, "looking at") {
			t.Errorf("%s: off a terminal: %q", command, r.Err)
		}
	}
}
