// Package moves asks before events are moved, and says what became of each.
package moves

import (
	"cmp"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/stack"
)

// moved is what became of one event as JSON.
type moved struct {
	EventID    string `json:"event_id"`
	From       string `json:"from"`
	State      string `json:"state"`
	Generation int    `json:"generation"`
	Result     string `json:"result"` // done, left, failed, died again, unrouted
	Error      string `json:"error,omitempty"`
}

// Words is how a command words its move.
type Words struct {
	Move operator.Move
	Done string // the result of an event that was moved
}

// Agree asks where the use case wants a person's word.
func Agree(s *session.Session, req *operator.Request, yes bool, format string, args ...any) error {
	if !req.NeedsConfirmation() {
		return nil
	}
	if err := s.Confirm(yes, format, args...); err != nil {
		return err
	}
	req.Confirmed = true
	return nil
}

// movedOf words what became of one event.
func movedOf(self string, r operator.Result, move operator.Move) moved {
	m := moved{
		EventID: string(r.Seen.ID), From: string(r.Seen.State), State: string(r.Now.State), Generation: r.Now.Generation,
	}
	m.Result, m.Error = wording.Moved(self, r, move)
	if r.Outcome == operator.Changed {
		m.Generation = r.Seen.Generation
	}
	return m
}

// SayUnsent tells of what the queue did not accept. It loses nothing.
func SayUnsent(s *session.Session, st *stack.Stack, report operator.Report) {
	if n := report.Unsent(); n > 0 {
		s.Say("%s could not be told to the worker: the sweeper does it in about %s", output.Count(n, "event", "events"), output.Span(st.Grace))
	}
}

// Show prints what became of each event, and fails when one failed.
func Show(s *session.Session, report operator.Report, words Words) error {
	t := output.NewTable("@EVENT ID", "*WAS", "*IS", "*RESULT", "+ERROR")
	bad, missing, failed := 0, 0, ""
	for _, r := range report.Results {
		m := movedOf(s.Self(), r, words.Move)
		if m.Result == "failed" || m.Result == "died again" || m.Result == "unrouted" {
			bad++
			failed = cmp.Or(failed, m.EventID)
		}
		if r.Outcome == operator.Missing {
			missing++
		}
		if s.JSON {
			if err := s.Emit(m); err != nil {
				return err
			}
			continue
		}
		result := m.Result
		if result == "done" {
			result = words.Done
		}
		t.Add(m.EventID, m.From, m.State, result, m.Error)
	}
	if !s.JSON {
		if err := s.Print(t, ""); err != nil {
			return err
		}
	}
	switch {
	case missing > 0 && missing == len(report.Results):
		return problem.NotFound("none of the events exists")
	case bad > 0:
		return problem.Failed(nil, "%d of %s failed", bad, output.Count(len(report.Results), "event", "events")).
			Hint("see why: %s events show %s", s.Self(), output.Quote(failed))
	}
	return nil
}
