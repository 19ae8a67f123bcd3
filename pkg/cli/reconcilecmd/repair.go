package reconcilecmd

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/comparing"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/repair"
)

type repairOptions struct {
	options

	do     comparing.RepairOptions
	dryRun bool
	noWait bool
	yes    bool
	named  int
}

func repairCmd(s *session.Session) *cobra.Command {
	var o repairOptions
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Bring what is missing: ask Smartlead first, then make it of what its API says",
		Long: `Compare, and repair what is missing. First Smartlead is asked to post again what it counts
as failed. What has not come after --wait is made of what Smartlead's API says, under the
identity that its webhook would have had, so that a webhook which comes late is a duplicate.
It enters as a request of the source would, and says everywhere that it was made: the event
has "origin": "reconcile" and the flag synthesized.

Nothing is guessed. An event is made only where events that are made of facts whose webhook
arrived have the identity of that webhook; everything else stays a finding, and is said with
the reason. docs/COMPLETENESS.md has the types.

What would be done is shown first. A repair that breaks off does no harm: run it again. Exit
code 1 when something is left.`,
		Example: `  smartleadctl reconcile repair --dry-run
  smartleadctl reconcile repair --campaign 4100001 --since 2d
  smartleadctl reconcile repair --yes --no-wait --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return repairMissing(cmd.Context(), s, o) },
	}
	o.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.do.Mode, "mode", string(repair.Synthesize), "how far it goes: retrigger, synthesize")
	f.IntVar(&o.do.Budget, "budget", repair.DefaultBudget, "events that are made at most")
	f.StringVar(&o.do.Wait, "wait", comparing.DefaultWait, "how long what Smartlead posts again is waited for")
	f.BoolVar(&o.noWait, "no-wait", false, "do not wait here: a later run goes on")
	f.StringVar(&o.do.Source, "source", "", "source in whose name events enter (default: that of the campaign's events, else of its webhook)")
	f.StringVar(&o.do.By, "by", "", "who repairs, for the record (default: $USER)")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.IntVar(&o.named, "show", 20, "events to name at most; --json names all")
	output.AddYes(cmd, &o.yes)
	_ = cmd.RegisterFlagCompletionFunc("mode", cobra.FixedCompletions(output.Names(repair.Modes[1:]), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// request is what may be done.
func (o repairOptions) request(s *session.Session) (repair.Request, error) {
	if o.named < 0 {
		return repair.Request{}, problem.Usage("--show is at least 0")
	}
	o.do.By = cmp.Or(o.do.By, s.Caller())
	return o.do.Request()
}

func repairMissing(ctx context.Context, s *session.Session, o repairOptions) error {
	r, err := o.request(s)
	if err != nil {
		return err
	}
	t, end, err := o.tool(ctx, s)
	if err != nil {
		return err
	}
	defer end()
	c, err := t.Compare(ctx, o.Options)
	if err != nil {
		return err
	}
	plan, err := t.Plan(ctx, c, r)
	end()
	switch {
	case err != nil:
		return err
	case len(plan.Items) == 0:
		s.Say("nothing is missing: there is nothing to repair")
		return comparison{c}.outcome(s)
	case o.dryRun:
		return o.show(s, c, plan)
	case !comparing.Does(plan):
		if err := o.show(s, c, plan); err != nil {
			return err
		}
		return left(s, plan)
	}
	if !s.JSON {
		if err := o.show(s, c, plan); err != nil {
			return err
		}
	}
	if err := s.Confirm(o.yes, "%s", comparing.Intent(plan, r.Mode)); err != nil {
		return err
	}
	c, result, err := o.repair(ctx, s, t, c, r)
	end()
	if err != nil {
		return err
	}
	if len(result.Items) == 0 && result.Unnamed == 0 {
		s.Say("nothing is missing any more")
		return comparison{c}.outcome(s)
	}
	if err := o.show(s, c, result); err != nil {
		return err
	}
	return left(s, result)
}

// repair repairs and, unless nobody waits, comes back to what Smartlead was asked for.
func (o repairOptions) repair(ctx context.Context, s *session.Session, t comparing.Tool, c comparing.Comparison, r repair.Request) (comparing.Comparison, repair.Result, error) {
	result, err := t.Repair(ctx, c, r)
	if err != nil || o.noWait || !comparing.Waits(result, r) {
		return c, result, err
	}
	t.Watch.Doing("")
	if done := comparing.Only(result); len(done.Items) > 0 {
		if err := o.show(s, c, done); err != nil {
			return c, result, err
		}
	}
	s.Say("Smartlead was asked to post again what failed; what does not come until %s is made then. Stopping here does no harm: run it again", output.Stamp(result.WaitUntil))
	return t.Again(ctx, o.Options, r, result, s.Sleep)
}

// left is how a repair ends.
func left(s *session.Session, r repair.Result) error {
	n := r.Of(repair.StepNone) + r.Unnamed
	switch waiting := r.Of(repair.StepWait) + r.Of(repair.StepRetrigger); {
	case n == 0 && waiting > 0:
		return problem.Failed(nil, "%s waited for", output.Count(waiting, "event is", "events are")).
			Hint("go on once %s has passed: %s reconcile repair", output.Stamp(r.WaitUntil), s.Self())
	case n > 0:
		return problem.Failed(nil, "%s still missing", output.Count(n, "event is", "events are")).
			Hint("what makes Smartlead send a single one: %s resend-guide TYPE", s.Self())
	}
	return nil
}

func repairsCmd(s *session.Session) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "repairs",
		Short: "List the repairs: who, when and what",
		Long: `List the latest repairs, the latest first. An event that a repair made says so itself:
events show ID.`,
		Example: `  smartleadctl reconcile repairs
  smartleadctl reconcile repairs --json | jq -r '.events[]'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return problem.Usage("--limit is at least 1")
			}
			return repairs(cmd.Context(), s, limit)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "repairs to list at most")
	return cmd
}

func repairs(ctx context.Context, s *session.Session, limit int) error {
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	runs, err := st.Repair.Runs(ctx, limit)
	if err != nil {
		return err
	}
	t := output.NewTable("BEGUN", "ENDED", "BY", ">ASKED OF", ">MADE", ">HERE ALREADY", ">LEFT", "RUN").Dispose("RUN", "HERE ALREADY")
	for _, r := range runs {
		if s.JSON {
			if err := s.Emit(r); err != nil {
				return err
			}
			continue
		}
		ended := output.Stamp(r.EndedAt)
		if r.EndedAt.IsZero() {
			ended = "under way, or broke off"
		}
		t.Add(output.Stamp(r.BegunAt), ended, r.By, output.Thousands(len(r.Asked)), output.Thousands(r.Made), output.Thousands(r.Known), output.Thousands(r.Left), r.Run)
	}
	switch {
	case s.JSON:
		return nil
	case len(runs) == 0:
		s.Say("no repair was made in the last 90 days")
		return nil
	}
	return s.Print(t, "")
}
