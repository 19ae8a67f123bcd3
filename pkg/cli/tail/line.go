package tail

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/webhook"
)

// news is an event as JSON, with the latest attempt at each of its destinations.
type news struct {
	eventview.View
	LastAttempts []eventview.Attempt `json:"last_attempts"`
}

func showEvent(s *session.Session, r webhook.Record) error {
	last := lastAttempts(r)
	if s.JSON {
		view := eventview.Of(r)
		r.History = last
		return s.Emit(news{view, eventview.AttemptsOf(r)})
	}
	s.LineOf(string(r.State), "%s  %-10s  %-23s  %-24s  %s  %s", output.Stamp(newsTime(r)), r.State, r.Type,
		output.Shorten(output.Clean(output.Dash(r.LeadEmail)), 24), outcome(s, r, last), s.ID(string(r.ID)))
	return nil
}

// tried is the number of the latest attempt that has ended; 0 for none.
func tried(r webhook.Record) int {
	n := 0
	for _, a := range r.History {
		n = max(n, a.Number)
	}
	return n
}

// newsTime is when an event came to stand as it does.
func newsTime(r webhook.Record) time.Time {
	switch {
	case r.State == webhook.Delivered && !r.DeliveredAt.IsZero():
		return r.DeliveredAt
	case r.State == webhook.Dead && !r.DiedAt.IsZero():
		return r.DiedAt
	case !r.UpdatedAt.IsZero():
		return r.UpdatedAt
	}
	return r.ReceivedAt
}

// lastAttempts are the latest attempts at each destination that wants the event, in
// order of their first.
func lastAttempts(r webhook.Record) []webhook.Attempt {
	var last []webhook.Attempt
	for _, a := range r.History {
		if a.Result == webhook.ResultUnrouted {
			continue
		}
		same := func(b webhook.Attempt) bool { return b.Destination == a.Destination }
		if i := slices.IndexFunc(last, same); i >= 0 {
			last[i] = a
			continue
		}
		last = append(last, a)
	}
	return last
}

// outcome says what came of an event so far: destination, status, time taken.
func outcome(s *session.Session, r webhook.Record, last []webhook.Attempt) string {
	var parts []string
	for _, a := range last {
		parts = append(parts, attempt(a))
	}
	switch {
	case len(parts) == 0 && !r.Finished():
		return fmt.Sprintf("no worker has taken it for %s", output.Span(s.Now().Sub(r.ReceivedAt)))
	case len(parts) == 0 && r.State == webhook.Held:
		return "its secret_key is not trusted"
	case len(parts) == 0:
		return "to no destination"
	case r.NotBefore.After(s.Now()) && r.State == webhook.Pending:
		return strings.Join(parts, ", ") + "; again " + s.Ago(r.NotBefore)
	}
	return strings.Join(parts, ", ")
}

func attempt(a webhook.Attempt) string {
	name := output.OrText(a.Destination, "attempt")
	took := fmt.Sprintf(" in %s", output.Span(a.Duration))
	switch {
	case a.Result == webhook.ResultAbandoned:
		return name + " was abandoned"
	case a.Status != 0:
		return fmt.Sprintf("%s %d%s", name, a.Status, took)
	case a.ErrorClass != "":
		return fmt.Sprintf("%s %s%s", name, output.Clean(a.ErrorClass), took)
	}
	return fmt.Sprintf("%s %s%s", name, a.Result, took)
}
