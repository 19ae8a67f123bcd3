package checks

import (
	"context"
	"time"

	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/stack"
)

// archiveLate is for how long the archive may lack a closed hour, or be looked at by
// nobody: there is a run every five minutes, and one with something to do each hour.
const archiveLate = 3 * time.Hour

// checkArchive finds an archive that is behind, or that nobody writes.
func checkArchive(ctx context.Context, s Asker, st *stack.Stack) Finding {
	state, err := archive.Standing(ctx, st.Ledger)
	if err != nil {
		return silent(s, err, "the table")
	}
	policy, now := archive.DefaultPolicy.EachHolding(st.Every), s.Now()
	age := policy.Age(state, now)
	switch {
	case st.ArchiveBucket == "" && state.Place.Bucket == "":
		return fine("off")
	case st.ArchiveBucket == "":
		return fine("off since it was archived until %s", output.Stamp(state.ArchivedUntil()))
	case state.UpdatedAt.IsZero():
		return noted("within five minutes of the deployment: "+s.Self+" archive status", "nothing has been archived yet")
	case age > archiveLate && state.Cause != "":
		return broken("see docs/RUNBOOK.md, ArchiverErrorsAlarm", "something has been lacking for %s: %s", output.Span(age), output.Clean(state.Cause))
	case age > archiveLate && now.Sub(state.UpdatedAt) > archiveLate:
		return broken("is the rule ArchiverSchedule enabled? See the archiver's log group", "nobody has archived since %s", output.Stamp(state.UpdatedAt))
	case age > archiveLate:
		return noted(s.Self+" archive status says how far it is", "something has been lacking for %s, and it comes further", output.Span(age))
	}
	return fine("archived until %s", output.Stamp(state.ArchivedUntil()))
}
