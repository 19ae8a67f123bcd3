package checks

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sqs"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/stack/deployment"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// days are how long the queues keep messages, by URL.
type days struct {
	queue.API
	of  map[string]int
	err error
}

func (d days) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput) (*sqs.GetQueueAttributesOutput, error) {
	out := &sqs.GetQueueAttributesOutput{}
	if n := d.of[*in.QueueUrl]; n > 0 {
		out.Attributes = map[string]string{"MessageRetentionPeriod": strconv.Itoa(n * 86_400)}
	}
	return out, d.err
}

// papers are documents, of which one is there.
type papers struct {
	name string
	body []byte
	err  error
}

func (p papers) LoadDocument(_ context.Context, kind, name string) ([]byte, int, error) {
	if p.err == nil && kind+"/"+name != p.name {
		return nil, 0, webhook.ErrNotFound
	}
	return p.body, 1, p.err
}

func (papers) SaveDocument(context.Context, string, string, []byte, int, time.Time, time.Time) error {
	return nil
}

func (papers) ListDocuments(context.Context, string, int) ([]webhook.Document, error) {
	return nil, nil
}

func want(t *testing.T, what string, f Finding, result, says string) {
	t.Helper()
	if f.Result != result || !strings.Contains(f.Detail, says) || f.Result != OK && f.Next == "" {
		t.Errorf("%s: got %+v, want %s, %q", what, f, result, says)
	}
}

func TestRetentionIsInOrder(t *testing.T) {
	for _, c := range []struct {
		what               string
		live, replay, dead int
		events             int
		result, says       string
	}{
		{"as deployed", 14, 14, 14, 90, OK, "events 90"},
		{"dead letters that expire first", 14, 4, 7, 90, Bad, "as it is written"},
		{"replays that expire last", 4, 14, 7, 90, Bad, "as it is written"},
		{"events that expire first", 14, 14, 14, 14, Bad, "forgotten"},
		{"an engine that does not say", 0, 0, 0, 90, OK, "does not say"},
	} {
		sources, err := sourcestore.NewSources(sourcestore.Backing{Documents: papers{}, Prefix: "/x"})
		if err != nil {
			t.Fatal(err)
		}
		st := &stack.Stack{Sources: sources, Queues: queue.New(days{of: map[string]int{"l": c.live, "r": c.replay, "d": c.dead}}, queue.URLs{Live: "l", Replay: "r", Dead: "d"})}
		st.Retention = time.Duration(c.events) * 24 * time.Hour
		want(t, c.what, checkRetention(t.Context(), Asker{}, st), c.result, c.says)
	}
	st := &stack.Stack{Queues: queue.New(days{err: errors.New("gone")}, queue.URLs{})}
	want(t, "no answer", checkRetention(t.Context(), Asker{}, st), Bad, "gone")
}

func TestTheSweeperRuns(t *testing.T) {
	now := testclock.Noon()
	s := Asker{Clock: func() time.Time { return now }}
	looked := func(at time.Time) *stack.Stack {
		body, err := json.Marshal(map[string]any{"at": at})
		if err != nil {
			t.Fatal(err)
		}
		return &stack.Stack{Incidents: incident.NewStore(papers{name: "incident-watch/state", body: body}, s.Clock)}
	}
	want(t, "a minute ago", checkSchedules(t.Context(), s, looked(now.Add(-time.Minute))), OK, "ran")
	want(t, "an hour ago", checkSchedules(t.Context(), s, looked(now.Add(-time.Hour))), Bad, "last ran")
	never := &stack.Stack{Incidents: incident.NewStore(papers{}, s.Clock)}
	want(t, "never", checkSchedules(t.Context(), s, never), Note, "not run yet")
	down := &stack.Stack{Incidents: incident.NewStore(papers{err: errors.New("gone")}, s.Clock)}
	want(t, "no answer", checkSchedules(t.Context(), s, down), Bad, "gone")
}

func TestTheReceiverAnswersAndClocksAgree(t *testing.T) {
	now := testclock.Noon()
	status, at := http.StatusOK, now
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("Date", at.UTC().Format(http.TimeFormat))
		w.WriteHeader(status)
	}))
	defer api.Close()
	st := &stack.Stack{}
	st.APIURL = api.URL
	s := Asker{Clock: func() time.Time { return now }, HTTP: api.Client().Transport}
	want(t, "well", checkReceiver(t.Context(), s, st), OK, "answers in")
	at = now.Add(-5 * time.Minute)
	want(t, "fast clock", checkReceiver(t.Context(), s, st), Note, "off by 5 min")
	at = now.Add(5 * time.Minute)
	want(t, "slow clock", checkReceiver(t.Context(), s, st), Note, "off by 5 min")
	status = http.StatusInternalServerError
	want(t, "fails", checkReceiver(t.Context(), s, st), Bad, "HTTP 500")
	api.Close()
	want(t, "gone", checkReceiver(t.Context(), s, st), Bad, "does not answer")
}

func TestAMutedAlarmIsTold(t *testing.T) {
	alarms := account{alarms: []deployment.Alarm{{ID: "HeldAlarm", State: "OK", Muted: true}, {ID: "SweptAlarm", State: "OK"}}}
	want(t, "muted", checkAlarms(t.Context(), Asker{Clock: testclock.Noon}, alarms), Bad, "told to nobody, because the actions are switched off: HeldAlarm")
}
