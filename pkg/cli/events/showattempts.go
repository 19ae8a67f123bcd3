package events

import (
	"fmt"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/webhook"
)

func printDestinations(s *session.Session, r webhook.Record) error {
	s.Line("")
	if len(r.Destinations) == 0 {
		s.Line("Destinations: not chosen yet, no worker has taken it")
	} else {
		s.Line("Destinations, idempotency key %s", r.IdempotencyKey())
		t := output.NewTable("NAME", "*STANDS", ">ATTEMPTS SINCE REVIVAL")
		for _, d := range r.Destinations {
			t.Add(d.Name, eventview.Stands(r, d), eventview.Attempted(d))
		}
		if err := s.Print(t, "  "); err != nil {
			return err
		}
	}
	if len(r.History) == 0 {
		return nil
	}
	s.Line("")
	s.Line("Attempts, UTC%s", forgotten(r))
	t := output.NewTable(">#", "STARTED", "DESTINATION", "*RESULT", ">HTTP", ">TOOK", "+ERROR")
	for _, a := range r.History {
		status := ""
		if a.Status != 0 {
			status = fmt.Sprint(a.Status)
		}
		t.Add(fmt.Sprint(a.Number), output.Stamp(a.StartedAt), a.Destination, string(a.Result), status,
			took(a), attemptError(a))
	}
	if err := s.Print(t, "  "); err != nil {
		return err
	}
	if skips(r) {
		s.Line("  A number that is not here is that of a turn in which nothing was sent, such as behind a pause or a rate.")
	}
	return nil
}

// skips tells whether the attempts leave numbers out, of which none was forgotten.
func skips(r webhook.Record) bool {
	before := 0
	for _, a := range r.History {
		if a.Number > before+1 {
			return len(r.History) < webhook.MaxHistory
		}
		before = max(before, a.Number)
	}
	return false
}

func took(a webhook.Attempt) string {
	if a.Result == webhook.ResultAbandoned {
		return ""
	}
	return output.Span(a.Duration)
}

func attemptError(a webhook.Attempt) string {
	if a.ErrorClass == "" && a.Error == "" {
		return ""
	}
	return eventview.FailureText(a.ErrorClass, a.Error, 0)
}

func forgotten(r webhook.Record) string {
	if len(r.History) < webhook.MaxHistory {
		return ""
	}
	return fmt.Sprintf(" (the latest %d)", webhook.MaxHistory)
}
