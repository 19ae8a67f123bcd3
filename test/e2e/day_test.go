//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"smartlead-receiver/pkg/webhook"
)

var update = flag.Bool("update", false, "write docs/FIRST-DAY.md")

// TestTheFirstDay goes the way of docs/FIRST-DAY.md on the fresh stack, and holds the
// page to what it saw: every line of it, with numbers, ids and widths left out. Its
// file's name makes it the first scenario that sends an event.
func TestTheFirstDay(t *testing.T) {
	d := &day{t: t}
	d.say("## Deploy", "The first `sam deploy` of an account, after `sam build`. The list of what it makes is left out.")
	d.show("sam deploy --guided", lastLine(deployed.said))

	d.say("## A sender", "The URL is shown once; it goes to Smartlead, as the steps say.")
	added := d.run(0, "sources", "add", "acme")
	path := webhookIn(t, added)

	d.say("## The first event", "The tool waits for it; press *Test Webhook* at Smartlead, or let a campaign run. Here a lead replies.")
	watched := d.watch("acme")
	d.reply(path, "nia@first-day.example")
	d.show("smartleadctl sources watch acme", watched())

	d.say("## The CRM is down", "It answers the next reply 503 until the attempts are used up. AWS counts the dead letters once a minute, the alarm is raised, and whoever confirmed the subscription gets its mail.")
	const lead = "tom@first-day.example"
	records.fail(lead, http.StatusServiceUnavailable, always)
	id := d.reply(path, lead)
	becomes(t, id, webhook.Dead, time.Minute)
	mail := d.alarm()
	d.mail(mail.Subject + "\n\n" + mail.AlarmDescription + "\n\n" + mail.NewStateReason)
	if _, err := deployed.invoke(t.Context(), "SweeperFunctionName"); err != nil { // as its schedule does, each minute
		t.Fatal(err)
	}
	d.run(1, "doctor")
	d.run(0, "dlq", "list")

	d.say("## The CRM is back", "")
	records.repair(lead)
	d.run(0, "redrive", "start", "--yes")
	eventually(t, 2*time.Minute, func() string {
		if _, err := deployed.invoke(t.Context(), "RedriveFunctionName"); err != nil {
			return err.Error()
		}
		var j job
		smartleadctl(t, &j, "redrive", "status")
		if j.State != "done" {
			return "the job is " + j.State
		}
		return ""
	})
	becomes(t, id, webhook.Delivered, time.Minute)
	d.run(0, "events", "list", "--source", "acme")
	d.compare()

	smartleadctl(t, new(any), "sources", "remove", "acme", "--yes")
}

// day is what was said and seen so far.
type day struct {
	t    *testing.T
	page strings.Builder
}

func (d *day) say(heading, text string) {
	fmt.Fprintf(&d.page, "\n%s\n", heading)
	if text != "" {
		fmt.Fprintf(&d.page, "\n%s\n", text)
	}
}

func (d *day) show(command, output string) {
	fmt.Fprintf(&d.page, "\n```\n$ %s\n%s\n```\n", command, strings.Trim(hidden.ReplaceAllString(output, "slr_…"), "\n"))
}

// mail puts a mail on the page.
func (d *day) mail(text string) { fmt.Fprintf(&d.page, "\n```\n%s\n```\n", text) }

// hidden is a token of a webhook URL: also that of a test is shown to nobody.
var hidden = regexp.MustCompile(`slr_[A-Za-z0-9_-]+`)

// command is the tool as the operator at a shell runs it, for people to read.
func (d *day) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	d.t.Helper()
	program, err := buildCommand()
	if err != nil {
		d.t.Fatal(err)
	}
	cmd := exec.CommandContext(d.t.Context(), program, append([]string{"--stack", stackName}, args...)...)
	cmd.Args[0] = "smartleadctl" // as who has it in PATH
	cmd.Env = append(awsEnvironment(deployed.tools["operator"].server.URL), "TZ=UTC", "HTTP_PROXY="+d.resolver())
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// resolver is a proxy that knows the name of the API, which no name server does: it
// leads every request to the engine, under its name. What goes to the engine's own
// address does not pass it.
func (d *day) resolver() string {
	d.t.Helper()
	engine, err := url.Parse(deployed.engine.url())
	if err != nil {
		d.t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(engine)
		r.Out.Host = r.In.Host
	}})
	d.t.Cleanup(proxy.Close)
	return proxy.URL
}

// run runs a command that ends with code, puts it on the page and returns what it printed.
func (d *day) run(code int, args ...string) string {
	d.t.Helper()
	cmd, out := d.command(args...)
	err := cmd.Run()
	if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) || cmd.ProcessState.ExitCode() != code {
		d.t.Fatalf("smartleadctl %v: %v, want exit code %d\n%s", args, err, code, out)
	}
	d.show("smartleadctl "+strings.Join(args, " "), out.String())
	return out.String()
}

