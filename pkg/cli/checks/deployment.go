package checks

import (
	"context"
	"fmt"
	"strings"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/stack/deployment"
)

// Deployment is what AWS knows of a deployed stack.
type Deployment interface {
	Concurrency(ctx context.Context) (limit, unreserved int, err error)
	Broken(ctx context.Context) (reasons []string, err error)
	EventSources(ctx context.Context) ([]deployment.EventSource, error)
	Alarms(ctx context.Context) ([]deployment.Alarm, error)
	Subscribers(ctx context.Context) (confirmed, pending int, err error)
	Schedule(ctx context.Context) (state string, err error)
}

// deployedChecks are those that a local stack has nothing for.
func deployedChecks(d Deployment) []check {
	with := func(run func(context.Context, Asker, Deployment) Finding) func(context.Context, Asker, *stack.Stack) Finding {
		return func(ctx context.Context, s Asker, _ *stack.Stack) Finding { return run(ctx, s, d) }
	}
	return []check{
		{"receiver", checkReceiver},
		{"functions", with(checkFunctions)},
		{"event sources", with(checkEventSources)},
		{"comparison schedule", with(checkSchedule)},
		{"alarms", with(checkAlarms)},
		{"alarm mails", with(checkSubscribers)},
		{"retention", checkRetention},
		{"schedules", checkSchedules},
	}
}

// enough is the concurrency below which a burst at the receiver and workers for two
// queues get into each other's way.
const enough = 100

func checkFunctions(ctx context.Context, s Asker, d Deployment) Finding {
	reasons, err := d.Broken(ctx)
	if err != nil {
		return silent(s, err, "the functions")
	}
	if len(reasons) > 0 {
		return broken("deploy the stack anew: sam deploy", "%s", strings.Join(reasons, "; "))
	}
	limit, unreserved, err := d.Concurrency(ctx)
	switch {
	case err != nil:
		return silent(s, err, "the limits of Lambda")
	case unreserved < enough:
		return noted("ask for more: Service Quotas, AWS Lambda, Concurrent executions (free)",
			"active; %s may run at once in this account and region, %s reserved: a burst may be refused",
			output.Thousands(limit), output.Thousands(limit-unreserved))
	}
	return fine("active; %s may run at once in this account and region", output.Thousands(limit))
}

func checkEventSources(ctx context.Context, s Asker, d Deployment) Finding {
	sources, err := d.EventSources(ctx)
	if err != nil {
		return silent(s, err, "what feeds the worker")
	}
	var off []string
	fed := map[bool]bool{}
	next := "deploy the stack anew: sam deploy"
	for _, m := range sources {
		fed[m.Live] = true
		if m.State == "Disabled" || m.State == "Disabling" {
			off = append(off, lane(m.Live)+" queue: "+strings.ToLower(m.State))
			next = fmt.Sprintf("switch it on: aws lambda update-event-source-mapping --enabled --uuid %s", m.ID)
		}
	}
	for _, live := range []bool{true, false} {
		if !fed[live] {
			off = append(off, lane(live)+" queue: none")
		}
	}
	if len(off) > 0 {
		return broken(next, "events are kept and not delivered: the worker is not fed from the %s", strings.Join(off, ", "))
	}
	return fine("the worker is fed from both queues")
}

func lane(live bool) string {
	if live {
		return "live"
	}
	return "replay"
}

// checkSchedule looks at the rule that runs the comparison with Smartlead.
func checkSchedule(ctx context.Context, s Asker, d Deployment) Finding {
	switch state, err := d.Schedule(ctx); {
	case err != nil:
		return silent(s, err, "the rule of the comparison")
	case state == "":
		return noted("deploy the newer version", "the stack is of a version that does not name its rule")
	case state != "ENABLED":
		return broken("switch it on: EventBridge, Rules; or deploy the stack anew", "nothing is compared with Smartlead: the rule that does it every five minutes is %s", strings.ToLower(state))
	}
	return fine("the rule that runs it every five minutes is on")
}

func checkAlarms(ctx context.Context, s Asker, d Deployment) Finding {
	alarms, err := d.Alarms(ctx)
	if err != nil {
		return silent(s, err, "the alarms")
	}
	if len(alarms) == 0 {
		return broken("deploy the stack anew: sam deploy", "there are none: nobody would be told of a failure")
	}
	var raised, muted []string
	for _, a := range alarms {
		if a.Muted {
			muted = append(muted, a.ID)
		}
		if a.State == "ALARM" {
			raised = append(raised, fmt.Sprintf("%s (%s)", a.ID, s.Ago(a.Since)))
		}
	}
	if len(raised) > 0 {
		return broken("what each means, and what to do: docs/RUNBOOK.md", "raised: %s", strings.Join(raised, ", "))
	}
	if len(muted) > 0 {
		return broken("switch them on: aws cloudwatch enable-alarm-actions --alarm-names NAME; or deploy the stack anew", "told to nobody, because the actions are switched off: %s", strings.Join(muted, ", "))
	}
	return fine("%s, none raised", output.Count(len(alarms), "alarm", "alarms"))
}

func checkSubscribers(ctx context.Context, s Asker, d Deployment) Finding {
	confirmed, pending, err := d.Subscribers(ctx)
	switch {
	case err != nil:
		return silent(s, err, "the topic of the alarms")
	case confirmed == 0 && pending > 0:
		return broken("open the mail of AWS Notifications and confirm", "nobody is told of alarms: %s to be confirmed", output.Count(pending, "subscription is", "subscriptions are"))
	case confirmed == 0:
		return noted("deploy with AlarmEmail, or subscribe to the output AlarmTopicArn", "nobody is told of alarms")
	case pending > 0:
		return noted("open the mail of AWS Notifications and confirm", "%s told, %d to be confirmed", output.Count(confirmed, "subscriber is", "subscribers are"), pending)
	}
	return fine("%s told", output.Count(confirmed, "subscriber is", "subscribers are"))
}
