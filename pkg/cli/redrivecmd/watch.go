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

// follow looks at a redrive until it is over, and shows each change. Its end is the
// command's: a redrive that stopped itself failed.
func follow(ctx context.Context, s *session.Session, st *stack.Stack) error {
	line := s.Live()
	show := changes(s, line)
	for ctx.Err() == nil {
		job, err := st.Redrive.Status(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			line.Keep()
			return noJob(s, err)
		}
		if err := show(job); err != nil {
			return err
		}
		if job.State.Final() {
			return showEnd(s, job)
		}
		s.Sleep(ctx, watchEvery)
	}
	line.Keep()
	s.Say("the redrive goes on by itself: %s redrive status --watch", s.Self())
	return problem.ErrSeenEnough
}

// drawn tells whether a redrive is shown as one line that is drawn over and over,
// which only a terminal can.
func drawn(s *session.Session) bool { return s.OutTerminal && s.ErrTerminal && !s.JSON }

// changes returns what shows a redrive each time that it is looked at: drawn on a
// terminal, else as a line or an object for each change. With --json the end is an
// object like the others.
func changes(s *session.Session, drawing *output.LiveLine) func(redrive.Job) error {
	last := ""
	return func(j redrive.Job) error {
		if drawn(s) {
			drawing.Set("%s", progressLine(j))
			if j.State.Final() {
				drawing.Keep()
			}
			return nil
		}
		line := changeLine(j)
		if line == last {
			return nil
		}
		last = line
		switch {
		case !s.JSON:
			s.Line("%s  %s", output.Stamp(j.UpdatedAt), line)
			return nil
		case j.State.Final(): // shown as the end
			return nil
		}
		view := jobOf(j)
		view.Log = nil // grows with every object; the end has it
		return s.Emit(view)
	}
}

// changeLine is how a redrive stands, without its times.
func changeLine(j redrive.Job) string {
	return fmt.Sprintf("%-9s  %s of %s released, %s delivered, %s under way, %s died again, %s a second. %s", j.State,
		output.Thousands(j.Counts.Released), output.Thousands(j.Counts.Planned), output.Thousands(j.Counts.Delivered),
		underWay(j), output.Thousands(j.Counts.DiedAgain), redrive.PerSecond(j.Pace.Rate), output.Clean(j.Reason))
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
