package cli

import (
	"context"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// maxAside bounds the held, and the parked, events that a check counts.
const maxAwaitingOperator = 200

// checkHeld and checkParked count what waits for an operator and is in no queue.
func (p *program) checkHeld(ctx context.Context, s *Stack) finding {
	return p.checkAwaitingOperator(ctx, s, webhook.Held, "is the key another one now? sources trust-key NAME. Else events release ID, or events discard ID")
}

func (p *program) checkParked(ctx context.Context, s *Stack) finding {
	return p.checkAwaitingOperator(ctx, s, webhook.Parked, "then events replay ID, or events discard ID")
}

func (p *program) checkAwaitingOperator(ctx context.Context, s *Stack, state webhook.State, then string) finding {
	q := ledger.Query{State: state, Limit: maxAwaitingOperator, Oldest: true, Now: p.Now()}
	page, err := s.Ledger.List(ctx, q)
	if err != nil {
		return p.silent(err, "the table's indexes")
	}
	if len(page.Records) == 0 {
		return fine("none")
	}
	what := string(state) + " event"
	text := count(len(page.Records), what, what+"s")
	if page.Next != "" {
		text = "more than " + thousands(len(page.Records)) + " " + what + "s"
	}
	return noted("see them: "+p.self()+" events list --state "+string(state)+"; "+then,
		"%s, not delivered; the oldest from %s", text, p.ago(q.Time(page.Records[0])))
}
