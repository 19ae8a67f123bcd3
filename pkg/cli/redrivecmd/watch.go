package redrivecmd

import (
	"context"
	"time"

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
	line := s.Live()
	for ctx.Err() == nil {
		job, err := st.Redrive.Status(ctx)
		if err != nil {
			line.Keep()
			return noJob(s, err)
		}
		line.Set("%s", progressLine(job))
		if job.State.Final() {
			line.Keep()
			return showEnd(s, job)
		}
		s.Sleep(ctx, watchEvery)
	}
	line.Keep()
	s.Say("the redrive goes on by itself: %s redrive status", s.Self())
	return nil
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
