package redrivecmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/stack"
)

func startCmd(s *session.Session) *cobra.Command {
	var o requestOptions
	var yes, watch bool
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start a redrive of the dead events that match",
		Example: `  smartleadctl redrive start --error-class http_503 --max-rate 20
  smartleadctl redrive start --type EMAIL_REPLY --limit 10 --yes --watch`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request, st, err := o.connect(cmd.Context(), s)
			if err != nil {
				return err
			}
			return start(cmd.Context(), s, st, request, yes, watch)
		},
	}
	o.flags(cmd)
	output.AddYes(cmd, &yes)
	cmd.Flags().BoolVar(&watch, "watch", false, "watch until it is over")
	return cmd
}

func start(ctx context.Context, s *session.Session, st *stack.Stack, request redrive.Request, yes, watch bool) error {
	plan, err := planned(ctx, s, st, request)
	if err != nil {
		return err
	}
	if plan.Release == 0 && plan.Park == 0 {
		return fmt.Errorf("nothing was started: %w", redrive.ErrNothing)
	}
	what := "bring " + output.Count(plan.Release, "dead event", "dead events") + " back to work"
	if plan.Park > 0 {
		what += fmt.Sprintf(", and park %d that were redriven too often", plan.Park)
	}
	if err := s.Confirm(yes, "%s, in about %s if nothing fails", what, output.Span(plan.Estimate)); err != nil {
		return err
	}
	job, err := st.Redrive.Start(ctx, request)
	if errors.Is(err, redrive.ErrActive) {
		return problem.Failed(err, "nothing was started").Hint("see it: %s redrive status", s.Self()).
			Hint("end it: %s redrive cancel", s.Self())
	}
	if err != nil {
		return err
	}
	if watch {
		return follow(ctx, s, st)
	}
	s.Say("the redrive function takes it up within a minute: %s redrive status --watch", s.Self())
	return showJob(s, job)
}
