// Package redrivecmd plans, starts and watches redrives. The redrive function does
// the work.
package redrivecmd

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/redrive"
)

// New returns the command redrive and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "redrive",
		Short: "Bring many dead events back, at a pace that the destination keeps up with",
		Long: `Bring many dead events back: a few first, then faster while nothing fails, slower
when something does, not at all while most of it fails. The redrive function does
the work; these commands tell it what to do. One redrive runs at a time.`,
	}
	cmd.AddCommand(
		planCmd(s), startCmd(s), statusCmd(s),
		jobCmd(s, "pause", "Stop releasing until resume; what was released goes on", (*redrive.Service).Pause),
		jobCmd(s, "resume", "Go on with a paused redrive, beginning with a few", (*redrive.Service).Resume),
		jobCmd(s, "cancel", "End the redrive; the rest stays dead", (*redrive.Service).Cancel),
		historyCmd(s),
	)
	return cmd
}

func statusCmd(s *session.Session) *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the current or latest redrive",
		Example: `  smartleadctl redrive status
  smartleadctl redrive status --watch`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, err := s.Connect(cmd.Context())
			if err != nil {
				return err
			}
			if watch {
				return follow(cmd.Context(), s, st)
			}
			job, err := st.Redrive.Status(cmd.Context())
			if err != nil {
				return noJob(s, err)
			}
			return showJob(s, job)
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "watch until it is over")
	return cmd
}

// noJob says how to start one.
func noJob(s *session.Session, err error) error {
	if errors.Is(err, redrive.ErrNoJob) {
		return problem.Failed(err, "nothing to do").Hint("what is dead: %s dlq list", s.Self()).Hint("start one: %s redrive start", s.Self())
	}
	return err
}

// asItStands refuses a command for a redrive that is under way as it wants it.
func asItStands(s *session.Session, name string, job redrive.Job) error {
	e := problem.Failed(nil, "nothing to %s: the redrive is %s", name, job.State)
	if job.State == redrive.Paused {
		return e.Hint("go on: %s redrive resume", s.Self()).Hint("end it: %s redrive cancel", s.Self())
	}
	return e.Hint("see it: %s redrive status --watch", s.Self()).Hint("stop releasing: %s redrive pause", s.Self())
}

func jobCmd(s *session.Session, name, short string, act func(*redrive.Service, context.Context) (redrive.Job, error)) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Example: "  smartleadctl redrive " + name, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, err := s.Connect(cmd.Context())
			if err != nil {
				return err
			}
			job, err := act(st.Redrive, cmd.Context())
			switch {
			case errors.Is(err, redrive.ErrNoJob) && job.State != "" && !job.State.Final():
				return asItStands(s, name, job)
			case err != nil:
				return noJob(s, err)
			}
			return showJob(s, job)
		},
	}
}

func historyCmd(s *session.Session) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "history", Short: "List past redrives", Example: "  smartleadctl redrive history", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > 1000 {
				return problem.Usage("--limit is 1 to 1,000")
			}
			return history(cmd.Context(), s, limit)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "redrives to list")
	return cmd
}

func history(ctx context.Context, s *session.Session, limit int) error {
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	jobs, unreadable, err := st.Redrive.History(ctx, limit)
	if err != nil {
		return err
	}
	t := output.NewTable("STARTED", "*STATE", ">RELEASED", ">DELIVERED", ">DIED AGAIN", ">PARKED", ">TOOK", "FILTER", "+HOW IT ENDED").Early("FILTER").Dispose("PARKED", "TOOK", "FILTER", "RELEASED")
	for _, j := range jobs {
		end := j.Reason
		if left := leftBehind(j); left != "" {
			end += "; " + left
		}
		if s.JSON {
			if err := s.Emit(jobOf(j)); err != nil {
				return err
			}
			continue
		}
		t.Add(output.Stamp(j.StartedAt), string(j.State), output.Thousands(j.Counts.Released), output.Thousands(j.Counts.Delivered),
			output.Thousands(j.Counts.DiedAgain), output.Thousands(j.Counts.Parked), output.Span(j.EndedAt.Sub(j.StartedAt)), wording.RequestText(j.Request), end)
	}
	for _, id := range unreadable {
		s.Say("the record of redrive %s cannot be read, and is left out: nothing depends on it", output.Clean(id))
	}
	switch {
	case s.JSON:
		return nil
	case len(jobs) == 0:
		s.Say("no redrive has ended yet")
		return nil
	}
	return s.Print(t, "")
}