// watch begins to wait for an event of a source. The function that it returns waits
// for the end of that, and returns what was printed.
func (d *day) watch(source string) func() string {
	d.t.Helper()
	cmd, _ := d.command("sources", "watch", source, "--timeout", "2m")
	said := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	eventually(d.t, time.Minute, func() string {
		if !strings.Contains(said.String(), "waiting for") {
			return "it does not wait: " + said.String()
		}
		return ""
	})
	return func() string {
		if err := cmd.Wait(); err != nil {
			d.t.Fatalf("sources watch: %v\n%s", err, said.String())
		}
		return said.String()
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// reply posts a lead's reply to a webhook, as Smartlead does.
func (d *day) reply(path, lead string) webhook.EventID {
	d.t.Helper()
	status, text := ask(d.t, http.MethodPost, path, reply(lead))
	var a answer
	if err := json.Unmarshal(text, &a); err != nil || status != http.StatusOK {
		d.t.Fatalf("answered %d: %s", status, text)
	}
	return a.Results[0].EventID
}

// alarm raises DlqNotEmptyAlarm as AWS does: SQS counts the letters, and CloudWatch,
// which gets the number, compares it. The emulator's SQS tells its CloudWatch nothing,
// so that this brings the number there. It returns the notice that the topic sent.
func (d *day) alarm() (notice alarmNotice) {
	d.t.Helper()
	ctx, shared := d.t.Context(), sharedConfig(deployed.engine.url())
	inbox, err := deployed.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("mailbox")})
	if err != nil {
		d.t.Fatal(err)
	}
	topic := sns.NewFromConfig(shared)
	subscribed, err := topic.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: aws.String(deployed.outputs["AlarmTopicArn"]), Protocol: aws.String("sqs"),
		Endpoint: aws.String("arn:aws:sqs:" + region + ":" + account + ":mailbox"), ReturnSubscriptionArn: true,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if _, err := topic.Unsubscribe(context.Background(), &sns.UnsubscribeInput{SubscriptionArn: subscribed.SubscriptionArn}); err != nil {
			d.t.Error(err)
		}
	})
	eventually(d.t, time.Minute, func() string {
		d.count(cloudwatch.NewFromConfig(shared))
		out, err := deployed.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: inbox.QueueUrl, WaitTimeSeconds: 1})
		if err != nil || len(out.Messages) == 0 {
			return fmt.Sprintf("no mail: %v", err)
		}
		var envelope struct{ Subject, Message string }
		if err := json.Unmarshal([]byte(*out.Messages[0].Body), &envelope); err != nil {
			d.t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(envelope.Message), &notice); err != nil {
			d.t.Fatal(err)
		}
		notice.Subject = envelope.Subject
		return ""
	})
	return notice
}

type alarmNotice struct{ Subject, AlarmDescription, NewStateReason string }

// count tells CloudWatch how many dead letters there are, and has it look.
func (d *day) count(metrics *cloudwatch.Client) {
	d.t.Helper()
	ctx, visible := d.t.Context(), sqstypes.QueueAttributeNameApproximateNumberOfMessages
	queue, err := deployed.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(deployed.outputs["DlqUrl"]), AttributeNames: []sqstypes.QueueAttributeName{visible},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	letters, err := strconv.ParseFloat(queue.Attributes[string(visible)], 64)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("AWS/SQS"),
		MetricData: []cwtypes.MetricDatum{{
			MetricName: aws.String("ApproximateNumberOfMessagesVisible"), Value: &letters, Timestamp: aws.Time(time.Now()),
			Dimensions: []cwtypes.Dimension{{Name: aws.String("QueueName"), Value: aws.String(stackName + "-dlq")}},
		}},
	}); err != nil {
		d.t.Fatal(err)
	}
	if _, err := metrics.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{}); err != nil {
		d.t.Fatal(err)
	}
}

// compare holds the page to what was seen, or writes it anew.
func (d *day) compare() {
	d.t.Helper()
	const name = "docs/FIRST-DAY.md"
	page := firstDay + d.page.String()
	if *update {
		if err := os.WriteFile(root(name), []byte(page), 0o644); err != nil {
			d.t.Fatal(err)
		}
		return
	}
	committed, err := os.ReadFile(root(name))
	if err != nil {
		d.t.Fatal(err)
	}
	want, got := plain(string(committed)), plain(page)
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			d.t.Fatalf("%s is not what is seen now, from line %d on (make first-day writes it anew):\n%s",
				name, i+1, strings.Join(got[i:min(i+12, len(got))], "\n"))
		}
	}
}

const firstDay = `# The first day

What an engineer sees who deploys the stack, adds a sender, and has the first bad day with it. A test records this page: it deploys template.yaml into an emulator of AWS and runs the commands (` + "`make test/e2e`" + ` holds every line to what is seen, but for numbers, ids and widths). [INSTALL.md](INSTALL.md) says how to do it.
`

// varies is what differs from day to day: spans of time, ids and everything with a
// digit, and how wide a column is.
var varies = regexp.MustCompile(`[0-9.]+ (ms|s|min)\b|[A-Za-z0-9:/._-]*[0-9][A-Za-z0-9:/._-]*|[\s-]+`)

// plain is a page without what varies, by lines. What is in the dead letter queue is left
// out: the redrive function, which runs each minute, hides a letter while it looks at it.
func plain(page string) (lines []string) {
	for line := range strings.Lines(page) {
		if strings.Contains(line, "looked at") || strings.Contains(line, "ead letter") {
			continue
		}
		lines = append(lines, strings.TrimSpace(varies.ReplaceAllStringFunc(line, func(found string) string {
			if strings.ContainsAny(found, "0123456789") {
				return "#"
			}
			return " "
		})))
	}
	return lines
}

// lastLine is what sam deploy says at the end.
func lastLine(said string) string {
	said = strings.TrimSpace(said)
	return "…\n" + said[strings.LastIndexByte(said, '\n')+1:]
}

// webhookIn finds the path of the URL that sources add prints.
func webhookIn(t *testing.T, added string) string {
	t.Helper()
	path := regexp.MustCompile(`/webhooks/[a-z0-9-]+/slr_[A-Za-z0-9_-]+`).FindString(added)
	if path == "" {
		t.Fatalf("no webhook URL in\n%s", added)
	}
	return path
}
