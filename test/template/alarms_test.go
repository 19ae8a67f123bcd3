package template

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"smartlead-receiver/pkg/lambdaio"
)

// An alarm on a metric that nobody counts is silent for ever.
func TestAlarmsWatchWhatIsCounted(t *testing.T) {
	template := load(t)
	filtered := map[string]bool{} // what is counted from a log
	for _, f := range ofType(t, template, "AWS::Logs::MetricFilter") {
		for _, m := range at(t, f, "MetricTransformations").([]any) {
			filtered[fmt.Sprint(at(t, m, "MetricName"))] = ref(at(t, m, "MetricNamespace")) == "AWS::StackName"
		}
	}
	own := 0
	for id, alarm := range ofType(t, template, "AWS::CloudWatch::Alarm") {
		if _, computed := alarm["Metrics"]; computed {
			continue // TestAThrottledTableIsNotThrottledForEver
		}
		namespace, name := at(t, alarm, "Namespace"), fmt.Sprint(at(t, alarm, "MetricName"))
		if text, ok := namespace.(string); ok && strings.HasPrefix(text, "AWS/") {
			continue
		}
		own++
		// The functions count under the name of the stack, which they have from STACK_NAME.
		if ref(namespace) != "AWS::StackName" {
			t.Errorf("%s watches the namespace %v", id, namespace)
		}
		dimensions, _ := alarm["Dimensions"].([]any)
		if len(dimensions) == 0 && filtered[name] {
			continue
		}
		if len(dimensions) != 1 {
			t.Errorf("%s has %d dimensions, and every metric of a function has one", id, len(dimensions))
			continue
		}
		dimension, value := fmt.Sprint(at(t, dimensions[0], "Name")), fmt.Sprint(at(t, dimensions[0], "Value"))
		if !slices.ContainsFunc(lambdaio.Metrics(), func(m lambdaio.Metric) bool {
			return m.Name == name && m.Dimension == dimension && slices.Contains(m.Values, value)
		}) {
			t.Errorf("%s watches %s by %s=%s, which no function counts", id, name, dimension, value)
		}
	}
	if own == 0 {
		t.Error("no alarm watches what the functions count")
	}
	if name := ref(at(t, template, "Globals", "Function", "Environment", "Variables", "STACK_NAME")); name != "AWS::StackName" {
		t.Errorf("the functions are told the stack's name %q", name)
	}
}

// Lambda drops what is below ApplicationLogLevel, and with it the metrics of a
// quieter log. It must not write its own lines of each invocation.
func TestTheFunctionsAloneChooseWhatIsLogged(t *testing.T) {
	for id, f := range ofType(t, load(t), "AWS::Serverless::Function") {
		for setting, want := range map[string]string{"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "SystemLogLevel": "WARN"} {
			if got := at(t, f, "LoggingConfig", setting); got != want {
				t.Errorf("%s of %s is %v, want %s", setting, id, got, want)
			}
		}
	}
}

