//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// TestTheDashboardShowsWhatTheFunctionsCounted reads the deployed dashboard, and the log
// lines of all scenarios as CloudWatch reads metrics out of them. What every stack counts
// must have a line in it. With -update it draws docs/img/dashboard.svg. Its file's name
// makes it the last scenario.
func TestTheDashboardShowsWhatTheFunctionsCounted(t *testing.T) {
	widgets := deployedDashboard(t)
	lines := logged(t)
	counted := metricsOf(lines)
	shown := map[string]bool{}
	for _, w := range widgets {
		for _, m := range w.metrics() {
			shown[m.key] = true
		}
	}
	for _, must := range []string{
		"Events outcome accepted", "Events outcome duplicate", "Refused outcome unauthorized", "Processed outcome delivered",
		"Processed outcome dead", "Delay outcome delivered", "Swept function sweeper",
	} {
		key := stackName + " " + must
		if !shown[key] {
			t.Errorf("no widget shows %s", key)
		}
		if len(counted[key]) == 0 {
			t.Errorf("no log line counted %s", key)
		}
	}
	picture := drawDashboard(widgets, alarmStates(t), counted, lines)
	if err := xml.Unmarshal([]byte(picture), new(any)); err != nil {
		t.Fatalf("the picture is no XML: %v", err)
	}
	const name = "docs/img/dashboard.svg"
	if *update {
		if err := os.WriteFile(root(name), []byte(picture), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	committed, err := os.ReadFile(root(name))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range widgets {
		if !bytes.Contains(committed, []byte(escaped(w.Properties.Title))) {
			t.Errorf("%s does not have %q: make first-day", name, w.Properties.Title)
		}
	}
}

type widget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Title, View, Query string
		Stacked            bool
		Metrics            [][]any
		Alarms             []string
	}
}

// metric is a line of a widget.
type metric struct{ key, label, stat string }

func (w widget) metrics() (all []metric) {
	for _, row := range w.Properties.Metrics {
		var words []string
		m := metric{}
		for _, part := range row {
			switch part := part.(type) {
			case string:
				words = append(words, part)
			case map[string]any:
				m.label, m.stat = fmt.Sprint(part["label"]), fmt.Sprint(part["stat"])
			}
		}
		m.key = strings.Join(words, " ")
		all = append(all, m)
	}
	return all
}

// deployedDashboard is what CloudWatch has of the dashboard, names filled in.
func deployedDashboard(t *testing.T) []widget {
	t.Helper()
	out, err := cloudwatch.NewFromConfig(sharedConfig(deployed.engine.url())).GetDashboard(t.Context(),
		&cloudwatch.GetDashboardInput{DashboardName: aws.String(stackName + "-" + region)})
	if err != nil {
		t.Fatal(err)
	}
	var body struct{ Widgets []widget }
	if err := json.Unmarshal([]byte(*out.DashboardBody), &body); err != nil {
		t.Fatal(err)
	}
	return body.Widgets
}

// alarmStates are those of all alarms, by ARN.
func alarmStates(t *testing.T) map[string]cwtypes.StateValue {
	t.Helper()
	out, err := cloudwatch.NewFromConfig(sharedConfig(deployed.engine.url())).DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]cwtypes.StateValue{}
	for _, a := range out.MetricAlarms {
		states[*a.AlarmArn] = a.StateValue
	}
	return states
}

// logLine is one JSON line of a function.
type logLine struct {
	at      time.Time
	group   string
	members map[string]any
	text    string
}

// logged are the lines of all functions, the oldest first.
func logged(t *testing.T) (lines []logLine) {
	t.Helper()
	for _, output := range []string{"ReceiverLogGroupName", "WorkerLogGroupName", "SweeperLogGroupName", "RedriveLogGroupName", "ReconcileLogGroupName"} {
		group := deployed.outputs[output]
		for token := ""; ; {
			ask := map[string]any{"logGroupName": group, "limit": 5000}
			if token != "" {
				ask["nextToken"] = token
			}
			body, err := json.Marshal(ask)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := deployed.service(t.Context(), "logs", http.MethodPost, "/", body,
				"X-Amz-Target", "Logs_20140328.FilterLogEvents", "Content-Type", "application/x-amz-json-1.1")
			if err != nil {
				t.Fatal(err)
			}
			var page struct {
				NextToken string
				Events    []struct {
					Timestamp int64
					Message   string
				}
			}
			if err := json.Unmarshal(answer, &page); err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				for text := range strings.Lines(e.Message) {
					l := logLine{at: time.UnixMilli(e.Timestamp), group: group, text: text}
					if json.Unmarshal([]byte(text), &l.members) == nil {
						lines = append(lines, l)
					}
				}
			}
			if token = page.NextToken; token == "" {
				break
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b logLine) int { return a.at.Compare(b.at) })
	return lines
}

// sample is one value of a metric.
type sample struct {
	at    time.Time
	value float64
}

// metricsOf reads metrics out of log lines as CloudWatch does (Embedded Metric Format
// Specification): by namespace, name and dimension.
func metricsOf(lines []logLine) map[string][]sample {
	counted := map[string][]sample{}
	for _, l := range lines {
		var document struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name string }
				}
			} `json:"_aws"`
		}
		if json.Unmarshal([]byte(l.text), &document) != nil {
			continue
		}
		for _, d := range document.AWS.CloudWatchMetrics {
			for _, dimensions := range d.Dimensions {
				for _, m := range d.Metrics {
					key := d.Namespace + " " + m.Name
					for _, name := range dimensions {
						key += fmt.Sprintf(" %s %v", name, l.members[name])
					}
					value, _ := l.members[m.Name].(float64)
					counted[key] = append(counted[key], sample{time.UnixMilli(document.AWS.Timestamp), value})
				}
			}
		}
	}
	return counted
}

// rowsOf answers the two queries of the dashboard that are tables, by what they ask.
func rowsOf(query string, lines []logLine) (head []string, rows [][]string) {
	attempt := regexp.MustCompile(`"to_([a-z0-9-]+)":[{](?:"result":"([a-z_]+)",)?(?:"status":([0-9]+),)?.*?"duration_ms":([0-9]+)`)
	count := map[string]int{}
	for _, l := range lines {
		switch found := attempt.FindStringSubmatch(l.text); {
		case strings.Contains(query, "by cause") && l.members["outcome"] == "dead":
			count[fmt.Sprint(l.members["cause"])]++
		case strings.Contains(query, "by destination") && l.members["msg"] == "event.processed" && found != nil:
			count[found[1]+"\x00"+found[2]+"\x00"+found[3]]++
		}
	}
	head = []string{"cause", "events"}
	if strings.Contains(query, "by destination") {
		head = []string{"destination", "result", "status", "attempts"}
	}
	keys := slices.SortedFunc(maps.Keys(count), func(a, b string) int { return count[b] - count[a] })
	for _, k := range keys {
		rows = append(rows, append(strings.Split(k, "\x00"), fmt.Sprint(count[k])))
	}
	return head, rows
}
