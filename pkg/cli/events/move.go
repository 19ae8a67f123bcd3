package events

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/moves"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/operator"
)

// moveCommand is a command that moves events named by their ids.
type moveCommand struct {
	moves.Words
	short, long string
}

var parking = moveCommand{
	Words: moves.Words{Move: operator.Park, Done: "parked"},
	short: "Set dead events aside: neither redrive nor dead letter moves them",
	long:  "Set dead events aside. A parked event owes nothing and no redrive takes it; unpark or replay brings it back.",
}

var unparking = moveCommand{
	Words: moves.Words{Move: operator.Unpark, Done: "sent"},
	short: "Bring parked events back to work",
	long:  "Bring parked events back to work with a new budget, and send them at once.",
}

var discarding = moveCommand{
	Words: moves.Words{Move: operator.Discard, Done: "discarded"},
	short: "Give events up for good",
	long:  "Give dead, parked or held events up for good. Nothing brings a discarded event back; it is kept as long as a delivered one, to be looked at.",
}

var releasing = moveCommand{
	Words: moves.Words{Move: operator.Release, Done: "sent"},
	short: "Deliver held events although their secret_key is not trusted",
	long: "Deliver held events although their body's secret_key is not trusted, because you know them to be real. " +
		"After a change of the API key, sources trust-key is the better way: later events are then trusted too.",
}

func moveCmd(s *session.Session, c moveCommand) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: string(c.Move) + " ID…", Short: c.short, Long: c.long + " '-' reads ids from stdin.\n\n" + filter.IDsUsage,
		Example: fmt.Sprintf("  smartleadctl events %s EMAIL_REPLY:3PSO7TVY", c.Move),
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return move(cmd.Context(), s, c, yes, args) },
	}
	output.AddYes(cmd, &yes)
	return cmd
}

func move(ctx context.Context, s *session.Session, c moveCommand, yes bool, args []string) error {
	records, st, err := named(ctx, s, args)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return problem.NotFound("no event id was given: nothing was changed")
	}
	req := operator.Request{Move: c.Move, Events: records}
	if err := moves.Agree(s, &req, yes, "%s %s: %s", c.Move, output.Count(len(records), "event", "events"), byState(records)); err != nil {
		return err
	}
	report, err := st.Operator.Do(ctx, req)
	if err != nil {
		return err
	}
	for _, r := range report.Results {
		if r.BodyKept != nil {
			s.Say("%s is discarded, but its large body was not marked for deletion: %s", r.Seen.ID, problem.Words(r.BodyKept))
		}
	}
	moves.SayUnsent(s, st, report)
	return errors.Join(moves.Show(s, report, c.Words), ctx.Err())
}
