package wording

import (
	"fmt"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/webhook"
)

// Moved says what became of the move of one event (done, left, failed, died again,
// unrouted), and why; why is empty for one that is done. self is how smartleadctl is called.
func Moved(self string, r operator.Result, move operator.Move) (result, why string) {
	switch r.Outcome {
	case operator.Done:
		switch {
		case move == operator.Replay && r.Now.State == webhook.Dead:
			return "died again", eventview.Cause(r.Now)
		case move == operator.Replay && r.Now.State == webhook.Unrouted:
			return "unrouted", eventview.Nobody(r.Now)
		}
		return "done", ""
	case operator.UnderWay:
		return "left", "left alone: it is on its way already"
	case operator.Unfit:
		return "failed", Unfit(self, r.Seen, move)
	case operator.Changed:
		return "failed", "somebody moved it meanwhile: nothing was changed"
	case operator.Missing, operator.Unclear, operator.Failed:
	}
	return "failed", problem.Words(r.Err)
}

// Unfit says why a move is not for an event.
func Unfit(self string, r webhook.Record, move operator.Move) string {
	switch {
	case r.Erased():
		return "it was erased: nothing can be delivered of it"
	case move != operator.Replay:
		return fmt.Sprintf("it is %s; %s is for %s events", r.State, move, output.Join(move.From()))
	case r.State == webhook.Held:
		return fmt.Sprintf("it is held, because its body's secret_key is not trusted: %s sources trust-key %s, or %s events release %s", self, output.Quote(r.Source), self, output.Quote(output.ShortID(string(r.ID))))
	case r.State == webhook.Discarded:
		return "it was discarded: nothing brings it back"
	}
	return fmt.Sprintf("it is %s", r.State)
}
