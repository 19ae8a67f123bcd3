package template

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	bodystore "smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/process"
)

const (
	day       = 24 * 60 * 60
	liveQueue = "LiveQueue"
	replay    = "ReplayQueue"
	deadQueue = "DeadLetterQueue"
)

func TestTheApiHasExactlyTheContractsRoutes(t *testing.T) {
	template := load(t)
	var keys []string
	for id, route := range ofType(t, template, "AWS::ApiGatewayV2::Route") {
		keys = append(keys, texts(at(t, route, "RouteKey"))...)
		if target := texts(at(t, route, "Target")); !slices.Equal(target, []string{"!Sub integrations/${ReceiverIntegration}"}) {
			t.Errorf("%s leads to %v", id, target)
		}
	}
	slices.Sort(keys)
	want := []string{"$default", "ANY /errors/{source}", "ANY /errors/{source}/{token}", "ANY /webhooks/{source}", "ANY /webhooks/{source}/{token}", "GET /healthz"}
	if !slices.Equal(keys, want) {
		t.Errorf("routes are %q, want %q", keys, want)
	}
	integration := ofType(t, template, "AWS::ApiGatewayV2::Integration")["ReceiverIntegration"]
	if version := at(t, integration, "PayloadFormatVersion"); version != "2.0" {
		t.Errorf("payload format is %v", version)
	}
}

func TestAccessLogsNeverHoldThePath(t *testing.T) {
	stages := ofType(t, load(t), "AWS::ApiGatewayV2::Stage")
	format := strings.Join(texts(at(t, stages["HttpStage"], "AccessLogSettings", "Format")), "")
	var line map[string]string
	if err := json.Unmarshal([]byte(format), &line); err != nil {
		t.Fatalf("a line of the access log is not JSON: %v", err)
	}
	for _, bad := range []string{"$context.path", "$context.authorizer", "$request", "queryString", "$context.customDomain"} {
		if strings.Contains(strings.ToLower(format), strings.ToLower(bad)) {
			t.Errorf("the access log has %s, which may hold a token", bad)
		}
	}
	if line["route"] != "$context.routeKey" {
		t.Errorf("the access log has no route: %v", line)
	}
}

// The operator's tool keeps and sweeps like the functions: it reads their times
// from the outputs, and knows their defaults.
func TestTheOutputsSayTheFunctionsTimes(t *testing.T) {
	template := load(t)
	worker := ofType(t, template, "AWS::Serverless::Function")["WorkerFunction"]
	for output, variable := range map[string]string{"RetentionDays": "RETENTION_DAYS", "SweepGrace": "SWEEP_GRACE"} {
		said := ref(at(t, template, "Outputs", output, "Value"))
		if used := ref(at(t, worker, "Environment", "Variables", variable)); said != used || said == "" {
			t.Errorf("the output %s is %q, and the worker has %q", output, said, used)
		}
	}
	if days := number(t, template, "Parameters", "RetentionDays", "Default"); days != config.DefaultRetentionDays {
		t.Errorf("events are kept %d days, and the code's default is %d", days, config.DefaultRetentionDays)
	}
	grace, err := time.ParseDuration(fmt.Sprint(at(t, template, "Parameters", "SweepGrace", "Default")))
	if err != nil || grace != config.DefaultGrace {
		t.Errorf("the sweeper's grace is %s (%v), and the code's default is %s", grace, err, config.DefaultGrace)
	}
}

func TestTimesKeepTheirOrder(t *testing.T) {
	template := load(t)
	queues := ofType(t, template, "AWS::SQS::Queue")
	functions := ofType(t, template, "AWS::Serverless::Function")
	dead := number(t, queues[deadQueue], "MessageRetentionPeriod")
	if kept := time.Duration(dead) * time.Second; kept != config.DLQRetention {
		t.Errorf("dead letters are kept %s, and the code says %s", kept, config.DLQRetention)
	}
	if least := number(t, template, "Parameters", "RetentionDays", "MinValue"); least*day <= dead {
		t.Errorf("an event may be kept %d days only, not longer than its dead letter", least)
	}
	worker := number(t, functions["WorkerFunction"], "Timeout")
	budget := number(t, template, "Parameters", "MaxAttempts", "MaxValue") + process.MaxPostponed
	for _, id := range []string{liveQueue, replay} {
		q := queues[id]
		if kept := number(t, q, "MessageRetentionPeriod"); kept > dead {
			t.Errorf("%s keeps messages %d s, longer than dead letters: one that SQS moves takes its age along", id, kept)
		} else if kept < 14*day {
			t.Errorf("%s keeps messages %d s, less than SQS can: they may be the only copy", id, kept)
		}
		if visibility := number(t, q, "VisibilityTimeout"); visibility < 6*worker {
			t.Errorf("%s: visibility timeout %d s is less than 6 × the worker's %d s", id, visibility, worker)
		}
		if n := number(t, q, "RedrivePolicy", "maxReceiveCount"); n < 2*budget {
			t.Errorf("%s: maxReceiveCount %d is not far above %d attempts", id, n, budget)
		}
		if target := ref(at(t, q, "RedrivePolicy", "deadLetterTargetArn")); target != deadQueue {
			t.Errorf("%s has the dead letter queue %q", id, target)
		}
	}
	answer := number(t, ofType(t, template, "AWS::ApiGatewayV2::Integration")["ReceiverIntegration"], "TimeoutInMillis")
	if receiver := number(t, functions["ReceiverFunction"], "Timeout"); answer < receiver*1000 {
		t.Errorf("the gateway gives up after %d ms, before the receiver's %d s", answer, receiver)
	}
	if timeout := number(t, functions["SweeperFunction"], "Timeout"); timeout >= 60 {
		t.Errorf("the sweeper runs %d s, into its next minute", timeout)
	}
	// A run of the redrive function holds its job; the others of those minutes leave
	// at once. It must be long against the minute that may pass before the next one.
	if timeout := number(t, functions["RedriveFunction"], "Timeout"); timeout < 240 {
		t.Errorf("the redrive function runs %d s, and may idle as long until its next run", timeout)
	}
}

