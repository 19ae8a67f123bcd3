package checks

import (
	"context"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/stack"
)

const (
	// fewTicks is for how long the function may have nothing noted of a key that was kept.
	fewTicks = 15 * time.Minute
	// oneWait is for how long it may wait beyond what it noted: an hour's calls are used up.
	oneWait = 90 * time.Minute
	// oneDay is for how long no comparison may have succeeded, as its alarm has it.
	oneDay = 24 * time.Hour
)

// checkComparison tells whether what arrived is compared with Smartlead, and what the
// latest comparison found.
func checkComparison(ctx context.Context, s Asker, st *stack.Stack) Finding {
	at, err := scheduled.Standing(ctx, st.Ledger)
	if err != nil {
		return silent(s, err, "the table")
	}
	now, status := s.Now(), s.Self+" reconcile status"
	switch {
	case at.Off != "" || at.OnSince.IsZero():
		return checkKey(ctx, s, st, at)
	case at.Age(now) >= oneDay:
		return broken("why: "+status, "no comparison with Smartlead has succeeded for %s", output.Span(at.Age(now)))
	case now.Sub(due(at)) > oneWait:
		return broken("is its schedule on, and is ReconcileEvery not 0? See the log of the function reconcile",
			"the comparison with Smartlead stands still: it should have gone on %s", s.Ago(due(at)))
	case at.SucceededAt.IsZero():
		return noted(status, "a key of Smartlead's API is kept, and no comparison has ended yet")
	}
	missing, unproven := at.Drift.Counts[reconcile.Missing], at.Drift.Unproven
	if missing+unproven > 0 {
		return noted("which, and why: "+status, "the latest comparison succeeded %s: %s missing, %s not compared or not whole", s.Ago(at.SucceededAt),
			output.Count(missing, "event is", "events are"), output.Count(unproven, "campaign is", "campaigns are"))
	}
	return fine("the latest comparison succeeded %s, and nothing is missing", s.Ago(at.SucceededAt))
}

// checkKey is for a stack that compares nothing: without a key, or because the function
// has not seen the key that is there.
func checkKey(ctx context.Context, s Asker, st *stack.Stack, at scheduled.State) Finding {
	_, err := st.APIKey.Get(ctx)
	kept := err == nil // who may not read it is not told
	if kept && s.Now().Sub(at.UpdatedAt) > fewTicks {
		return broken("is its schedule on, and is ReconcileEvery not 0? See the log of the function reconcile",
			"a key of Smartlead's API is kept, and the function that compares has not seen it")
	}
	if kept {
		return noted(s.Self+" reconcile status", "a key of Smartlead's API is kept: the first comparison begins within five minutes")
	}
	return noted("keep a key of Smartlead's API: "+s.Self+" reconcile set-key", "nothing is compared with Smartlead, so that an event which never came is not missed")
}

// due is when the function should have gone on at the latest.
func due(at scheduled.State) time.Time {
	next := at.DueAt
	if at.Run != nil {
		next = at.UpdatedAt
	}
	if at.PausedUntil.After(next) {
		next = at.PausedUntil
	}
	return next
}
