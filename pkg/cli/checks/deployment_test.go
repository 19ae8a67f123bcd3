package checks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/stack/deployment"
	"smartlead-receiver/test/testclock"
)

// account answers as an AWS account would.
type account struct {
	limit, reserved    int
	broken             []string
	sources            []deployment.EventSource
	alarms             []deployment.Alarm
	confirmed, pending int
	rule               string
	err                error
}

func (a account) Schedule(context.Context) (string, error) { return a.rule, a.err }

func (a account) Concurrency(context.Context) (int, int, error) {
	return a.limit, a.limit - a.reserved, a.err
}
func (a account) Broken(context.Context) ([]string, error) { return a.broken, a.err }
func (a account) EventSources(context.Context) ([]deployment.EventSource, error) {
	return a.sources, a.err
}
func (a account) Alarms(context.Context) ([]deployment.Alarm, error) { return a.alarms, a.err }
func (a account) Subscribers(context.Context) (int, int, error)      { return a.confirmed, a.pending, a.err }
func source(id, state string, live bool) deployment.EventSource {
	return deployment.EventSource{ID: id, State: state, Live: live}
}

func TestWhatIsSaidOfADeployment(t *testing.T) {
	s := Asker{Clock: testclock.Noon}
	both := []deployment.EventSource{source("u-1", "Enabled", true), source("u-2", "Updating", false)}
	raised := []deployment.Alarm{{ID: "HeldAlarm", State: "OK"}, {ID: "SweptAlarm", State: "ALARM", Since: testclock.Noon().Add(-time.Hour)}}
	for _, c := range []struct {
		what, check, result, says, next string
		account                         account
	}{
		{"all is well", "functions", "ok", "1,000 may run at once", "", account{limit: 1000}},
		{"a new account", "functions", "note", "10 may run at once in this account and region, 0 reserved", "Service Quotas", account{limit: 10}},
		{"everything is reserved", "functions", "note", "950 reserved", "Service Quotas", account{limit: 1000, reserved: 950}},
		{"a function that cannot run", "functions", "bad", "worker is Failed", "sam deploy", account{limit: 1000, broken: []string{"worker is Failed"}}},
		{"both queues", "event sources", "ok", "both queues", "", account{sources: both}},
		{"one is off", "event sources", "bad", "live queue: disabled", "--uuid u-1", account{sources: []deployment.EventSource{source("u-1", "Disabled", true), both[1]}}},
		{"one is not there", "event sources", "bad", "replay queue: none", "sam deploy", account{sources: both[:1]}},
		{"no alarm", "alarms", "bad", "nobody would be told", "sam deploy", account{}},
		{"a raised alarm", "alarms", "bad", "SweptAlarm (1 h ago)", "docs/RUNBOOK.md", account{alarms: raised}},
		{"no raised alarm", "alarms", "ok", "1 alarm, none raised", "", account{alarms: raised[:1]}},
		{"nobody is told", "alarm mails", "note", "nobody is told", "AlarmEmail", account{}},
		{"a mail that nobody opened", "alarm mails", "bad", "nobody is told of alarms: 1 subscription is to be confirmed", "confirm", account{pending: 1}},
		{"one of two", "alarm mails", "note", "1 subscriber is told, 1 to be confirmed", "confirm", account{confirmed: 1, pending: 1}},
		{"told", "alarm mails", "ok", "2 subscribers are told", "", account{confirmed: 2}},
		{"the rule is on", "comparison schedule", "ok", "every five minutes is on", "", account{rule: "ENABLED"}},
		{"the rule is off", "comparison schedule", "bad", "the rule that does it every five minutes is disabled", "switch it on", account{rule: "DISABLED"}},
		{"no rule is named", "comparison schedule", "note", "does not name its rule", "deploy", account{}},
		{"no answer", "alarms", "bad", "gone", "is the alarms there", account{err: errors.New("gone")}},
	} {
		t.Run(c.what, func(t *testing.T) {
			for _, check := range deployedChecks(c.account) {
				if check.name != c.check {
					continue
				}
				f := check.run(t.Context(), s, nil)
				if f.Result != c.result || !strings.Contains(f.Detail, c.says) || !strings.Contains(f.Next, c.next) {
					t.Errorf("got %+v, want %s, %q, %q", f, c.result, c.says, c.next)
				}
				return
			}
			t.Errorf("there is no check %s", c.check)
		})
	}
}
