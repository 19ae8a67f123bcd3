package notices_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

// An incident of the real stack reaches a channel, once, though it was down at first,
// and nobody is shown its URL.
func TestNoticesOfARealStack(t *testing.T) {
	s := clitest.New(t)
	s.Sweep()
	var status atomic.Int64
	var got []string
	slack := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if status.Load() == http.StatusOK {
			got = append(got, r.URL.Path+" "+string(body))
		}
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(slack.Close)
	s.Secrets = append(s.Secrets, "B0CHANNEL")

	if r := s.OK("notices", "list"); !strings.Contains(r.Err, "notices go nowhere") {
		t.Errorf("got %s", r.Err)
	}
	s.Fails(4, "no notices go to slack", "notices", "test", "slack")
	s.Fails(2, "did you mean", "notices", "set", "slak")
	s.Input = "https://169.254.169.254/B0CHANNEL\n"
	s.Fails(2, "metadata", "notices", "set", "slack")
	s.Input = slack.URL + "/services/B0CHANNEL\n"
	if r := s.OK("notices", "set", "slack"); !strings.Contains(r.Err, "127.0.0.1") {
		t.Errorf("got %s", r.Err)
	}
	s.Input = slack.URL + "/http/B0CHANNEL\n"
	if r := s.OK("notices", "set", "http"); !strings.HasPrefix(r.Out, "whsec_") {
		t.Errorf("got %s", r.Out)
	}
	s.OK("notices", "remove", "http", "--yes")
	if v := clitest.Lines(t, s.OK("notices", "list", "--json").Out); len(v) != 1 || v[0]["target"] != "slack" || v[0]["host"] != slack.URL {
		t.Errorf("got %v", v)
	}
	status.Store(503)
	s.Fails(1, "answered 503", "notices", "test", "slack")
	s.DeadReplies(1)
	s.Advance(3 * time.Minute)
	s.Sweep()
	status.Store(200)
	for range 3 {
		s.Advance(time.Minute)
		s.Sweep()
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], "/services/B0CHANNEL {") || !strings.Contains(got[0], "opened: events died: http_503 at crm (1 times since") {
		t.Errorf("got %q", got)
	}
	if v := clitest.Lines(t, s.OK("incidents", "--kind", "dead", "--json").Out); v[0]["notified_at"] == nil {
		t.Errorf("got %v", v)
	}
	if r := s.OK("notices", "test", "slack"); !strings.Contains(r.Out, "took the sample") || !strings.Contains(got[1], "TEST, nothing is wrong") {
		t.Errorf("got %s %q", r.Out, got)
	}
}
