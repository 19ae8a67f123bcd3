package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// checkDue looks for what the sweeper should have sent. Nothing overdue means
// that it runs, or that nothing needed it.
func checkDue(ctx context.Context, s *session.Session, st *stack.Stack) finding {
	now := s.Now()
	overdue := 0
	var oldest time.Time
	for shard := range ledger.DueShards {
		ids, _, err := st.Ledger.Due(ctx, shard, now.Add(-eventview.Patience), "", 100)
		if err != nil {
			return silent(s, err, "the table's indexes")
		}
		records, err := st.Ledger.GetMany(ctx, ids)
		if unreadable := new(webhook.UnreadableError); errors.As(err, &unreadable) {
			return broken("deploy the newer version of the stack again if it was rolled back, or use its smartleadctl; the sweeper goes on with all others",
				"%s that this version cannot read, such as %s", output.Count(len(unreadable.Causes), "event is overdue", "events are overdue"), unreadable.IDs()[0])
		}
		if err != nil {
			return silent(s, err, "the table")
		}
		for _, r := range records { // the index may be older than the events
			if !eventview.Overdue(s.Now(), r) {
				continue
			}
			overdue++
			if oldest.IsZero() || r.DueAt.Before(oldest) {
				oldest = r.DueAt
			}
		}
	}
	if overdue > 0 {
		return broken("see the sweeper's log; it must run every minute. The events are safe: it sends them when it runs again",
			"%s overdue, the oldest since %s: the sweeper does not run, or cannot keep up",
			output.Count(overdue, "event is", "events are"), s.Ago(oldest))
	}
	return fine("nothing is overdue")
}

// maxDead bounds the dead events that the check counts.
const maxDead = 1000

func checkDead(ctx context.Context, s *session.Session, st *stack.Stack) finding {
	page, err := st.Ledger.List(ctx, ledger.Query{Dead: true, Limit: maxDead, Oldest: true, Now: s.Now()})
	if err != nil {
		return silent(s, err, "the table's indexes")
	}
	_, _, dead, err := st.Queues.Depths(ctx)
	if err != nil {
		return silent(s, err, "the queues")
	}
	events, deadLetters := len(page.Records), dead.Total()
	look := "see why: " + s.Self() + " dlq list"
	text := fmt.Sprintf("%s, about %s", output.Count(events, "dead event", "dead events"), output.Count(deadLetters, "dead letter", "dead letters"))
	balance := redrive.Weigh(page.Records, deadLetters)
	switch {
	case balance == redrive.NothingDead:
		return fine("none")
	case page.Next != "":
		return noted(look, "more than %s dead events, about %s", output.Thousands(maxDead), output.Count(deadLetters, "dead letter", "dead letters"))
	case balance == redrive.Surplus:
		return noted(look, "%s: some dead letters are stale, unclaimed or foreign; the redrive function clears what is stale", text)
	case balance == redrive.Shortfall:
		why := "some dead letters expired or were purged"
		if s.Target.Local {
			why = "the messages of a local stack end with it"
		}
		return noted(look+". A replay and our redrive need no dead letter", "%s: %s", text, why)
	}
	return noted(look, "%s", text)
}

func checkRedrive(ctx context.Context, s *session.Session, st *stack.Stack) finding {
	job, err := st.Redrive.Status(ctx)
	switch {
	case errors.Is(err, redrive.ErrNoJob):
		return fine("none was ever started")
	case err != nil:
		return silent(s, err, "the table")
	case job.Stalled(s.Now()):
		return broken("see the redrive function's log; it must run every minute",
			"running, but nothing moved for %s", output.Span(s.Now().Sub(job.UpdatedAt)))
	case !job.State.Final():
		return noted(s.Self()+" redrive status --watch", "%s: %s", job.State, job.Reason)
	}
	return fine("the latest ended %s: %s", s.Ago(job.EndedAt), job.State)
}