// Who is woken by an alarm looks for its name in the runbook.
func TestEveryAlarmHasItsSectionInTheRunbook(t *testing.T) {
	text, err := os.ReadFile("../../docs/RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	alarms := slices.Sorted(maps.Keys(ofType(t, load(t), "AWS::CloudWatch::Alarm")))
	for id, alarm := range ofType(t, load(t), "AWS::CloudWatch::Alarm") {
		text := at(t, alarm, "AlarmDescription")
		if sub, ok := text.(object); ok {
			text = sub["!Sub"]
		}
		if !strings.HasSuffix(fmt.Sprint(text), "(docs/RUNBOOK.md, "+id+")") {
			t.Errorf("the text of %s does not name its section of the runbook: %v", id, text)
		}
	}
	var sections []string
	for line := range strings.Lines(string(text)) {
		if heading, found := strings.CutPrefix(line, "## "); found {
			sections = append(sections, regexp.MustCompile(`\w+Alarm\b`).FindAllString(heading, -1)...)
		}
	}
	slices.Sort(sections)
	if len(alarms) == 0 || !slices.Equal(alarms, sections) {
		t.Errorf("the template has the alarms\n%v\nand the runbook sections for\n%v", alarms, sections)
	}
}

// The redrive function hides the dead letters that it looks at: they count all the same,
// and the alarms do not come and go with its runs.
func TestTheDeadLetterAlarmsCountWhatIsInFlight(t *testing.T) {
	alarms := ofType(t, load(t), "AWS::CloudWatch::Alarm")
	for id, name := range map[string]string{
		"DlqNotEmptyAlarm": "ApproximateNumberOfMessagesVisible", "DlqInFlightAlarm": "ApproximateNumberOfMessagesNotVisible",
	} {
		alarm := alarms[id]
		if got := at(t, alarm, "MetricName"); got != name {
			t.Errorf("%s watches %v, want %s", id, got, name)
		}
		dimensions, _ := at(t, alarm, "Dimensions").([]any)
		if len(dimensions) != 1 || ref(at(t, dimensions[0], "Value")) != deadQueue {
			t.Errorf("%s is of another queue: %v", id, dimensions)
		}
		if number(t, alarm, "DatapointsToAlarm") != 1 || number(t, alarm, "EvaluationPeriods") < 3 || number(t, alarm, "Threshold") != 0 {
			t.Errorf("%s ends while dead letters are hidden", id)
		}
	}
}

// Lambda has no number for a function that does not run. To take that for an alarm would
// wake somebody at the first deployment, when there is none yet.
func TestASilentSweeperIsToldByItsMissingNumbers(t *testing.T) {
	alarm := ofType(t, load(t), "AWS::CloudWatch::Alarm")["SweeperSilentAlarm"]
	if got := at(t, alarm, "TreatMissingData"); got != "missing" {
		t.Errorf("missing runs are %v, which a new stack begins with", got)
	}
	for _, actions := range []string{"InsufficientDataActions", "AlarmActions", "OKActions"} {
		list, _ := at(t, alarm, actions).([]any)
		if len(list) != 1 || ref(list[0]) != "AlarmTopic" {
			t.Errorf("%s are %v", actions, list)
		}
	}
	if minutes := number(t, alarm, "EvaluationPeriods") * number(t, alarm, "Period") / 60; minutes < 5 || minutes > 15 {
		t.Errorf("it is silent for %d minutes before anybody knows", minutes)
	}
}

// DynamoDB has no number while it throttles nothing, and CloudWatch ignores missing
// numbers of it: a plain alarm stays raised.
func TestAThrottledTableIsNotThrottledForEver(t *testing.T) {
	computed := 0
	for id, alarm := range ofType(t, load(t), "AWS::CloudWatch::Alarm") {
		metrics, _ := alarm["Metrics"].([]any)
		if len(metrics) == 0 {
			if at(t, alarm, "Namespace") == "AWS/DynamoDB" {
				t.Errorf("%s watches DynamoDB without zeros for what is missing", id)
			}
			continue
		}
		computed++
		if len(metrics) != 2 {
			t.Fatalf("%s has %d metrics", id, len(metrics))
		}
		source, filled := metrics[0], metrics[1]
		metric := at(t, source, "MetricStat", "Metric")
		dimensions, _ := at(t, metric, "Dimensions").([]any)
		if at(t, metric, "Namespace") != "AWS/DynamoDB" || at(t, metric, "MetricName") != "WriteThrottleEvents" ||
			len(dimensions) != 1 || ref(at(t, dimensions[0], "Value")) != "Table" || at(t, source, "ReturnData") != false {
			t.Errorf("%s computes with %v", id, source)
		}
		if want := fmt.Sprintf("FILL(%v, 0)", at(t, source, "Id")); at(t, filled, "Expression") != want {
			t.Errorf("%s computes %v, want %s", id, filled, want)
		}
	}
	if computed != 1 {
		t.Errorf("%d alarms compute", computed)
	}
}