func TestQueuesFeedTheWorkerMessageByMessage(t *testing.T) {
	template := load(t)
	fed := map[string]bool{}
	for id, source := range ofType(t, template, "AWS::Lambda::EventSourceMapping") {
		fed[ref(at(t, source, "EventSourceArn"))] = true
		if got := texts(at(t, source, "FunctionResponseTypes")); !slices.Equal(got, []string{"ReportBatchItemFailures"}) {
			t.Errorf("%s answers %v: one bad message would repeat its whole batch", id, got)
		}
		at(t, source, "ScalingConfig", "MaximumConcurrency")
		if ref(at(t, source, "FunctionName")) != "WorkerFunction" {
			t.Errorf("%s feeds another function", id)
		}
	}
	if !fed[liveQueue] || !fed[replay] || len(fed) != 2 {
		t.Errorf("the worker is fed by %v", fed)
	}
	for id, f := range ofType(t, template, "AWS::Serverless::Function") {
		reserved, given := f["ReservedConcurrentExecutions"]
		if id == "ReceiverFunction" {
			if !reflect.DeepEqual(reserved, object{"!If": []any{"HasReceiverConcurrency", object{"!Ref": "ReceiverConcurrency"}, object{"!Ref": "AWS::NoValue"}}}) ||
				at(t, template, "Parameters", "ReceiverConcurrency", "Default") != "0" {
				t.Errorf("the receiver reserves %v, not what an operator asks for", reserved)
			}
		} else if given {
			t.Errorf("%s has reserved concurrency, which throttles good messages into the dead letter queue", id)
		}
	}
}

// Lambda stops the 17th invocation of a chain that leads through queues. What a queue feeds
// must not be stopped, and nothing else need be allowed; that it sends to no queue that
// feeds it, which would be a loop, TestEachRoleMayDoExactlyItsOwn holds.
func TestOnlyWhatAQueueFeedsMayBePartOfALongChain(t *testing.T) {
	template := load(t)
	fed := map[string]bool{}
	for _, source := range ofType(t, template, "AWS::Lambda::EventSourceMapping") {
		fed[ref(at(t, source, "FunctionName"))] = true
	}
	if len(fed) == 0 {
		t.Fatal("no queue feeds a function")
	}
	for id, f := range ofType(t, template, "AWS::Serverless::Function") {
		if allowed := f["RecursiveLoop"] == "Allow"; allowed != fed[id] {
			t.Errorf("%s: RecursiveLoop is %v, fed by a queue: %v", id, f["RecursiveLoop"], fed[id])
		}
	}
	if globally, given := at(t, template, "Globals", "Function").(object)["RecursiveLoop"]; given {
		t.Errorf("every function has RecursiveLoop %v", globally)
	}
}

