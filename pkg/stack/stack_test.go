package stack

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"smartlead-receiver/pkg/stack/deployment"
	"smartlead-receiver/pkg/stack/place"
)

// cloud is CloudFormation with one stack, or what it answers instead.
type cloud struct {
	outputs map[string]string
	err     error
}

func (c cloud) DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	if c.err != nil {
		return nil, c.err
	}
	var s types.Stack
	for key, value := range c.outputs {
		s.Outputs = append(s.Outputs, types.Output{OutputKey: aws.String(key), OutputValue: aws.String(value)})
	}
	return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{s}}, nil
}

func outputs(change map[string]string) map[string]string {
	all := map[string]string{
		"ApiUrl": "https://api.example.com/", "TableName": "table", "LiveQueueUrl": "live", "ReplayQueueUrl": "replay", "DlqUrl": "dlq",
		"LiveQueueArn": "arn:live", "DlqArn": "arn:dlq", "BodyBucket": "bucket", "ParameterPrefix": "/prefix",
		"RetentionDays": "30", "SweepGrace": "5s",
	}
	for key, value := range change {
		all[key] = value
	}
	return all
}

func TestOutputsLeadToTheParts(t *testing.T) {
	more := map[string]string{"WorkerFunctionName": "w", "ReceiverFunctionName": "r", "AlarmTopicArn": "arn:topic"}
	got, names, err := readOutputs(t.Context(), cloud{outputs: outputs(more)}, "mine")
	want := Place{
		APIURL: "https://api.example.com", TableName: "table", LiveQueueURL: "live", ReplayQueueURL: "replay", DLQURL: "dlq",
		LiveQueueARN: "arn:live", DLQARN: "arn:dlq", Bucket: "bucket", ParameterPrefix: "/prefix", RetentionDays: 30, SweepGrace: "5s",
	}
	if err != nil || got != want {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	if want := (deployment.Names{Stack: "mine", Worker: "w", LiveARN: "arn:live", AlarmTopic: "arn:topic", Functions: []string{"r", "w"}}); !reflect.DeepEqual(names, want) {
		t.Errorf("got %+v, want %+v", names, want)
	}
	if url, want := got.HookURL("acme", "a/b"), "https://api.example.com/webhooks/acme/a%2Fb"; url != want {
		t.Errorf("the hook is %s, want %s", url, want)
	}
	if _, _, err := readOutputs(t.Context(), cloud{outputs: outputs(map[string]string{"RetentionDays": "", "SweepGrace": ""})}, "mine"); err != nil {
		t.Errorf("a stack that does not say its times: %v", err)
	}
}

func TestOutputsThatLeadNowhere(t *testing.T) {
	denied := errors.New("AccessDenied")
	for name, c := range map[string]struct {
		api    cloud
		reason Reason
		text   string
	}{
		"no such stack":    {cloud{err: errors.New("Stack with id mine does not exist")}, NoStack, "there is no stack mine"},
		"no rights":        {cloud{err: denied}, NoOutputs, "the outputs of stack mine cannot be read: AccessDenied"},
		"another stack":    {cloud{outputs: outputs(map[string]string{"DlqUrl": "", "TableName": ""})}, MissingOutputs, "no output TableName, DlqUrl"},
		"no outputs (yet)": {cloud{}, MissingOutputs, "its deployment has not ended"},
	} {
		_, _, err := readOutputs(t.Context(), c.api, "mine")
		var e *Error
		if !errors.As(err, &e) || e.Reason != c.reason || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want the reason %d and %q", name, err, c.reason, c.text)
		}
		if c.reason == NoOutputs && !errors.Is(err, denied) {
			t.Errorf("%s: the cause is lost: %v", name, err)
		}
	}
	_, _, err := readOutputs(t.Context(), cloud{outputs: outputs(map[string]string{"RetentionDays": "many"})}, "mine")
	if err == nil || !strings.Contains(err.Error(), "RetentionDays") {
		t.Errorf("a retention that is no number: %v", err)
	}
}

