package leads

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/operator"
)

func forgottenCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "forgotten ADDRESS",
		Short: "Say whether a lead was erased, when and by whom",
		Long: `Say whether a lead was erased, when, by whom and how much. The record of it has no
address, but a digest of it under a key that operators have, so that nobody reads from the
table who it was.`,
		Example: `  smartleadctl leads forgotten tom@acme.example.com`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return showForgotten(cmd.Context(), s, args[0]) },
	}
}

// runView is an erasure as JSON.
type runView struct {
	BegunAt string        `json:"begun_at"`
	EndedAt string        `json:"ended_at,omitempty"`
	By      string        `json:"by,omitempty"`
	Erased  operator.Held `json:"erased"`
}

func showForgotten(ctx context.Context, s *session.Session, text string) error {
	lead, err := address(text)
	if err != nil {
		return err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	runs, err := st.Operator.Forgotten(ctx, lead)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		return problem.NotFound("%s was never erased", lead)
	}
	t := output.NewTable("BEGUN", "ENDED", "BY", ">EVENTS", ">GIVEN UP", ">VARIANTS", ">LARGE BODIES", ">REFUSED", ">INCIDENTS", ">FINDINGS", ">ARCHIVED").Dispose("REFUSED", "INCIDENTS", "FINDINGS")
	for _, r := range runs {
		if s.JSON {
			if err := s.Emit(runViewOf(r)); err != nil {
				return err
			}
			continue
		}
		e := r.Erased
		t.Add(output.Stamp(r.BegunAt), output.Stamp(r.EndedAt), r.By,
			fmt.Sprint(e.Events), fmt.Sprint(e.Waiting), fmt.Sprint(e.Variants), fmt.Sprint(e.Bodies), fmt.Sprint(e.Refused), fmt.Sprint(e.Incidents), fmt.Sprint(e.Findings), fmt.Sprint(e.Archived))
	}
	if !s.JSON {
		if err := s.Print(t, ""); err != nil {
			return err
		}
	}
	held, not, err := look(ctx, s, st, lead)
	switch {
	case err != nil:
		return err
	case !held.Nothing():
		s.Say("kept now, received since or left: %s", counts(held))
		s.Say("erase it: %s leads forget %s", s.Self(), output.Quote(lead))
	case runs[len(runs)-1].EndedAt.IsZero():
		s.Say("the latest erasure did not come to its end: run it again: %s leads forget %s", s.Self(), output.Quote(lead))
	}
	if not != nil {
		return missed(s, lead, not, "it cannot be told whether anything is kept now")
	}
	return nil
}

func runViewOf(r operator.Run) runView {
	v := runView{BegunAt: output.Wire(r.BegunAt), By: r.By, Erased: r.Erased}
	if !r.EndedAt.IsZero() {
		v.EndedAt = output.Wire(r.EndedAt)
	}
	return v
}
