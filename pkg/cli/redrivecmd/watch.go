package redrivecmd

import (
	"context"
	"fmt"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/stack"
)

// watchEvery is how often a watched redrive is looked at.
const watchEvery = 2 * time.Second

// follow looks at a redrive until it is over: with a bar on a terminal, silently
// otherwise. Its end is the command's: a redrive that stopped itself failed.
func follow(ctx context.Context, s *session.Session, st *stack.Stack) error {
	for ctx.Err() == nil {
		job, err := st.Redrive.Status(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return noJob(s, err)
		}
		progress(s, "\r\x1b[K%s", output.Shorten(output.Plain(progressLine(job)), max(20, orNumber(s.Width, 80)-1)))
		if job.State.Final() {
			progress(s, "\n")
			return showEnd(s, job)
		}
		s.Sleep(ctx, watchEvery)
	}
	progress(s, "\n")
	s.Say("the redrive goes on by itself: %s redrive status", s.Self())
	return problem.ErrSeenEnough
}

// progress draws on a terminal only.
func progress(s *session.Session, format string, args ...any) {
	if s.ErrTerminal && !s.JSON {
		fmt.Fprintf(s.Err, format, args...)
	}
}

func showEnd(s *session.Session, job redrive.Job) error {
	if err := showJob(s, job); err != nil {
		return err
	}
	if job.State == redrive.Stopped {
		return problem.Failed(nil, "the redrive stopped itself: %s", job.Reason).Hint("what died again: %s dlq list", s.Self())
	}
	return nil
}

func orNumber(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
