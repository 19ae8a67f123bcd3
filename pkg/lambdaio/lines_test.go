package lambdaio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sweep"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// written is what CloudWatch makes of lines: a sum for each metric and value of
// its dimension; and how many lines there were of each text.
type written struct {
	metrics map[string]float64
	lines   map[string]int
}

// linesOf reads lines as CloudWatch does. A document that does not keep to the
// format fails the test: CloudWatch would drop it without a word.
func linesOf(t *testing.T, log *bytes.Buffer) written {
	t.Helper()
	w := written{map[string]float64{}, map[string]int{}}
	for line := range bytes.Lines(log.Bytes()) {
		var head struct {
			Msg string
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name string }
				}
			} `json:"_aws"`
		}
		members := map[string]any{}
		if err := errors.Join(json.Unmarshal(line, &head), json.Unmarshal(line, &members)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		w.lines[head.Msg]++
		for _, d := range head.AWS.CloudWatchMetrics {
			if d.Namespace == "" || head.AWS.Timestamp == 0 || len(d.Dimensions) != 1 || len(d.Dimensions[0]) != 1 {
				t.Fatalf("no document: %s", line)
			}
			value, ok := members[d.Dimensions[0][0]].(string)
			if !ok || value == "" {
				t.Errorf("the dimension %s is missing: %s", d.Dimensions[0][0], line)
			}
			for _, m := range d.Metrics {
				n, ok := members[m.Name].(float64)
				if !ok {
					t.Errorf("the value of %s is missing: %s", m.Name, line)
				}
				if !slices.ContainsFunc(Metrics(), func(known Metric) bool {
					return known.Name == m.Name && known.Dimension == d.Dimensions[0][0] && slices.Contains(known.Values, value)
				}) {
					t.Errorf("%s by %s=%s is not among Metrics", m.Name, d.Dimensions[0][0], value)
				}
				w.metrics[fmt.Sprintf("%s{%s=%s}", m.Name, d.Dimensions[0][0], value)] += n
			}
		}
	}
	log.Reset()
	return w
}

func (w written) want(t *testing.T, metrics map[string]float64, lines map[string]int) {
	t.Helper()
	if !maps.Equal(w.metrics, metrics) {
		t.Errorf("metrics are %v, want %v", w.metrics, metrics)
	}
	if !maps.Equal(w.lines, lines) {
		t.Errorf("lines are %v, want %v", w.lines, lines)
	}
}

func TestEachEventIsOneLineThatCountsIt(t *testing.T) {
	var log bytes.Buffer
	r := newRefusals(recorder(&log))
	for _, status := range receive.Statuses {
		logReceived(t.Context(), r, receive.Request{}, receive.Answer{Results: []receive.Result{{Status: status}}}, nil, 0)
	}
	logReceived(t.Context(), r, receive.Request{}, receive.Answer{Results: []receive.Result{{Status: receive.Accepted, Unclaimed: true}, {Status: receive.Failed, Unclaimed: true}}}, nil, 0)
	linesOf(t, &log).want(t, map[string]float64{
		"Events{outcome=accepted}": 2, "Events{outcome=duplicate}": 1, "Events{outcome=variant}": 1, "Events{outcome=held}": 1,
		"Events{outcome=rejected}": 1, "Events{outcome=failed}": 2, "Unclaimed{function=receiver}": 1,
	}, map[string]int{"event.received": len(receive.Statuses) + 2})

	for _, outcome := range process.Outcomes {
		logProcessed(t.Context(), r.Recorder, events.SQSMessage{}, webhook.Live, process.Report{Outcome: outcome, Latency: 1500 * time.Millisecond}, 0)
	}
	w := linesOf(t, &log)
	if w.lines["event.processed"] != len(process.Outcomes) || len(w.metrics) != len(process.Outcomes)+1 {
		t.Errorf("%v", w)
	}
	if got := w.metrics["Delay{outcome=delivered}"]; got != 1500 {
		t.Errorf("the delay of the delivery is %v ms", got)
	}
	for _, outcome := range process.Outcomes {
		if w.metrics[fmt.Sprintf("Processed{outcome=%s}", outcome)] != 1 {
			t.Errorf("%s is not counted: %v", outcome, w.metrics)
		}
	}
}

