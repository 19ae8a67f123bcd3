//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/webhook"
)

// policy reads a file of deploy/, names filled in as docs/INSTALL.md says.
func (s *stack) policy(who string) (rights, error) {
	text, err := os.ReadFile(root("deploy", who+"-policy.json"))
	if err != nil {
		return rights{}, err
	}
	filled := strings.NewReplacer("REGION", region, "ACCOUNT", account, "STACK", stackName,
		"TABLE", s.outputs["TableName"], "BUCKET", s.outputs["BodyBucket"]).Replace(string(text))
	var r rights
	if err := json.Unmarshal([]byte(filled), &r); err != nil {
		return rights{}, fmt.Errorf("%s: %w", who, err)
	}
	return r, nil
}

// checkPolicies returns an error for every call of the operator's tool, in whichever
// test, that the policy of who ran it does not allow.
func (s *stack) checkPolicies() error {
	var problems []error
	for who, w := range s.tools {
		r, err := s.policy(who)
		if err != nil {
			return err
		}
		for _, called := range w.calls() {
			if !r.allow(called) {
				problems = append(problems, fmt.Errorf("deploy/%s-policy.json does not allow %s", who, called))
			}
		}
	}
	return errors.Join(problems...)
}

// as runs the operator's tool with somebody's rights, and returns what it printed.
// The doctor may find something.
func as(t *testing.T, who, input string, args ...string) string {
	t.Helper()
	program, err := buildCommand()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{"--stack", stackName, "--json"}, args...)...)
	cmd.Env = append(awsEnvironment(deployed.tools[who].server.URL), "SMARTLEAD_API_KEY="+os.Getenv("SMARTLEAD_API_KEY"))
	cmd.Stdin = strings.NewReader(input)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	finds := []string{"doctor", "reconcile", "hooks"} // which may find something
	if failed := new(exec.ExitError); err != nil && (!slices.Contains(finds, args[0]) || !errors.As(err, &failed) || failed.ExitCode() != 1 || strings.Contains(messages.String(), "lack rights")) {
		t.Fatalf("smartleadctl %v: %v\n%s%s", args, err, out, messages.String())
	}
	return string(out)
}

// neverSeen are rights without a call of their own. S3 answers 404 for what is not there
// only to who may list the bucket, and 403 to all others. A listing of parameters names
// their folder, and AWS does not say whether it asks for the right on that or on what is
// in it.
func neverSeen(right string) bool {
	return strings.HasPrefix(right, "s3:ListBucket ") || strings.HasPrefix(right, "ssm:GetParametersByPath ") && strings.HasSuffix(right, "/*")
}

// idle fails the test for every right that no command needed.
func idle(t *testing.T, who string) {
	t.Helper()
	r, err := deployed.policy(who)
	if err != nil {
		t.Fatal(err)
	}
	for _, right := range r.unused(deployed.tools[who].calls()) {
		if !neverSeen(right) {
			t.Errorf("deploy/%s-policy.json allows %s, which no command needs", who, right)
		}
	}
}

// Who may only read changes nothing, and is shown no secret.
func TestAReaderMayLookAtEverythingWithoutASecret(t *testing.T) {
	id := string(large(t, "reader@e2e.example", http.StatusServiceUnavailable, webhook.Dead))
	look(t, "reader", id)
	if said := as(t, "reader", "", "doctor"); strings.Count(said, "your credentials lack rights") != 2 {
		t.Errorf("the doctor does not say that sources and destinations cannot be read: %s", said)
	}
	browse(t, "reader", id)
	api := httptest.NewServer(fakeapi.New(fakeapi.Options{Account: simulated(), Now: time.Now}))
	defer api.Close()
	t.Setenv("SMARTLEAD_API_KEY", "a key of the API") // the stack's is a secret
	readCompleteness(t, "reader", api.URL)
	// A look at a dead letter gives it back; the redrive function looks as well.
	given := "sqs:ChangeMessageVisibility on " + arn("sqs", stackName+"-dlq")
	eventually(t, 30*time.Second, func() string {
		if as(t, "reader", "", "dlq", "list"); slices.Contains(deployed.tools["reader"].calls(), given) {
			return ""
		}
		return "no dead letter was looked at"
	})
	idle(t, "reader")
}

// look runs every command that only reads.
func look(t *testing.T, who, id string) {
	for _, args := range [][]string{
		{"events", "list"}, {"events", "list", "--state", "pending"}, {"events", "find", "@e2e.example"}, {"events", "show", id},
		{"events", "show", id, "--raw"}, {"events", "refused"}, {"events", "list", "--lead", "reader@e2e.example"},
		{"stats"}, {"dlq", "list"}, {"dlq", "list", "--events"}, {"redrive", "plan"}, {"redrive", "history"}, {"doctor"}, {"incidents", "--all"}, {"aws-links"},
	} {
		as(t, who, "", args...)
	}
}

// campaign is the simulated one.
const campaign = "4100001"