// write puts a File into a new state directory.
func write(t *testing.T, content string) (stateDir string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, place.File), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestConnectLocal(t *testing.T) {
	want := Place{
		WebhookURL: "http://127.0.0.1:8080/webhooks/demo/slr_token", DynamoDBEndpoint: "http://127.0.0.1:1", SQSEndpoint: "http://127.0.0.1:1",
		TableName: "table", Bucket: "bucket", ParameterPrefix: "/prefix", PID: 7,
	}
	content, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ConnectLocal(write(t, string(content)), Env{})
	if err != nil {
		t.Fatal(err)
	}
	want.APIURL, want.Demo, want.Token = "http://127.0.0.1:8080", "demo", "slr_token"
	want.Retention, want.Grace, want.Every = 90*24*time.Hour, 2*time.Minute, time.Hour
	if s.Place != want {
		t.Errorf("got %+v, want %+v", s.Place, want)
	}
	if s.Ledger == nil || s.Queues == nil || s.Sources == nil || s.Destinations == nil || s.Bodies == nil || s.Redrive == nil || s.DeadLetters.Queue == nil || s.Operator == nil {
		t.Errorf("a part is missing: %+v", s)
	}
	if got := s.HookURL(s.Demo, s.Token); got != want.WebhookURL {
		t.Errorf("the hook is %s, want %s", got, want.WebhookURL)
	}
}

func TestLocalStacksThatCannotBeReached(t *testing.T) {
	hook := `"webhook_url":"http://127.0.0.1:1/webhooks/demo/t"`
	for name, c := range map[string]struct {
		dir    string
		reason Reason
	}{
		"not running":       {t.TempDir(), NotRunning},
		"no JSON":           {write(t, "{"), BadFile},
		"of another form":   {write(t, `{"retention_days":"many"}`), BadFile},
		"without an URL":    {write(t, `{}`), NoWebhookURL},
		"with a broken URL": {write(t, `{"webhook_url":"127.0.0.1"}`), NoWebhookURL},
	} {
		_, err := ConnectLocal(c.dir, Env{})
		var e *Error
		if !errors.As(err, &e) || e.Reason != c.reason || e.Name != filepath.Join(c.dir, place.File) || !strings.Contains(err.Error(), e.Name) {
			t.Errorf("%s: %v, want the reason %d and the file", name, err, c.reason)
		}
	}
	for _, text := range []string{`"sweep_grace":"soon"`, `"sweep_grace":"-1s"`, `"retention_days":-1`, `"parameter_prefix":"none"`} {
		_, err := ConnectLocal(write(t, "{"+hook+","+text+"}"), Env{})
		var e *Error
		if err == nil || errors.As(err, &e) {
			t.Errorf("%s: %v, want what is wrong with the stack", text, err)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, place.File), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ConnectLocal(dir, Env{}); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory instead of the file: %v", err)
	}
}

func TestTimesOfAStack(t *testing.T) {
	for _, c := range []struct {
		days      int
		grace     string
		retention time.Duration
		want      time.Duration
	}{{0, "", 90 * 24 * time.Hour, 2 * time.Minute}, {400, "7s", 400 * 24 * time.Hour, 7 * time.Second}} {
		p := Place{RetentionDays: c.days, SweepGrace: c.grace}
		if err := readTimes(&p); err != nil || p.Retention != c.retention || p.Grace != c.want {
			t.Errorf("%d days, %q: %s, %s (%v), want %s, %s", c.days, c.grace, p.Retention, p.Grace, err, c.retention, c.want)
		}
	}
}

func TestEveryReasonHasItsWords(t *testing.T) {
	var said []string
	for r := NotRunning; r <= MissingOutputs; r++ {
		text := (&Error{Reason: r, Name: "NAME", Outputs: []string{"X"}}).Error()
		if slices.Contains(said, text) || text == (&Error{Reason: -1}).Error() {
			t.Errorf("reason %d: %q", r, text)
		}
		said = append(said, text)
	}
}
