package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// The exit codes. One of a signal is 128 and its number, as shells have it.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 4
	exitInterrupted = 128 + int(syscall.SIGINT)
	exitPipe        = 128 + int(syscall.SIGPIPE)
)

// A Signal is the cause of the context's end where a signal ended the program.
type Signal struct{ Number syscall.Signal }

func (s Signal) Error() string { return "signal: " + s.Number.String() }

// exitCodesTopic is what "help exit-codes" shows.
func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use: "exit-codes", Short: "What each exit code means",
		Long: `  0    done; of a listing also: nothing matches
  1    failed. The message says what, and what to do. Also: a check of doctor failed,
       a webhook of Smartlead needs attention, reconcile found an event missing or could
       not read all, an event died again, a watched redrive stopped itself, or the local stack ended
       while tail followed it
  2    wrong usage: nothing was done. Also: a question, and no terminal to ask on
  4    not found: the event, source, destination or redrive that was named, or nothing
       that a replay or redrive could take
  130  ended by Ctrl-C (SIGINT), also a tail or --watch that had nothing else to end
       it: so 0 means that a watched redrive is over. What was done stays done, and a
       redrive goes on by itself
  141  ended because nobody reads the output any more, such as head; nothing is said
  143  ended by SIGTERM, as 130`,
	}
}

// exitCode is the one place that decides how the program ends.
func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, problem.ErrInterrupted):
		if signal, ok := errors.AsType[Signal](context.Cause(ctx)); ok {
			return 128 + int(signal.Number)
		}
		return exitInterrupted
	case nobodyReads(err):
		return exitPipe
	case errors.Is(err, problem.ErrUsage):
		return exitUsage
	case errors.Is(err, problem.ErrNotFound), errors.Is(err, webhook.ErrNotFound), errors.Is(err, sourcestore.ErrNotFound),
		errors.Is(err, redrive.ErrNoJob), errors.Is(err, redrive.ErrNothing):
		return exitNotFound
	}
	return exitFailed
}

// nobodyReads tells whether stdout is a pipe whose reader has gone, such as head.
// Where SIGPIPE is not ignored, it has ended the program before.
func nobodyReads(err error) bool {
	path, ok := errors.AsType[*fs.PathError](err)
	return ok && path.Path == os.Stdout.Name() && errors.Is(err, syscall.EPIPE)
}

// report writes an error for a person.
func report(s *session.Session, err error) {
	switch {
	case errors.Is(err, problem.ErrSeenEnough), nobodyReads(err):
		return
	case errors.Is(err, problem.ErrInterrupted):
		s.Say("smartleadctl: interrupted: what was done before stays done")
		return
	}
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
	case errors.Is(err, webhook.ErrUnavailable) && s.Target.Local:
		s.Say("  is the local stack running? start it: make run")
	case errors.Is(err, webhook.ErrUnavailable):
		s.Say("  see which part does not answer: %s doctor", s.Self())
	case errors.Is(err, webhook.ErrChanged):
		s.Say("  somebody moved it meanwhile: look again with %s events show ID", s.Self())
	}
}
