package redrivecmd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/webhook"
)

func TestPlan(t *testing.T) {
	s := clitest.New(t)
	s.TwoCauses()
	s.Golden("plan", s.OK("redrive", "plan").Out)
	if r := s.OK("redrive", "plan"); !strings.HasSuffix(r.Err, "redrive start\n") {
		t.Errorf("how to start what has no filter: %s", r.Err)
	}
	r := s.OK("redrive", "plan", "--error-class", "http_503", "--type", "EMAIL_REPLY,EMAIL_OPEN", "--limit", "2")
	if !strings.HasSuffix(r.Err, "redrive start --error-class http_503 --limit 2 --type EMAIL_REPLY --type EMAIL_OPEN\n") {
		t.Errorf("a start without the plan's filter brings back all: %s", r.Err)
	}
	plan := clitest.Lines(t, s.OK("redrive", "plan", "--json", "--error-class", "http_503").Out)[0]
	if plan["release"] != 2.0 || plan["filtered"] != 1.0 || plan["estimate"] != nil || plan["estimate_seconds"] == nil {
		t.Errorf("plan %v", plan)
	}
}

func TestRedriveFromStartToEnd(t *testing.T) {
	s := clitest.New(t)
	s.Fails(4, "dlq list", "redrive", "status")
	s.Fails(4, "no dead event matches", "redrive", "start", "--yes")
	s.DeadReplies(3)
	s.Fails(2, "3 dead events", "redrive", "start")
	s.Fails(2, "no length of time", "redrive", "start", "--older-than", "long")
	s.Fails(2, "not negative", "redrive", "start", "--limit", "-1")
	s.OK("redrive", "start", "--yes", "--limit", "2")
	s.Fails(1, "redrive cancel", "redrive", "start", "--yes")
	s.OK("redrive", "pause")
	if v := clitest.Lines(t, s.OK("redrive", "status", "--json").Out)[0]; v["state"] != "paused" {
		t.Errorf("state %v", v["state"])
	}
	s.OK("redrive", "resume")
	s.OnSleep = func(ctx context.Context) { s.RunRedrive(ctx); s.Work() }
	r := s.OK("redrive", "status", "--watch")
	if !strings.Contains(r.Out, "done") || strings.Contains(r.Err, "\r") {
		t.Errorf("got %q, %q", r.Out, r.Err)
	}
	v := clitest.Lines(t, s.OK("redrive", "status", "--json").Out)[0]
	counts := v["counts"].(map[string]any)
	if v["state"] != "done" || counts["delivered"] != 2.0 {
		t.Errorf("got %v", v)
	}
	if n := len(clitest.Lines(t, s.OK("redrive", "history", "--json").Out)); n != 1 {
		t.Errorf("%d in the history", n)
	}
	s.OK("redrive", "start", "--yes")
	s.OK("redrive", "cancel")
	s.Fails(4, "cancelled", "redrive", "cancel")
	s.Terminal, s.Width = true, 100
	if r := s.Run("redrive", "status", "--watch"); r.Code != 0 || !strings.Contains(r.Err, "[") {
		t.Errorf("exit %d: %q", r.Code, r.Err)
	}
}

func TestRedriveCommandsThatComeTwice(t *testing.T) {
	s := clitest.New(t)
	s.DeadReplies(1)
	s.OK("redrive", "start", "--yes")
	s.Fails(1, "nothing to resume: the redrive is running", "redrive", "resume")
	s.OK("redrive", "pause")
	s.Fails(1, "nothing to pause: the redrive is paused", "redrive", "pause")
	s.Fails(1, "redrive resume", "redrive", "pause")
	s.OK("redrive", "cancel")
	s.Fails(4, "redrive start", "redrive", "pause")
}

func TestStatusOfARedriveThatParked(t *testing.T) {
	s := clitest.New(t)
	id := s.DeadReplies(1)[0]
	s.Answer.Store(503)
	for range redrive.DefaultPolicy.ParkAfter {
		s.OK("redrive", "start", "--id", id, "--yes")
		for range 3 {
			s.RunRedrive(t.Context())
		}
	}
	if rec := s.Record(id); rec.State != webhook.Dead {
		t.Fatalf("the event is %s", rec.State)
	}
	s.OK("redrive", "start", "--yes")
	s.RunRedrive(t.Context())
	if r := s.OK("redrive", "status"); !strings.Contains(r.Out, "1, redriven too often before: smartleadctl --local --state-dir ") ||
		!strings.Contains(r.Out, "events list --state parked") {
		t.Errorf("where the parked are:\n%s", r.Out)
	}
}

