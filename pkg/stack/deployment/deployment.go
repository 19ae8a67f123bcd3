// Package deployment reads what AWS knows of a deployed stack beside its data: whether
// its functions may run, whether its queues feed them, its alarms, and who is told of
// those. It changes nothing.
package deployment

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"smartlead-receiver/pkg/exchange"
)

// Names are the outputs of a stack that Deployment needs; a stack that was deployed
// by an older version has none of some.
type Names struct {
	Worker     string   // the function
	LiveARN    string   // of the queue
	AlarmTopic string   // ARN
	Comparison string   // the rule that runs the comparison with Smartlead
	Functions  []string // every function
	Stack      string
}

// Deployment reads one stack. It is safe for concurrent use.
type Deployment struct {
	names  Names
	lambda *lambda.Client
	watch  *cloudwatch.Client
	topics *sns.Client
	region string
	aws    exchange.AWS
}

// New returns the Deployment of a stack. It calls nobody.
func New(shared aws.Config, caller exchange.AWS, names Names) *Deployment {
	return &Deployment{
		names: names, region: shared.Region, aws: caller, lambda: lambda.NewFromConfig(shared), watch: cloudwatch.NewFromConfig(shared), topics: sns.NewFromConfig(shared),
	}
}

// Concurrency returns how many functions may run at once in the account and region,
// and how many of these nothing reserves
// (docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html).
func (d *Deployment) Concurrency(ctx context.Context) (limit, unreserved int, err error) {
	out, err := d.lambda.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil || out.AccountLimit == nil {
		return 0, 0, err
	}
	return int(out.AccountLimit.ConcurrentExecutions), int(aws.ToInt32(out.AccountLimit.UnreservedConcurrentExecutions)), nil
}

// EventSource is what feeds the worker from a queue.
type EventSource struct {
	ID, QueueARN string
	State        string // Enabled, Disabled, or a step between
	Live         bool   // from the queue of new events
}

// EventSources returns what feeds the worker.
func (d *Deployment) EventSources(ctx context.Context) (sources []EventSource, err error) {
	pages := lambda.NewListEventSourceMappingsPaginator(d.lambda, &lambda.ListEventSourceMappingsInput{FunctionName: &d.names.Worker})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range page.EventSourceMappings {
			arn := aws.ToString(m.EventSourceArn)
			sources = append(sources, EventSource{ID: aws.ToString(m.UUID), QueueARN: arn, State: aws.ToString(m.State), Live: arn == d.names.LiveARN})
		}
	}
	return sources, nil
}

// Alarm is one alarm of the stack.
type Alarm struct {
	ID    string // in the template, such as DlqNotEmptyAlarm; else its name
	State string // OK, ALARM or INSUFFICIENT_DATA
	Since time.Time
	Muted bool // its actions are switched off: it tells nobody
}

// Alarms returns the alarms of the stack.
func (d *Deployment) Alarms(ctx context.Context) (alarms []Alarm, err error) {
	prefix := d.names.Stack + "-"
	pages := cloudwatch.NewDescribeAlarmsPaginator(d.watch, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: &prefix, AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			if !d.own(a) {
				continue
			}
			alarms = append(alarms, Alarm{
				ID: d.id(aws.ToString(a.AlarmName)), State: string(a.StateValue), Since: aws.ToTime(a.StateUpdatedTimestamp),
				Muted: a.ActionsEnabled != nil && !*a.ActionsEnabled,
			})
		}
	}
	return alarms, nil
}

// own tells whether an alarm is of this stack, and not of one whose name begins with
// the name of this one: those tell another topic.
func (d *Deployment) own(a cwtypes.MetricAlarm) bool {
	for _, action := range a.AlarmActions {
		if action == d.names.AlarmTopic {
			return true
		}
	}
	return d.names.AlarmTopic == ""
}

// id is an alarm's name in the template: CloudFormation names it STACK-ID-RANDOM.
func (d *Deployment) id(name string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(name, d.names.Stack+"-"), "-")
	return id
}

// Schedule returns the state of the rule that runs the comparison with Smartlead, ENABLED or
// another; "": the stack names none
// (docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html).
func (d *Deployment) Schedule(ctx context.Context) (state string, err error) {
	if d.names.Comparison == "" {
		return "", nil
	}
	body, err := json.Marshal(map[string]string{"Name": d.names.Comparison})
	if err != nil {
		return "", err
	}
	a := d.aws.Call(ctx, exchange.AWSCall{
		Service: "events", Region: d.region, Target: "AWSEvents.DescribeRule", ContentType: "application/x-amz-json-1.1", Body: body,
	})
	var answer struct {
		State   string
		Type    string `json:"__type"`
		Message string
	}
	if a.Err == nil {
		a.Err = json.Unmarshal(a.Body, &answer)
	}
	switch {
	case a.Status >= http.StatusBadRequest && answer.Type != "":
		_, code, named := strings.Cut(answer.Type, "#")
		if !named {
			code = answer.Type
		}
		return "", &smithy.GenericAPIError{Code: code, Message: answer.Message}
	case a.Err != nil:
		return "", a.Err
	}
	return answer.State, nil
}

// Subscribers returns how many are told of alarms, and how many have yet to confirm
// that they want to be.
func (d *Deployment) Subscribers(ctx context.Context) (confirmed, pending int, err error) {
	pages := sns.NewListSubscriptionsByTopicPaginator(d.topics, &sns.ListSubscriptionsByTopicInput{TopicArn: &d.names.AlarmTopic})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, 0, err
		}
		for _, s := range page.Subscriptions {
			// Until then its ARN is a word (docs.aws.amazon.com/sns/latest/api/API_Subscribe.html).
			if strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:") {
				confirmed++
			} else {
				pending++
			}
		}
	}
	return confirmed, pending, nil
}

// Broken returns why functions of the stack cannot run: those that are not Active, or
// whose latest update failed.
func (d *Deployment) Broken(ctx context.Context) (reasons []string, err error) {
	for _, name := range d.names.Functions {
		out, err := d.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		if err != nil {
			return nil, err
		}
		switch {
		case out.State != "" && out.State != "Active":
			reasons = append(reasons, name+" is "+string(out.State)+" "+aws.ToString(out.StateReason))
		case out.LastUpdateStatus == "Failed":
			reasons = append(reasons, name+" could not be updated: "+aws.ToString(out.LastUpdateStatusReason))
		}
	}
	return reasons, nil
}
