package tail_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	_ "smartlead-receiver/test/ttlcheck" // clitest puts its proxy before the engine
)

// follow runs tail, doing one step at each pause, until there is none.
func follow(t *testing.T, s *clitest.Stack, steps []func(), flags ...string) clitest.Result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.OnSleep = func(context.Context) {
		if len(steps) == 0 {
			cancel()
			return
		}
		steps[0]()
		steps = steps[1:]
	}
	return s.RunWith(ctx, append([]string{"--local", "--state-dir", s.Dir, "tail"}, flags...)...)
}

func nothing() {}

// Each event gets its line as it ends, once, whenever its worker comes.
func TestTailFollowsToTheEnd(t *testing.T) {
	s := clitest.New(t)
	before := s.Post(clitest.Reply(1))
	s.Work()
	s.Advance(time.Minute)
	var quick, late, dead string
	r := follow(t, s, []func(){
		func() { quick = s.Post(clitest.Reply(10)); s.Work() },
		func() { late = s.Post(clitest.Reply(11)) },
		func() { s.Work() },
		nothing,
		func() { s.Answer.Store(503); dead = s.Post(clitest.Reply(12)); s.Work() },
		nothing,
	}, "--json")
	got := clitest.Lines(t, r.Out)
	if r.Code != 130 || len(got) != 3 || r.Err != "" {
		t.Fatalf("exit %d, %d lines: %s%s", r.Code, len(got), r.Out, r.Err)
	}
	for i, want := range []struct {
		id, state string
		status    float64
	}{{quick, "delivered", 200}, {late, "delivered", 200}, {dead, "dead", 503}} {
		attempts, _ := got[i]["last_attempts"].([]any)
		if got[i]["event_id"] != want.id || got[i]["event_id"] == before || got[i]["state"] != want.state || len(attempts) != 1 {
			t.Fatalf("line %d: %v, want %v", i, got[i], want)
		}
		last, _ := attempts[0].(map[string]any)
		if last["destination"] != "crm" || last["http_status"] != want.status || last["duration_ms"] == nil {
			t.Errorf("line %d: attempt %v, want crm and %v", i, last, want.status)
		}
	}
}

// An event that no worker takes gets a line, too.
func TestTailOfWhatNoWorkerTakes(t *testing.T) {
	s := clitest.New(t)
	r := follow(t, s, []func(){
		func() { s.Post(clitest.Reply(1)) }, nothing, nothing, s.Work, nothing,
	})
	lines := strings.Split(strings.TrimSpace(r.Out), "\n")
	for i, want := range []string{
		"pending     EMAIL_REPLY              lead1@acme.example.com    no worker has taken it for ",
		"delivered   EMAIL_REPLY              lead1@acme.example.com    crm 200 in ",
	} {
		if len(lines) != 2 || !strings.Contains(lines[i], want) {
			t.Fatalf("line %d does not hold %q:\n%s%s", i, want, r.Out, r.Err)
		}
	}
}

func TestTailOfOneErrorClass(t *testing.T) {
	s := clitest.New(t)
	s.DeadReplies(1)
	s.Answer.Store(410)
	s.Post(clitest.Reply(1))
	s.Work()
	s.Answer.Store(200)
	s.Post(clitest.Reply(2))
	s.Work()
	r := follow(t, s, nil, "--past", "1h", "--error-class", "http_503")
	if strings.Count(r.Out, "\n") != 1 || !strings.Contains(r.Out, "lead0@acme.example.com    crm 503 in ") {
		t.Errorf("want the one event that died of http_503:\n%s", r.Out)
	}
}

// The end of the local stack is one line, not one for each look.
func TestTailWhenTheStackEnds(t *testing.T) {
	s := clitest.New(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	path := filepath.Join(s.Dir, "stack.json")
	info, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.File("stack.json", strings.ReplaceAll(string(info), s.DynamoDB, gone.URL))
	r := s.Run("tail")
	if r.Code != 1 || r.Out != "" || strings.Count(r.Err, "\n") != 1 || !strings.Contains(r.Err, "the local stack has ended") {
		t.Errorf("exit %d, want 1 and one line: %s%s", r.Code, r.Out, r.Err)
	}
}
