package checks

import (
	"context"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// maxAwaitingOperator bounds the held, and the parked, events that a check counts.
const maxAwaitingOperator = 200

// checkHeld and checkParked count what waits for an operator and is in no queue.
func checkHeld(ctx context.Context, s Asker, st *stack.Stack) Finding {
	return checkAwaitingOperator(ctx, s, st, webhook.Held, "is the key another one now? sources trust-key NAME. Else events release ID, or events discard ID")
}

func checkParked(ctx context.Context, s Asker, st *stack.Stack) Finding {
	return checkAwaitingOperator(ctx, s, st, webhook.Parked, "then events replay ID, or events discard ID")
}

func checkAwaitingOperator(ctx context.Context, s Asker, st *stack.Stack, state webhook.State, then string) Finding {
	q := ledger.Query{State: state, Limit: maxAwaitingOperator, Oldest: true, Now: s.Now()}
	page, err := st.Ledger.List(ctx, q)
	if err != nil {
		return silent(s, err, "the table's indexes")
	}
	if len(page.Records) == 0 {
		return fine("none")
	}
	what := string(state) + " event"
	text := output.Count(len(page.Records), what, what+"s")
	if page.Next != "" {
		text = "more than " + output.Thousands(len(page.Records)) + " " + what + "s"
	}
	return noted("see them: "+s.Self+" events list --state "+string(state)+"; "+then,
		"%s, not delivered; the oldest from %s", text, s.Ago(q.Time(page.Records[0])))
}
