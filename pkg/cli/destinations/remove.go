package destinations

import (
	"context"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/destcare"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

func removeCmd(s *session.Session) *cobra.Command {
	var to string
	var yes bool
	cmd := &cobra.Command{
		Use: "remove NAME", Aliases: []string{"rm", "delete"},
		Short: "Remove a destination: what still waits for it counts as settled, or is handed over",
		Long: `Remove a destination. What still waits for it counts as settled there.

With --to OTHER, events that wait for it wait for OTHER instead, with a budget of
their own; what the filter of OTHER does not want is unrouted there. An event that
a worker holds at that moment is left, and a running function may choose the
destination for another minute: repeat the command then, it also hands over what
waits for a destination that is removed already.`,
		Example: `  smartleadctl destinations remove crm
  smartleadctl destinations remove crm --to new-crm`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("to") {
				return handOver(cmd.Context(), s, args[0], to, yes)
			}
			return remove(cmd.Context(), s, args[0], yes)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "another destination, which gets what still waits for this one")
	output.AddYes(cmd, &yes)
	return cmd
}

func remove(ctx context.Context, s *session.Session, name string, yes bool) error {
	desk, err := connect(ctx, s, name)
	if err != nil {
		return err
	}
	switch there, err := desk.Exists(ctx, name); { // one that is broken, too
	case err != nil:
		return err
	case !there:
		return desk.Absent(name)
	}
	w, err := lookFor(ctx, s, desk, name, destcare.MaxWaiting)
	if err != nil {
		return err
	}
	warning := "events that still wait for it count as settled there" + w.Text()
	if w.Total() > 0 {
		warning += " (--to OTHER hands them over)"
	}
	if yes {
		s.Say("%s", warning) // nobody is asked
	}
	if err := s.Confirm(yes, "remove destination %s: %s", name, warning); err != nil {
		return err
	}
	if err := desk.Delete(ctx, name); err != nil {
		return err
	}
	return s.Finished(name, "destination %s is removed. %s", name, wording.Settles)
}

// lookFor finds what waits, and shows how far it is.
func lookFor(ctx context.Context, s *session.Session, desk destcare.Desk, name string, most int) (*destcare.Waiting, error) {
	progress := s.Progress("events")
	defer progress.End()
	return desk.LookFor(ctx, name, most, func(n int) { progress.Add(n) })
}

// handOver removes a destination and hands over what waits for it.
func handOver(ctx context.Context, s *session.Session, name, to string, yes bool) error {
	desk, removed, err := handOverBetween(ctx, s, name, to)
	if err != nil {
		return err
	}
	look := func() (*destcare.Waiting, error) { return lookFor(ctx, s, desk, name, 0) }
	w, err := look()
	if err != nil {
		return err
	}
	if removed && w.Total() == 0 {
		return problem.NotFound("there is no destination %s, and no event waits for one of that name: nothing to hand over", name)
	}
	what := "remove destination " + name + ", and hand over to " + to + " what waits for it"
	if removed {
		what = "hand over to " + to + " what waits for " + name + ", which is removed"
	}
	if yes {
		s.Say("%s%s", what, w.Text())
	}
	if err := s.Confirm(yes, "%s%s", what, w.Text()); err != nil {
		return err
	}
	progress := s.Doing("handing over events")
	out, err := desk.HandOver(ctx, name, to, removed, w, look, func() { progress.Add(1) })
	progress.End()
	if err != nil {
		return err
	}
	return told(s, out)
}

// handOverBetween checks both destinations. The one to remove may be removed already.
func handOverBetween(ctx context.Context, s *session.Session, name, to string) (desk destcare.Desk, removed bool, err error) {
	if err := destination.ValidateName(name); err != nil {
		return desk, false, problem.Usage("%s: %v", name, err)
	}
	if name == to {
		return desk, false, problem.Usage("--to %s is the destination to remove", to).Hint("name another: %s destinations list", s.Self())
	}
	if desk, err = connect(ctx, s, to); err != nil {
		return desk, false, err
	}
	if _, err = desk.Get(ctx, to); err != nil { // also one that is broken delivers nothing
		return desk, false, err
	}
	there, err := desk.Exists(ctx, name)
	return desk, !there, err
}

// told says what became of a hand-over, and what is left to do.
func told(s *session.Session, out destcare.HandedOver) error {
	again := s.Self() + " destinations remove " + out.Name + " --to " + out.To
	if s.JSON {
		if err := s.Emit(out); err != nil {
			return err
		}
	}
	if out.Failed > 0 {
		kept := "is not removed"
		if out.Removed {
			kept = "is removed"
		}
		return problem.Failed(out.Failure, "%s handed over to %s, and %s not; destination %s %s",
			output.Count(out.Events, "event is", "events are"), out.To, output.Thousands(out.Failed), out.Name, kept).Hint("go on: %s", again)
	}
	if !s.JSON {
		sayHandedOver(s, out, again)
	}
	return nil
}

func sayHandedOver(s *session.Session, out destcare.HandedOver, again string) {
	byState := make(map[webhook.State]int)
	for _, r := range out.Done {
		byState[r.State]++
	}
	if out.Events > 0 {
		s.Say("%s", out.Text())
	}
	if byState[webhook.Dead] > 0 {
		s.Say("What is dead stays so until it is brought back: %s redrive start", s.Self())
	}
	if out.Left > 0 {
		s.Say("%s left: a worker has taken %s meanwhile", output.Count(out.Left, "event is", "events are"),
			map[bool]string{true: "it", false: "them"}[out.Left == 1])
	}
	if out.Removed {
		s.Say("destination %s is removed. Running functions take it up within a minute, and may choose it until then.", out.Name)
	}
	if out.Removed || out.Left > 0 {
		s.Say("Hand over in a minute what waits then: %s", again)
	}
}
