package cli

import (
	"context"
	"errors"

	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// The exit codes.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 4
)

// exitCode is the one place that decides how the program ends.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, problem.ErrUsage):
		return exitUsage
	case errors.Is(err, problem.ErrNotFound), errors.Is(err, webhook.ErrNotFound), errors.Is(err, sourcestore.ErrNotFound),
		errors.Is(err, redrive.ErrNoJob), errors.Is(err, redrive.ErrNothing):
		return exitNotFound
	}
	return exitFailed
}

// report writes an error for a person.
func report(s *session.Session, err error) {
	s.Say("smartleadctl: %s", problem.Words(err))
	var known *problem.Error
	if errors.As(err, &known) {
		for _, line := range known.Hints() {
			s.Say("  %s", line)
		}
		if len(known.Hints()) > 0 {
			return
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		s.Say("  interrupted: what was done before stays done")
	case errors.Is(err, webhook.ErrUnavailable) && s.Target.Local:
		s.Say("  is the local stack running? start it: make run")
	case errors.Is(err, webhook.ErrUnavailable):
		s.Say("  see which part does not answer: %s doctor", s.Self())
	case errors.Is(err, webhook.ErrChanged):
		s.Say("  somebody moved it meanwhile: look again with %s events show ID", s.Self())
	}
}
