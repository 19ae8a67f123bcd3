package destinations

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/params"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
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
	st, err := noun.Connect(ctx, s, name)
	if err != nil {
		return err
	}
	switch _, err := st.Destinations.Get(ctx, name); { // one that is broken, too
	case errors.Is(err, sourcestore.ErrNotFound):
		return noun.Absent(s, name)
	case err != nil:
		return err
	}
	w, err := lookFor(ctx, s, st, name, false)
	if err != nil {
		return err
	}
	warning := "events that still wait for it count as settled there" + w.text()
	if w.total() > 0 {
		warning += " (--to OTHER hands them over)"
	}
	if yes {
		s.Say("%s", warning) // nobody is asked
	}
	if err := s.Confirm(yes, "remove destination %s: %s", name, warning); err != nil {
		return err
	}
	if err := noun.Gone(ctx, s, st, name); err != nil {
		return err
	}
	// A pause that stays would hold up another destination of that name; list shows it.
	_, _, _ = gate.Resume(ctx, st.Ledger, name, s.Now())
	return s.Finished(name, "destination %s is removed. %s", name, params.Settles)
}

// handedOver is a hand-over as JSON.
type handedOver struct {
	Name    string `json:"name"`
	To      string `json:"to"`
	Removed bool   `json:"removed"` // by this command, and not before
	Events  int    `json:"handed_over"`
	Left    int    `json:"left"`   // a worker holds them, or took them meanwhile
	Failed  int    `json:"failed"` // the ledger did not answer
}

// handOver removes a destination and hands over what waits for it, before and after:
// as long as it is configured, an attempt that fails leaves its event waiting.
func handOver(ctx context.Context, s *session.Session, name, to string, yes bool) error {
	st, removed, err := handOverBetween(ctx, s, name, to)
	if err != nil {
		return err
	}
	w, err := lookFor(ctx, s, st, name, true)
	if err != nil {
		return err
	}
	if removed && w.total() == 0 {
		return problem.NotFound("there is no destination %s, and no event waits for one of that name: nothing to hand over", name)
	}
	what := "remove destination " + name + ", and hand over to " + to + " what waits for it"
	if removed {
		what = "hand over to " + to + " what waits for " + name + ", which is removed"
	}
	if yes {
		s.Say("%s%s", what, w.text())
	}
	if err := s.Confirm(yes, "%s%s", what, w.text()); err != nil {
		return err
	}
	out := handedOver{Name: name, To: to}
	got := pass(ctx, s, st, w.ids, name, to)
	if got.Failed == 0 && !removed {
		if err := noun.Gone(ctx, s, st, name); err != nil {
			return err
		}
		out.Removed = true
	}
	if got.Failed == 0 {
		if w, err = lookFor(ctx, s, st, name, true); err != nil {
			return err
		}
		again := pass(ctx, s, st, w.ids, name, to)
		got.Done, got.Failed, got.Failure = append(got.Done, again.Done...), again.Failed, again.Failure
		out.Left = w.total() - len(again.Done) - again.Failed
	}
	out.Events, out.Failed = len(got.Done), got.Failed
	return told(s, out, got)
}

// handOverBetween checks both destinations. The one to remove may be removed already.
func handOverBetween(ctx context.Context, s *session.Session, name, to string) (st *stack.Stack, removed bool, err error) {
	if err := destination.ValidateName(name); err != nil {
		return nil, false, problem.Usage("%s: %v", name, err)
	}
	if name == to {
		return nil, false, problem.Usage("--to %s is the destination to remove", to).Hint("name another: %s destinations list", s.Self())
	}
	if st, _, err = get(ctx, s, to); err != nil { // also one that is broken delivers nothing
		return nil, false, err
	}
	_, err = st.Destinations.Get(ctx, name)
	if errors.Is(err, sourcestore.ErrNotFound) {
		return st, true, nil
	}
	return st, false, err
}

func pass(ctx context.Context, s *session.Session, st *stack.Stack, ids []webhook.EventID, from, to string) operator.HandedOver {
	progress := s.Doing("handing over events")
	defer progress.End()
	return st.Operator.HandOver(ctx, ids, from, to, func() { progress.Add(1) })
}

// told says what became of a hand-over, and what is left to do.
func told(s *session.Session, out handedOver, got operator.HandedOver) error {
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
		return problem.Failed(got.Failure, "%s handed over to %s, and %s not; destination %s %s",
			output.Count(out.Events, "event is", "events are"), out.To, output.Thousands(out.Failed), out.Name, kept).Hint("go on: %s", again)
	}
	if !s.JSON {
		sayHandedOver(s, out, got.Done, again)
	}
	return nil
}

func sayHandedOver(s *session.Session, out handedOver, done []webhook.Record, again string) {
	byState := make(map[webhook.State]int)
	for _, r := range done {
		byState[r.State]++
	}
	if out.Events > 0 {
		s.Say("%s now for %s: %s", output.Count(out.Events, "event waits", "events wait"), out.To, states(byState))
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