func TestALargeArrayIsCountedWhole(t *testing.T) {
	var log bytes.Buffer
	answer := receive.Answer{Results: make([]receive.Result, 1000)}
	for i := range answer.Results {
		answer.Results[i].Status = receive.Accepted
	}
	answer.Results[999].Status = receive.Duplicate
	answer.Results[998] = receive.Result{Status: receive.Rejected, Err: errors.New("no object")}
	answer.Results[997].Unclaimed = true
	logReceived(t.Context(), newRefusals(recorder(&log)), receive.Request{}, answer, nil, 0)
	linesOf(t, &log).want(t, map[string]float64{
		"Events{outcome=accepted}": 998, "Events{outcome=duplicate}": 1, "Events{outcome=rejected}": 1, "Unclaimed{function=receiver}": 1,
	}, map[string]int{"event.received": maxEventLines + 2, "events.received": 2})
}

// What is listed is counted: an alarm may rest on it.
func TestEveryListedMetricIsCounted(t *testing.T) {
	var log bytes.Buffer
	r, pass := clocked(&log)
	for _, status := range receive.Statuses {
		logReceived(t.Context(), r, receive.Request{}, receive.Answer{Results: []receive.Result{{Status: status, Unclaimed: true}}}, nil, 0)
	}
	logReceived(t.Context(), r, receive.Request{}, receive.Answer{Results: []receive.Result{{Status: receive.Accepted, SecondHook: true}}}, nil, 0)
	for _, kind := range receive.Kinds {
		logReceived(t.Context(), r, receive.Request{}, receive.Answer{}, &receive.Error{Kind: kind, Cause: "x"}, 0)
	}
	r.whole(t.Context(), noSuchPath, string(noSuchPath))
	pass(refusalWindow)
	r.due(t.Context())
	for _, outcome := range process.Outcomes {
		logProcessed(t.Context(), r.Recorder, events.SQSMessage{}, webhook.Live, process.Report{Outcome: outcome, Latency: time.Second}, 0)
	}
	logSweep(t.Context(), r.Recorder, sweep.Report{Sent: 2, Waited: 1, Failed: 1}, 0)
	logLook(t.Context(), r.Recorder, incident.Report{Failing: 1, Paused: 1, Silent: 1, Silenced: 1}, 0)
	var cleaned redrive.Summary
	cleaned.DeadLetters.Stale, cleaned.DeadLetters.Foreign = 1, 1
	logRedrive(t.Context(), r.Recorder, cleaned, 0)
	logReconcile(t.Context(), r.Recorder, ended(1), 0)
	logArchive(t.Context(), r.Recorder, archive.Summary{Age: archiveStale}, 0)
	counted := linesOf(t, &log).metrics
	for _, m := range Metrics() {
		for _, value := range m.Values {
			if counted[fmt.Sprintf("%s{%s=%s}", m.Name, m.Dimension, value)] == 0 {
				t.Errorf("nothing counts %s{%s=%s}", m.Name, m.Dimension, value)
			}
		}
	}
}

// clocked writes with a clock that the test moves.
func clocked(log *bytes.Buffer) (*refusals, func(time.Duration)) {
	now := testclock.Noon()
	to := recorder(log)
	to.Now = func() time.Time { return now }
	return newRefusals(to), func(d time.Duration) { now = now.Add(d) }
}