// simulated is an account of a few leads.
func simulated() *fakeapi.Account { return fakeapi.Simulate("a key of the API", time.Now(), 14) }

// readCompleteness runs every command about completeness that only reads.
func readCompleteness(t *testing.T, who, api string) {
	t.Helper()
	as(t, who, "", "hooks", "check", "--api-url", api)
	for _, args := range [][]string{{"run"}, {"run", "--deep", "--campaign", campaign}, {"repair", "--dry-run"}} {
		as(t, who, "", append(append([]string{"reconcile"}, args...), "--api-url", api)...)
	}
	as(t, who, "", "reconcile", "status")
	as(t, who, "", "reconcile", "repairs")
}

// browse opens every page of the console with somebody's rights. What is refused is said
// on the page, which is there all the same.
func browse(t *testing.T, who, id string) {
	t.Helper()
	program, err := buildCommand()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, program, "--stack", stackName, "--json", "console", "--no-open")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = awsEnvironment(deployed.tools[who].server.URL)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); _ = cmd.Wait() }()
	var entrance struct{ Link string }
	if err := json.NewDecoder(out).Decode(&entrance); err != nil {
		t.Fatalf("the console has no link: %v", err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	page := func(address string) string {
		t.Helper()
		resp, err := client.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s, %s: %d, %v\n%s", who, address, resp.StatusCode, err, body)
		}
		return string(body)
	}
	page(entrance.Link)
	base, _, _ := strings.Cut(entrance.Link, "/enter")
	for _, path := range []string{
		"/", "/events", "/events?state=dead", "/events/" + id, "/leads/reader@e2e.example", "/find?q=reader", "/dead", "/redrive?plan=1",
		"/incidents", "/destinations", "/sources", "/send",
	} {
		page(base + path)
	}
	eventually(t, time.Minute, func() string {
		if said := page(base + "/checkup"); strings.Contains(said, "looks at every part now") {
			return "the doctor looks for a minute"
		}
		return ""
	})
	if said := page(base + "/"); !strings.Contains(said, "as CloudWatch counts") || strings.Contains(said, "No counts:") {
		t.Errorf("%s is shown no counts of CloudWatch:\n%s", who, said)
	}
}

// large posts an event whose body waits in the bucket, and waits for its end.
func large(t *testing.T, lead string, answer int, end webhook.State) webhook.EventID {
	if answer != http.StatusOK {
		records.fail(lead, answer, always)
	}
	body := strings.Replace(reply(lead), `"text":"Yes"`, `"text":"`+incompressible(600_000)+`"`, 1)
	id := post(t, body).Results[0].EventID
	becomes(t, id, end, time.Minute)
	return id
}

// servicesOfAWS adds a destination of each service, whose resources are there, and removes
// it: the tool asks for what a destination names.
func servicesOfAWS(t *testing.T, operator func(input string, args ...string) string) {
	t.Helper()
	made := func(service, kind, target, path, body string) {
		t.Helper()
		if _, err := deployed.service(t.Context(), service, http.MethodPost, path, []byte(body), "Content-Type", kind, "X-Amz-Target", target); err != nil {
			t.Fatal(err)
		}
	}
	made("sqs", "application/x-amz-json-1.0", "AmazonSQS.CreateQueue", "/", `{"QueueName":"named"}`)
	made("sns", "application/x-www-form-urlencoded", "", "/", "Action=CreateTopic&Version=2010-03-31&Name=named")
	made("events", "application/x-amz-json-1.1", "AWSEvents.CreateEventBus", "/", `{"Name":"named"}`)
	made("firehose", "application/x-amz-json-1.1", "Firehose_20150804.CreateDeliveryStream", "/",
		`{"DeliveryStreamName":"named","DeliveryStreamType":"DirectPut","ExtendedS3DestinationConfiguration":{"RoleARN":"arn:aws:iam::`+account+`:role/x","BucketARN":"arn:aws:s3:::named"}}`)
	for kind, resource := range map[string]string{
		"sqs": arn("sqs", "named"), "sns": arn("sns", "named"), "eventbridge": arn("events", "event-bus/named"),
		"firehose": arn("firehose", "deliverystream/named"),
	} {
		operator("", "destinations", "add", "named-"+kind, "--kind", kind, "--arn", resource, "--type", "LEAD_UNSUBSCRIBED")
		operator("", "destinations", "remove", "named-"+kind, "--yes")
	}
}

