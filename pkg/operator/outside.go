package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"smartlead-receiver/pkg/webhook"
)

// Traces are what destinations keep of a lead beside the events, such as where its thread
// is. ForgetTraces may be repeated.
type Traces interface {
	CountTraces(ctx context.Context, address string) (int, error)
	ForgetTraces(ctx context.Context, address string) (int, error)
}

// Archive is what was received, kept for years. Both read every object of it, and call
// looked for each; Forget takes the lines of a lead out, whose events were erased before,
// and may be repeated.
type Archive interface {
	Holds(ctx context.Context, address string, looked func()) (int, error)
	Forget(ctx context.Context, address string, looked func()) (int, error)
}

// UnreachedError is what is kept of a lead and was not reached, or not all of it, and why.
// What it does not name was.
type UnreachedError struct {
	Events  error // that this version cannot read: a newer one wrote them, or a hand; nil: none
	Traces  error // of destinations: where threads are; nil: reached
	Archive error // nil: reached
}

func (e *UnreachedError) Error() string { return errors.Join(e.Unwrap()...).Error() }

// Unwrap returns the errors that are there.
func (e *UnreachedError) Unwrap() (all []error) {
	for _, err := range []error{e.Events, e.Traces, e.Archive} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// outside looks at or erases what is kept outside of the ledger: no part of it keeps the
// others from it, nor do events of the ledger that could not be read. Its error is an
// *UnreachedError.
func (s *Service) outside(h *Held, unread []webhook.EventID, traces func(Traces) (int, error), archive func(Archive) (int, error)) error {
	not := UnreachedError{Events: unreadable(unread)}
	if s.Traces != nil {
		h.Threads, not.Traces = traces(s.Traces)
	}
	if s.Archive != nil {
		h.Archived, not.Archive = archive(s.Archive)
	}
	if len(not.Unwrap()) > 0 {
		return &not
	}
	return nil
}

// maxNamed is how many events an error names.
const maxNamed = 10

// unreadable names events that cannot be read; nil for none.
func unreadable(ids []webhook.EventID) error {
	if len(ids) == 0 {
		return nil
	}
	var named strings.Builder
	for i, id := range ids[:min(len(ids), maxNamed)] {
		if i > 0 {
			named.WriteString(", ")
		}
		named.WriteString(string(id))
	}
	if more := len(ids) - maxNamed; more > 0 {
		fmt.Fprintf(&named, " and %d more", more)
	}
	return fmt.Errorf("this version cannot read %s", &named)
}