func TestStatusAndHistoryOfACancelledRedrive(t *testing.T) {
	s := clitest.New(t)
	s.DeadReplies(3)
	s.OK("redrive", "start", "--yes")
	ctx, cancel := context.WithCancel(t.Context())
	s.Env.Sleep = func(context.Context, time.Duration) { cancel() }
	s.RunRedrive(ctx)
	s.Terminal, s.Width = true, 400
	if r := s.OK("redrive", "cancel"); !strings.Contains(r.Out, "3 were under way when it was cancelled") {
		t.Errorf("status:\n%s", r.Out)
	}
	if r := s.OK("redrive", "history"); !strings.Contains(r.Out, "3 were under way when it was cancelled") {
		t.Errorf("history:\n%s", r.Out)
	}
}

// Screens as a person sees them, at the widths of terminals.
func TestScreens(t *testing.T) {
	s := clitest.New(t)
	s.DeadReplies(3)
	s.OK("redrive", "start", "--yes", "--limit", "2", "--type", "reply")
	s.RunRedrive(t.Context())
	s.Advance(time.Minute)
	for _, width := range []int{60, 80, 120, 200} {
		s.Terminal, s.Width = true, width
		s.Golden(fmt.Sprintf("status-%d", width), s.OK("redrive", "status").Out)
	}
}

// Of two destinations that fail for some events each, an operator brings back what is dead
// at the one that is mended. An event that is dead at both goes to both; what a
// destination has, it does not get again.
func TestRedriveOfOneDestination(t *testing.T) {
	s := clitest.New(t)
	var answers sync.Map // status by type
	got := map[string]int{}
	var mu sync.Mutex
	bi := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct{ Type string }
		_ = json.NewDecoder(r.Body).Decode(&event)
		mu.Lock()
		got[event.Type]++
		mu.Unlock()
		status, _ := answers.LoadOrStore(event.Type, http.StatusOK)
		w.WriteHeader(status.(int))
	}))
	defer bi.Close()
	s.OK("destinations", "add", "bi", "--url", bi.URL, "--no-sign")
	const open = `{"event_type":"EMAIL_OPEN","campaign_id":7,"stats_id":"a","to_email":"ann@globex.example.net","event_timestamp":"2126-03-04T11:00:00Z"}`
	s.Answer.Store(503)
	answers.Store("EMAIL_OPEN", 503)
	reply := s.Post(clitest.Reply(1)) // dead at crm alone
	s.Work()
	both := s.Post(open)
	s.Work()
	s.Answer.Store(200)
	bounce := s.Post(strings.Replace(open, "EMAIL_OPEN", "EMAIL_BOUNCE", 1)) // dead nowhere
	s.Work()
	s.Advance(time.Minute)

	plan := func(args ...string) map[string]any {
		t.Helper()
		return clitest.Lines(t, s.OK(append([]string{"redrive", "plan", "--json"}, args...)...).Out)[0]
	}
	for destination, want := range map[string]float64{"crm": 2, "bi": 1, "none": 0} {
		if p := plan("--destination", destination); p["release"] != want {
			t.Errorf("%s: %v, want %v", destination, p, want)
		}
		n := len(clitest.Lines(t, s.OK("dlq", "list", "--events", "--json", "--destination", destination).Out)) - 1
		causes := len(clitest.Lines(t, s.OK("dlq", "list", "--json", "--destination", destination).Out)) - 1
		if n-causes != int(want) {
			t.Errorf("%s: dlq list has %d events, want %v", destination, n-causes, want)
		}
	}
	if by := plan()["by_destination"].(map[string]any); by["crm"] != 2.0 || by["bi"] != 1.0 {
		t.Errorf("by destination: %v", by)
	}
	s.OK("redrive", "start", "--yes", "--destination", "bi")
	answers.Store("EMAIL_OPEN", 200)
	for range 5 {
		s.RunRedrive(t.Context())
		s.Work()
		s.Advance(time.Minute)
	}
	if state := s.Record(both).State; state != webhook.Delivered {
		t.Errorf("what is dead at both is %s", state)
	}
	if state := s.Record(reply).State; state != webhook.Dead {
		t.Errorf("what bi has is %s", state)
	}
	s.OK("redrive", "start", "--yes", "--destination", "crm")
	for range 5 {
		s.RunRedrive(t.Context())
		s.Work()
		s.Advance(time.Minute)
	}
	mu.Lock()
	defer mu.Unlock()
	if state := s.Record(reply).State; state != webhook.Delivered || got["EMAIL_REPLY"] != 1 || got["EMAIL_OPEN"] != 2 {
		t.Errorf("the reply is %s; bi got %v: once what it has, twice what it refused first", state, got)
	}
	if state := s.Record(bounce).State; state != webhook.Delivered {
		t.Errorf("the bounce is %s", state)
	}
}
