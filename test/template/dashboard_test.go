package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"smartlead-receiver/pkg/lambdaio"
)

// freeMetrics is how many metrics a dashboard may show that is among the three which
// every account has free (aws.amazon.com/cloudwatch/pricing).
const freeMetrics = 50

type widget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Title   string
		Query   string
		Metrics [][]any
		Alarms  []string
	}
}

// widgets are those of the dashboard, with ${…} for what the stack fills in.
func widgets(t *testing.T) []widget {
	t.Helper()
	var body struct{ Widgets []widget }
	text := fmt.Sprint(at(t, load(t), "Resources", "Dashboard", "Properties", "DashboardBody", "!Sub"))
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	return body.Widgets
}

func TestTheDashboardShowsWhatIsCounted(t *testing.T) {
	counted := map[string]bool{"Throttled": true} // from the access log
	for _, m := range lambdaio.Metrics() {
		for _, v := range m.Values {
			counted[m.Name+" "+m.Dimension+" "+v] = true
		}
	}
	shown, names := map[string]bool{}, map[string]bool{}
	for _, w := range widgets(t) {
		for _, m := range w.Properties.Metrics {
			var words []string
			for _, word := range m {
				if text, ok := word.(string); ok {
					words = append(words, text)
				}
			}
			shown[strings.Join(words, " ")] = true
			if words[0] != "${AWS::StackName}" {
				continue
			}
			names[words[1]] = true
			if name := strings.Join(words[1:], " "); !counted[name] {
				t.Errorf("%s shows %q, which nothing counts", w.Properties.Title, name)
			}
		}
	}
	for _, m := range lambdaio.Metrics() {
		if !names[m.Name] {
			t.Errorf("the dashboard does not show %s", m.Name)
		}
	}
	if len(shown) > freeMetrics {
		t.Errorf("it shows %d metrics, more than the %d that are free", len(shown), freeMetrics)
	}
}

func TestTheDashboardShowsEveryAlarm(t *testing.T) {
	var want []string
	template := load(t)
	for id := range ofType(t, template, "AWS::CloudWatch::Alarm") {
		if _, optional := at(t, template, "Resources", id).(object)["Condition"]; !optional {
			want = append(want, "${"+id+".Arn}")
		}
	}
	slices.Sort(want)
	var got []string
	for _, w := range widgets(t) {
		got = append(got, w.Properties.Alarms...)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("shown are %v, want %v", got, want)
	}
}

// CloudWatch's grid is 24 wide.
func TestTheDashboardHasNoWidgetOnAnother(t *testing.T) {
	taken := map[[2]int]string{}
	for _, w := range widgets(t) {
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				if x >= 24 || taken[[2]int{x, y}] != "" {
					t.Fatalf("%s lies on %s, or beside the grid", w.Properties.Title, taken[[2]int{x, y}])
				}
				taken[[2]int{x, y}] = w.Properties.Title
			}
		}
	}
}

// fields are the members of the log lines, and of CloudWatch's own, that a query may name.
var fields = []string{
	"@message", "@timestamp", "attempt", "cause", "count", "died_again", "delivered", "dead_letters_cleared", "error", "event_id",
	"calls", "campaigns", "complete", "extra", "late", "look", "mails", "missing", "unknowable", "unproven_campaigns",
	"archived", "behind_s", "hours", "objects", "unreadable", "until",
	"job", "msg", "next_attempt_at", "outcome", "reason", "released", "route", "source", "source_ip", "status", "Delay", "Refused",
}

// A query that names a member which no line has finds nothing, for ever.
func TestQueriesNameWhatIsLogged(t *testing.T) {
	queries := map[string]string{}
	for id, q := range ofType(t, load(t), "AWS::Logs::QueryDefinition") {
		queries[id] = fmt.Sprint(at(t, q, "QueryString"))
	}
	for _, w := range widgets(t) {
		if w.Type == "log" {
			queries[w.Properties.Title] = strings.SplitN(w.Properties.Query, "|", 2)[1]
		}
	}
	if len(queries) < 8 {
		t.Fatalf("found the queries %v", slices.Collect(maps.Keys(queries)))
	}
	literal := regexp.MustCompile(`'[^']*'|/(\\.|[^/])*/`)
	word := regexp.MustCompile(`[@A-Za-z_][A-Za-z0-9_]*`)
	named := regexp.MustCompile(`\?<(\w+)>`)
	of := regexp.MustCompile(`\bas (\w+)`)
	for name, q := range queries {
		known := append(slices.Clone(fields), "filter", "stats", "sort", "fields", "limit", "parse", "like", "in", "and", "asc", "desc", "as", "by",
			"sum", "count", "max", "pct", "bin", "latest", "ispresent", "5m", "15m", "1m", "m")
		for _, m := range named.FindAllStringSubmatch(q, -1) {
			known = append(known, m[1])
		}
		for _, m := range of.FindAllStringSubmatch(q, -1) {
			known = append(known, m[1])
		}
		for _, w := range word.FindAllString(literal.ReplaceAllString(q, ""), -1) {
			if !slices.Contains(known, w) {
				t.Errorf("%s names %s, which no line has", name, w)
			}
		}
	}
}

// A function whose errors nobody sees fails in silence.
func TestTheDashboardShowsErrorsOfEveryFunction(t *testing.T) {
	shown := map[string]bool{}
	for _, w := range widgets(t) {
		for _, m := range w.Properties.Metrics {
			if len(m) > 3 && m[0] == "AWS/Lambda" && m[1] == "Errors" {
				shown[fmt.Sprint(m[3])] = true
			}
		}
	}
	for id := range ofType(t, load(t), "AWS::Serverless::Function") {
		if !shown["${"+id+"}"] {
			t.Errorf("the dashboard shows no errors of %s", id)
		}
	}
}