// The policy of an operator is what the tool calls, no more and no less.
func TestAnOperatorMayDoWhatTheToolDoes(t *testing.T) {
	operator := func(input string, args ...string) string { return as(t, "operator", input, args...) }
	dead := string(large(t, "operator-policy@e2e.example", http.StatusServiceUnavailable, webhook.Dead))
	look(t, "operator", dead)
	browse(t, "operator", dead)

	operator("", "sources", "add", "policy")
	operator("", "sources", "list")
	operator("", "sources", "rotate", "policy", "--yes")
	operator("a key of Smartlead", "sources", "trust-key", "policy", "--yes")
	operator("", "sources", "untrust-key", "policy", "--all", "--yes")
	operator("", "sources", "remove", "policy", "--yes")

	operator("", "destinations", "add", "policy", "--url", records.url(), "--allow-http", "--allow-private", "--type", "LEAD_UNSUBSCRIBED")
	operator("", "destinations", "list")
	operator("", "destinations", "set", "policy", "--timeout", "5s", "--yes")
	operator("", "destinations", "rotate", "policy", "--yes")
	operator("", "destinations", "test", "policy")
	operator("", "destinations", "remove", "policy", "--yes")

	servicesOfAWS(t, operator)

	operator("https://hooks.example/services/e2e", "notices", "set", "slack")
	operator("", "notices", "list")
	operator("", "notices", "remove", "slack", "--yes")

	api := httptest.NewServer(fakeapi.New(fakeapi.Options{Account: simulated(), Now: time.Now}))
	defer api.Close()
	operator("a key of the API", "reconcile", "set-key")
	operator("", "hooks", "check", "--api-url", api.URL)
	readCompleteness(t, "operator", api.URL)
	_, host, _ := strings.Cut(deployed.outputs["ApiUrl"], "://") // of AWS it is https alone
	hook := "https://" + strings.TrimSuffix(host, "/") + deployed.webhookPath()
	operator(hook, "hooks", "install", "--api-url", api.URL, "--campaign", campaign, "--yes")
	operator("", "reconcile", "retrigger", "--api-url", api.URL, "--yes")
	as(t, "operator", "", "reconcile", "repair", "--api-url", api.URL, "--yes", "--no-wait")

	operator("", "redrive", "start", "--id", dead, "--yes")
	operator("", "redrive", "pause")
	operator("", "redrive", "cancel")
	lead := "operator-replay@e2e.example"
	id := post(t, reply(lead)).Results[0].EventID
	becomes(t, id, webhook.Delivered, 30*time.Second)
	operator("", "events", "replay", string(id), "--again", "--yes")
	eventually(t, 30*time.Second, func() string {
		if n := len(records.about(lead)); n != 2 {
			return fmt.Sprintf("%d deliveries, want 2", n)
		}
		return ""
	})
	if got := post(t, strings.Replace(reply(lead), `"text":"Yes"`, `"text":"No"`, 1)).Results[0]; got.Status != "variant" {
		t.Fatalf("another text is %+v", got)
	}
	operator("", "events", "variants", string(id))
	operator("", "events", "split", string(id), "--yes")

	last := large(t, "operator-discard@e2e.example", http.StatusServiceUnavailable, webhook.Dead)
	operator("", "events", "park", string(last), "--yes")
	operator("", "events", "unpark", string(last), "--yes")
	becomes(t, last, webhook.Dead, time.Minute)
	operator("", "events", "park", string(last), "--yes")
	operator("", "events", "discard", string(last), "--yes")
	idle(t, "operator")
}

// The watch must see what it is there to see.
func TestAMissingRightIsSeen(t *testing.T) {
	some := rights{Statement: []statement{{Effect: "Allow", Action: oneOrMany{"sqs:SendMessage"}, Resource: oneOrMany{arn("sqs", "e2e-live")}}}}
	request := func(target, form string, method, path string) []string {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		service, action, _ := strings.Cut(target, ".")
		r.Header.Set("X-Amz-Target", "X."+action)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260102/us-east-1/"+service+"/aws4_request")
		return deployed.calls(r, []byte(form))
	}
	for _, c := range []struct {
		got  []string
		want string
	}{
		{request("sqs.SendMessageBatch", `{"QueueUrl":"http://x/0/e2e-live"}`, http.MethodPost, "/"), "sqs:SendMessage on " + arn("sqs", "e2e-live")},
		{request("ssm.GetParameter", `{"Name":"/a/b"}`, http.MethodPost, "/"), "ssm:GetParameter on " + arn("ssm", "parameter/a/b")},
		{request("ssm.GetParametersByPath", `{"Path":"/a/"}`, http.MethodPost, "/"), "ssm:GetParametersByPath on " + arn("ssm", "parameter/a")},
		{request("cloudformation", "Action=DescribeStacks&StackName=e2e", http.MethodPost, "/"), "cloudformation:DescribeStacks on " + arn("cloudformation", "stack/e2e/id")},
		{request("lambda", "", http.MethodPut, "/2015-03-31/functions/f/configuration"), "lambda:PUT on /2015-03-31/functions/f/configuration"},
		{request("kms.Decrypt", "{}", http.MethodPost, "/"), "kms on ?"},
	} {
		if !slices.Equal(c.got, []string{c.want}) {
			t.Errorf("seen as %v, want %s", c.got, c.want)
		}
		if allowed := some.allow(c.want); allowed != strings.HasPrefix(c.want, "sqs:") {
			t.Errorf("%s is allowed: %v", c.want, allowed)
		}
	}
	if idle := some.unused([]string{"ssm:GetParameter on x"}); len(idle) != 1 {
		t.Errorf("unused is %v", idle)
	}
}
