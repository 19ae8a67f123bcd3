package checks

import (
	"context"
	"net/http"
	"time"

	"smartlead-receiver/pkg/cli/hook"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/stack"
)

// What a deployed stack alone has a check for: a local one is of one machine and one
// process.
const (
	// skewed is how far the clock here may be off. Spans of time (--since 10m) and ends
	// of secrets are reckoned here.
	skewed = 2 * time.Minute
	// unscheduled is for how long the sweeper, which runs every minute, may not have run.
	unscheduled = 10 * time.Minute
)

// checkReceiver asks the receiver itself, through the API, without any token: the route,
// the integration and its permission are there, and the function starts.
func checkReceiver(ctx context.Context, s Asker, st *stack.Stack) Finding {
	started := s.Now()
	status, at, err := hook.Health(ctx, s.HTTP, st.APIURL)
	switch {
	case err != nil:
		return broken("is "+st.APIURL+" reachable from here?", "the receiver does not answer: %v", err)
	case status != http.StatusOK:
		return broken("see the receiver's log, and the API's access log: "+s.Self+" aws-links", "the receiver answers HTTP %d", status)
	}
	now := s.Now()
	if off := now.Sub(at).Abs(); !at.IsZero() && off > skewed {
		return noted("set the clock of this machine: spans of time, and when an old URL ends, are reckoned by it",
			"answers; the clock here is off by %s", output.Span(off))
	}
	return fine("answers in %s", output.Span(now.Sub(started)))
}

// checkRetention holds what is kept to the order in which it may go: a dead letter after
// the message that it was, an event after its dead letter.
func checkRetention(ctx context.Context, s Asker, st *stack.Stack) Finding {
	live, replay, dead, err := st.Queues.Kept(ctx)
	if err != nil {
		return silent(s, err, "the queues")
	}
	events := st.Retention
	shortest := "the stack's"
	listed, _ := st.Sources.List(ctx) // who may not read them is told of the stack's
	for _, l := range listed {
		if kept := l.Source.Retention(); kept > 0 && kept < events {
			events, shortest = kept, "source "+l.Name
		}
	}
	anew := "deploy the stack anew: its template has 14 days for each queue"
	switch {
	case dead == 0:
		return fine("events %s; SQS does not say for how long it keeps a message", output.Span(events))
	case dead < live || dead < replay:
		return broken(anew, "dead letters are kept for %s, and messages for %s: a dead letter may expire as it is written", output.Span(dead), output.Span(max(live, replay)))
	case events <= dead:
		return broken("keep events longer: sam deploy --parameter-overrides RetentionDays=90; of a source: "+s.Self+" sources set NAME --retention-days default",
			"events are kept for %s (%s), and dead letters for %s: what is delivered may be forgotten before Smartlead sends it again", output.Span(events), shortest, output.Span(dead))
	}
	return fine("events %s, dead letters %s", output.Span(events), output.Span(dead))
}

// checkSchedules tells whether the sweeper runs: what repairs, tells of incidents, and has
// no caller but its schedule.
func checkSchedules(ctx context.Context, s Asker, st *stack.Stack) Finding {
	at, err := st.Incidents.Looked(ctx)
	if err != nil {
		return silent(s, err, "the table")
	}
	rule := "in EventBridge, is the sweeper's rule enabled? Then its log, and its throttles: " + s.Self + " aws-links"
	switch {
	case at.IsZero():
		return noted("look again in two minutes. Then: "+rule, "the sweeper has not run yet")
	case s.Now().Sub(at) > unscheduled:
		return broken(rule, "the sweeper last ran %s: nothing repairs a lost message, and nobody is told of incidents", s.Ago(at))
	}
	return fine("the sweeper ran %s", s.Ago(at))
}