func TestTheLedgerOutlivesMistakes(t *testing.T) {
	template := load(t)
	table := ofType(t, template, "AWS::DynamoDB::Table")["Table"]
	if at(t, table, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true {
		t.Error("no point-in-time recovery")
	}
	if at(t, table, "TimeToLiveSpecification", "AttributeName") != "expires_at" {
		t.Error("no TTL on expires_at")
	}
	if at(t, template, "Parameters", "DeletionProtection", "Default") != "true" {
		t.Error("deletion protection is off by default")
	}
	for id, onDelete := range map[string]string{"Table": "Retain", "BodyBucket": "RetainExceptOnCreate"} {
		for policy, want := range map[string]string{"DeletionPolicy": onDelete, "UpdateReplacePolicy": "Retain"} {
			if got := at(t, template, "Resources", id, policy); got != want {
				t.Errorf("%s: %s is %v, want %s", id, policy, got, want)
			}
		}
	}
}

// A body that the code marks is deleted by the bucket; any other stays.
func TestTheBucketDeletesWhatIsMarked(t *testing.T) {
	bucket := ofType(t, load(t), "AWS::S3::Bucket")["BodyBucket"]
	rules, ok := at(t, bucket, "LifecycleConfiguration", "Rules").([]any)
	if !ok {
		t.Fatal("the bucket has no list of rules")
	}
	var tags [][]any
	for _, rule := range rules {
		if _, expires := rule.(object)["ExpirationInDays"]; expires {
			filter, _ := at(t, rule, "TagFilters").([]any)
			tags = append(tags, filter)
		}
	}
	want := [][]any{{object{"Key": bodystore.ExpireTagKey, "Value": bodystore.ExpireTagValue}}}
	for i, days := range bodystore.Classes() {
		want = append(want, []any{object{"Key": bodystore.ExpireTagKey, "Value": strconv.Itoa(days)}})
		if got := at(t, rules[i+1], "ExpirationInDays"); fmt.Sprint(got) != strconv.Itoa(days) {
			t.Errorf("a body marked %d is deleted after %v days", days, got)
		}
	}
	if !reflect.DeepEqual(tags, want) {
		t.Errorf("bodies with the tags %v are deleted, want %v", tags, want)
	}
}

func TestTheDeadLetterAlarmTellsTheWholeWayBack(t *testing.T) {
	alarm := ofType(t, load(t), "AWS::CloudWatch::Alarm")["DlqNotEmptyAlarm"]
	text := strings.Join(texts(at(t, alarm, "AlarmDescription")), "")
	for _, part := range []string{
		"custom destination", "${AWS::StackName}-live", "aws sqs start-message-move-task",
		"--source-arn ${DeadLetterQueue.Arn}", "--destination-arn ${LiveQueue.Arn}",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the alarm does not say %q", part)
		}
	}
	// CloudWatch takes 1,024 characters, and names and ARNs grow when filled in.
	if len(text) > 800 {
		t.Errorf("the text has %d characters before names are filled in", len(text))
	}
}

// A new account may run ten functions at once. Workers must leave some to the receiver,
// whose throttled requests are lost to Smartlead, and to both schedules.
func TestWorkersLeaveANewAccountSomethingForTheReceiver(t *testing.T) {
	const account, schedules, receivers = 10, 2, 3
	template := load(t)
	workers := 0
	for _, parameter := range []string{"LiveConcurrency", "ReplayConcurrency"} {
		choice := fmt.Sprint(at(t, template, "Parameters", parameter, "Default"))
		workers += number(t, template, "Mappings", "Concurrency", choice, "Workers")
		for _, allowed := range texts(at(t, template, "Parameters", parameter, "AllowedValues")) {
			number(t, template, "Mappings", "Concurrency", allowed, "Workers")
		}
	}
	if left := account - schedules - workers; left < receivers {
		t.Errorf("%d workers leave %d of %d to the receiver, want %d", workers, left, account, receivers)
	}
}

// Go has to know of the memory that it may use: it would let garbage lie until Lambda
// ends the function.
func TestEveryFunctionKnowsItsMemory(t *testing.T) {
	template := load(t)
	for id, f := range ofType(t, template, "AWS::Serverless::Function") {
		memory := number(t, f, "MemorySize")
		var limit int
		if _, err := fmt.Sscanf(fmt.Sprint(at(t, f, "Environment", "Variables", "GOMEMLIMIT")), "%dMiB", &limit); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if limit > memory*9/10 || limit < memory*3/4 {
			t.Errorf("%s has %d MB, and Go is told of %d MiB", id, memory, limit)
		}
	}
	// Ten bodies of 4.3 MB in a batch take 175 MiB (docs/PERFORMANCE.md).
	if memory := number(t, ofType(t, template, "AWS::Serverless::Function")["WorkerFunction"], "MemorySize"); memory < 256 {
		t.Errorf("the worker has %d MB, too little for a batch of large bodies", memory)
	}
}

// Traces are an operator's choice, and so is the right to send them.
func TestTracingIsAChoice(t *testing.T) {
	template := load(t)
	if at(t, template, "Parameters", "Tracing", "Default") != "PassThrough" || ref(at(t, template, "Globals", "Function", "Tracing")) != "Tracing" {
		t.Error("functions are traced unasked, or not where it is asked for")
	}
	policy := ofType(t, template, "AWS::IAM::Policy")["TracingPolicy"]
	if at(t, template, "Resources", "TracingPolicy", "Condition") != "HasTracing" {
		t.Error("the right to send traces is given unasked")
	}
	statements, _ := at(t, policy, "PolicyDocument", "Statement").([]any)
	if len(statements) != 1 || !slices.Equal(texts(at(t, statements[0], "Action")), []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}) {
		t.Errorf("tracing allows %v", statements)
	}
}