// A flood of refusals writes few lines and loses no count.
func TestAFloodOfRefusalsIsSummedUp(t *testing.T) {
	var log bytes.Buffer
	r, pass := clocked(&log)
	refuse := func(kind receive.Kind, name string, times int) {
		for range times {
			logReceived(t.Context(), r, receive.Request{}, receive.Answer{}, &receive.Error{Kind: kind, Cause: name}, 0)
		}
	}
	refuse(receive.Unauthorized, "wrong_token", wholeRefusals+5)
	refuse(receive.BadBody, "not_json", 3)
	refuse(receive.Unavailable, "not_durable", 3*wholeRefusals) // ours: each is told
	linesOf(t, &log).want(t, map[string]float64{
		"Refused{outcome=unauthorized}": wholeRefusals, "Refused{outcome=bad_body}": 3, "Refused{outcome=unavailable}": 3 * wholeRefusals,
	}, map[string]int{"request.refused": 4*wholeRefusals + 3})

	pass(refusalWindow - time.Second)
	r.due(t.Context())
	linesOf(t, &log).want(t, map[string]float64{}, map[string]int{})

	pass(time.Second) // the first window has passed: its rest is told, and others are whole again
	r.due(t.Context())
	refuse(receive.Unauthorized, "wrong_token", 1)
	linesOf(t, &log).want(t, map[string]float64{"Refused{outcome=unauthorized}": 6}, map[string]int{"requests.refused": 1, "request.refused": 1})

	refuse(receive.Unauthorized, "wrong_token", wholeRefusals-1+3*refusalsATime+7)
	linesOf(t, &log).want(t, map[string]float64{"Refused{outcome=unauthorized}": wholeRefusals - 1 + 3*refusalsATime},
		map[string]int{"requests.refused": 3, "request.refused": wholeRefusals - 1})
	pass(time.Hour) // frozen meanwhile
	r.due(t.Context())
	linesOf(t, &log).want(t, map[string]float64{"Refused{outcome=unauthorized}": 7}, map[string]int{"requests.refused": 1})
	r.due(t.Context())
	linesOf(t, &log).want(t, map[string]float64{}, map[string]int{})
}

// Any request tells what was counted before it.
func TestTheNextRequestTellsWhatWasCounted(t *testing.T) {
	var log bytes.Buffer
	r, pass := clocked(&log)
	svc := receive.New(receive.Ports{Now: r.Now}, receive.DefaultPolicy)
	handler := Receiver(svc, r.Recorder)
	get := func(path string) {
		ev := events.APIGatewayV2HTTPRequest{RawPath: path}
		ev.RequestContext.HTTP.Method = "GET"
		if _, err := handler(context.Background(), ev); err != nil {
			t.Fatal(err)
		}
	}
	get("/.env")
	get("/wp-login.php")
	linesOf(t, &log).want(t, map[string]float64{}, map[string]int{})
	pass(refusalWindow)
	get("/healthz")
	linesOf(t, &log).want(t, map[string]float64{"Refused{outcome=no_such_path}": 2}, map[string]int{"requests.refused": 1})
}

// A schedule runs every minute: one that found nothing writes nothing.
func TestAnIdleScheduleWritesNothing(t *testing.T) {
	var log bytes.Buffer
	to := telemetry.Recorder{Log: telemetry.NewLogger(&log, slog.LevelInfo), Namespace: "test", Now: time.Now}
	logSweep(t.Context(), to, sweep.Report{}, time.Second)
	logRedrive(t.Context(), to, redrive.Summary{}, time.Second)
	logLook(t.Context(), to, incident.Report{}, time.Second)
	linesOf(t, &log).want(t, map[string]float64{}, map[string]int{})
	logSweep(t.Context(), to, sweep.Report{Sent: 9, Waited: 7, DeadLetters: 1, Failed: 4}, time.Second)
	var cleaned redrive.Summary
	cleaned.DeadLetters.Stale, cleaned.DeadLetters.Foreign = 5, 6
	logRedrive(t.Context(), to, cleaned, time.Second)
	linesOf(t, &log).want(t, map[string]float64{
		"Swept{function=sweeper}": 3, "WaitsEnded{function=sweeper}": 7, "SweepFailures{function=sweeper}": 4, "DeadLettersCleared{function=redrive}": 5, "ForeignDeadLetters{function=redrive}": 6,
	}, map[string]int{"sweep.done": 1, "redrive.run": 1})
}
