package checks

import (
	"context"
	"errors"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// maxUnlooked bounds the events that are read because the sweeper has not looked at them.
const maxUnlooked = 200

// checkDue looks for what the sweeper should have sent, and for what it should have looked
// at. Where neither is there it runs, or nothing needed it.
func checkDue(ctx context.Context, s Asker, st *stack.Stack) Finding {
	now := s.Now()
	unlooked, ids, err := st.Ledger.Unlooked(ctx, now.Add(-eventview.Patience-st.Grace), maxUnlooked)
	if err != nil {
		return silent(s, err, "the table")
	}
	parts := [][]webhook.EventID{ids}
	for shard := range ledger.DueShards {
		ids, _, err := st.Ledger.Due(ctx, shard, now.Add(-eventview.Patience), "", 100)
		if err != nil {
			return silent(s, err, "the table's indexes")
		}
		parts = append(parts, ids)
	}
	overdue := 0
	var oldest time.Time
	for _, ids := range parts {
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
	const safe = "see the sweeper's log; it must run every minute. The events are safe: it sends them when it runs again"
	switch {
	case overdue > 0:
		return broken(safe, "%s overdue, the oldest since %s: the sweeper does not run, or cannot keep up",
			output.Count(overdue, "event is", "events are"), s.Ago(oldest))
	case !unlooked.IsZero():
		return broken(safe, "it has looked at nothing that was received in the last %s: it does not run, or cannot keep up", output.Span(now.Sub(unlooked)))
	}
	return fine("nothing is overdue")
}

const (
	// maxDead bounds the dead events that the check counts, by their index alone.
	maxDead = 1000
	// maxOwed bounds those that are read for whether they still owe a dead letter.
	maxOwed = 200
)

func checkDead(ctx context.Context, s Asker, st *stack.Stack) Finding {
	var ids []webhook.EventID // the longest dead first
	more := false
	for d, err := range st.Ledger.DeadSummaries(ctx, s.Now()) {
		if err != nil {
			return silent(s, err, "the table's indexes")
		}
		if more = len(ids) == maxDead; more {
			break
		}
		ids = append(ids, d.ID)
	}
	_, _, queue, err := st.Queues.Depths(ctx)
	if err != nil {
		return silent(s, err, "the queues")
	}
	look, letters := "see why: "+s.Self+" dlq list", queue.Total()
	about := "about " + output.Count(letters, "dead letter", "dead letters")
	if more {
		return noted(look, "more than %s dead events, %s", output.Thousands(maxDead), about)
	}
	owed := 0
	if letters < len(ids) {
		if owed, err = owedLetters(ctx, st, ids); err != nil {
			return silent(s, err, "the table")
		}
	}
	text := output.Count(len(ids), "dead event", "dead events") + ", " + about
	switch redrive.Weigh(len(ids), owed, letters) {
	case redrive.NothingDead:
		return fine("none")
	case redrive.Surplus:
		return noted(look, "%s: some dead letters are stale, unclaimed or foreign; the redrive function clears what is stale", text)
	case redrive.Shortfall:
		why := "some dead letters expired or were purged"
		if s.Local {
			why = "the messages of a local stack end with it"
		}
		return noted(look+". A replay and our redrive need no dead letter", "%s: %s", text, why)
	case redrive.Balanced:
	}
	return noted(look, "%s", text)
}

// owedLetters is how many dead events still owe their dead letter, which is on its way
// or refused. It reads those that died last: who died earlier has sent it long ago,
// unless all of those that were read owe theirs, and then so may the others.
func owedLetters(ctx context.Context, st *stack.Stack, dead []webhook.EventID) (int, error) {
	latest := dead[max(0, len(dead)-maxOwed):]
	records, err := st.Ledger.GetMany(ctx, latest)
	if err != nil && !errors.As(err, new(*webhook.UnreadableError)) {
		return 0, err
	}
	owed := 0
	for _, r := range records {
		if !r.DueAt.IsZero() {
			owed++
		}
	}
	if owed == len(latest) {
		owed = len(dead)
	}
	return owed, nil
}

func checkRedrive(ctx context.Context, s Asker, st *stack.Stack) Finding {
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
		return noted(s.Self+" redrive status --watch", "%s: %s", job.State, job.Reason)
	}
	return fine("the latest ended %s: %s", s.Ago(job.EndedAt), job.State)
}
