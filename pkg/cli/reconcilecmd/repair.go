package reconcilecmd

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/repair"
)

// maxBy bounds the name in the record, in bytes.
const maxBy = 200

type repairOptions struct {
	options

	mode   string
	wait   string
	budget int
	source string
	by     string
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
	f.StringVar(&o.mode, "mode", string(repair.Synthesize), "how far it goes: retrigger, synthesize")
	f.IntVar(&o.budget, "budget", repair.DefaultBudget, "events that are made at most")
	f.StringVar(&o.wait, "wait", "30m", "how long what Smartlead posts again is waited for")
	f.BoolVar(&o.noWait, "no-wait", false, "do not wait here: a later run goes on")
	f.StringVar(&o.source, "source", "", "source in whose name events enter (default: that of the campaign's events, else of its webhook)")
	f.StringVar(&o.by, "by", "", "who repairs, for the record (default: $USER)")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.IntVar(&o.named, "show", 20, "events to name at most; --json names all")
	output.AddYes(cmd, &o.yes)
	_ = cmd.RegisterFlagCompletionFunc("mode", cobra.FixedCompletions(output.Names(repair.Modes[1:]), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// request is what may be done.
func (o repairOptions) request(s *session.Session) (repair.Request, error) {
	r := repair.Request{Mode: repair.Mode(o.mode), Budget: o.budget, Source: o.source}
	var err error
	switch r.By = output.Clean(cmp.Or(o.by, s.Getenv("USER"), s.Getenv("USERNAME"))); {
	case len(r.By) > maxBy:
		return r, problem.Usage("--by has at most %d characters", maxBy)
	case r.Mode != repair.Retrigger && r.Mode != repair.Synthesize:
		return r, problem.Usage("--mode %s is none of retrigger, synthesize", output.Plain(o.mode))
	case o.budget < 1:
		return r, problem.Usage("--budget is at least 1")
	case o.named < 0:
		return r, problem.Usage("--show is at least 0")
	}
	if r.Wait, err = filter.ParseSpan(o.wait); err != nil || r.Wait <= 0 {
		return r, problem.Usage("--wait %s is no length of time, such as 30m", output.Plain(o.wait))
	}
	return r, nil
}

func repairMissing(ctx context.Context, s *session.Session, o repairOptions) error {
	r, err := o.request(s)
	if err != nil {
		return err
	}
	c, err := compare(ctx, s, o.options)
	if err != nil {
		return err
	}
	plan := r
	plan.DryRun = true
	result, err := c.repair(ctx, s, plan)
	if err != nil {
		return err
	}
	switch {
	case len(result.Items) == 0:
		s.Say("nothing is missing: there is nothing to repair")
		return c.outcome(s)
	case o.dryRun:
		return o.show(s, c, result)
	case result.Of(repair.StepRetrigger)+result.Of(repair.StepSynthesize)+result.Of(repair.StepWait) == 0:
		if err := o.show(s, c, result); err != nil {
			return err
		}
		return left(s, result)
	}
	if !s.JSON {
		if err := o.show(s, c, result); err != nil {
			return err
		}
	}
	if err := s.Confirm(o.yes, "%s", intent(result)); err != nil {
		return err
	}
	if result, err = c.repair(ctx, s, r); err != nil {
		return problem.Failed(err, "it broke off").Hint("run it again: what was done is not done twice")
	}
	if !result.WaitUntil.IsZero() && !o.noWait && r.Mode == repair.Synthesize {
		if result, err = o.again(ctx, s, r, result.WaitUntil); err != nil {
			return err
		}
	}
	if err := o.show(s, c, result); err != nil {
		return err
	}
	return left(s, result)
}

// again waits, compares once more, and repairs what has not come.
func (o repairOptions) again(ctx context.Context, s *session.Session, r repair.Request, until time.Time) (repair.Result, error) {
	s.Say("Smartlead was asked to post again what failed; what does not come until %s is made then. Stopping here does no harm: run it again", output.Stamp(until))
	p := s.Doing("waiting")
	for s.Now().Before(until) && ctx.Err() == nil {
		s.Sleep(ctx, min(until.Sub(s.Now()), time.Minute))
	}
	p.End()
	if ctx.Err() != nil {
		return repair.Result{}, ctx.Err()
	}
	c, err := compare(ctx, s, o.options)
	if err != nil {
		return repair.Result{}, err
	}
	return c.repair(ctx, s, r)
}

func (c comparison) repair(ctx context.Context, s *session.Session, r repair.Request) (repair.Result, error) {
	p := s.Doing("reading what a repair needs")
	if !r.DryRun {
		p.End()
		p = s.Doing("repairing")
	}
	defer p.End()
	all := append([]reconcile.Campaign{}, c.Campaigns...)
	if c.Inbox != nil {
		all = append(all, *c.Inbox)
	}
	return c.st.Repair.Repair(ctx, c.client, r, all...)
}

// intent completes "This will …".
func intent(r repair.Result) string {
	made, asked := r.Of(repair.StepSynthesize), r.Of(repair.StepRetrigger)
	text := "wait for what Smartlead was asked for, and make what does not come"
	if asked > 0 {
		text = "ask Smartlead for " + output.Count(asked, "missing event", "missing events") + ", and make what does not come"
	}
	if made > 0 {
		text = "make " + output.Count(made, "event", "events") + " of what Smartlead's API says"
		if asked > 0 {
			text += ", and ask Smartlead for " + output.Count(asked, "more", "more")
		}
	}
	return text
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
	if s.JSON {
		return nil
	}
	return s.Print(t, "no repair was needed in the last 90 days")
}
