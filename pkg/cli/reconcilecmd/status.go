package reconcilecmd

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/comparing"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
)

// shownRuns is how many runs the status lists.
const shownRuns = 10

func statusCmd(s *session.Session) *cobra.Command {
	var campaigns []string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what the stack's own comparisons found",
		Long: `Show what the function of the stack found, which compares by itself once an API key is
kept (reconcile set-key): what is missing of each campaign and type, where a run that is
under way stands, why one could not go on, when the next is due, and the latest runs. It
asks Smartlead nothing, and needs no key.

The counts are those of the latest second look, which goes back some days, with those of
the first looks since, which take what has become older than the lag.`,
		Example: `  smartleadctl reconcile status
  smartleadctl reconcile status --campaign 4100001 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return status(cmd.Context(), s, campaigns) },
	}
	cmd.Flags().StringSliceVar(&campaigns, "campaign", nil, "only this campaign id; may be repeated")
	return cmd
}

// standing is what is kept.
type standing struct {
	state     scheduled.State
	campaigns []scheduled.Campaign
	runs      []scheduled.Run
}

func stored(ctx context.Context, s *session.Session, only []string) (at standing, err error) {
	st, err := s.Connect(ctx)
	if err != nil {
		return at, err
	}
	if at.state, err = scheduled.Standing(ctx, st.Ledger); err != nil {
		return at, err
	}
	if at.campaigns, err = scheduled.Campaigns(ctx, st.Ledger); err != nil {
		return at, err
	}
	if at.runs, err = scheduled.Runs(ctx, st.Ledger, shownRuns); err != nil || len(only) == 0 {
		return at, err
	}
	var chosen []scheduled.Campaign
	for _, id := range only {
		i := slices.IndexFunc(at.campaigns, func(c scheduled.Campaign) bool { return c.ID == id })
		if i < 0 {
			return at, problem.NotFound("nothing is kept of campaign %s", output.Clean(id)).Hint("what is kept: %s reconcile status", s.Self())
		}
		chosen = append(chosen, at.campaigns[i])
	}
	at.campaigns = chosen
	return at, nil
}

func status(ctx context.Context, s *session.Session, only []string) error {
	at, err := stored(ctx, s, only)
	if err != nil {
		return err
	}
	if s.JSON {
		return s.Emit(at.json(s.Now()))
	}
	for _, line := range wording.Standing(at.state, s.Now(), s.Self()) {
		s.Line("%s", line)
	}
	t := output.NewTable("CAMPAIGN", "TYPE", ">COMPLETE", ">LATE", ">MISSING", ">EXTRA", ">UNKNOWABLE").Early("CAMPAIGN")
	for _, c := range at.campaigns {
		for _, count := range c.Now().Types {
			cells := []string{c.ID + " " + c.Name, string(count.Type)}
			for _, v := range reconcile.Verdicts {
				cells = append(cells, output.Thousands(count.Counts[v]))
			}
			t.Add(cells...)
		}
	}
	if t.Len() > 0 {
		s.Line("")
		if err := s.Print(t, ""); err != nil {
			return err
		}
	}
	for _, c := range at.campaigns {
		for _, note := range wording.KeptOf(c, at.state.Drift) {
			s.Line("campaign %s: %s", output.Clean(c.ID), note)
		}
	}
	if len(at.runs) == 0 {
		return nil
	}
	s.Line("")
	return s.Print(runsTable(at.runs), "")
}

func runsTable(runs []scheduled.Run) *output.Table {
	t := output.NewTable("RUN BEGAN", "LOOK", ">CAMPAIGNS", ">NOT WHOLE", ">MAILS", ">MISSING", ">REPAIRED", ">CALLS", "TOOK")
	for _, r := range runs {
		t.Add(output.Stamp(r.StartedAt), string(r.Look), output.Thousands(r.Campaigns), output.Thousands(r.Unproven), output.Thousands(r.Mails),
			output.Thousands(r.Counts[reconcile.Missing]), output.Thousands(r.Repaired.Retriggered+r.Repaired.Synthesized),
			output.Thousands(r.Calls), output.Span(r.EndedAt.Sub(r.StartedAt)))
	}
	return t
}

func nowCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "now",
		Short: "Let the stack compare at once",
		Long: `Ask the function of the stack for a second look at once. It begins within five minutes,
or when the run that is under way has ended; reconcile status says what it found.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, err := s.Connect(cmd.Context())
			if err != nil {
				return err
			}
			if _, err := scheduled.Ask(cmd.Context(), st.Ledger, s.Now()); err != nil {
				return askFailed(s, err)
			}
			return s.Finished("reconcile", "asked for: it begins within five minutes. What it found: %s reconcile status", s.Self())
		},
	}
}

func askFailed(s *session.Session, err error) error {
	if errors.Is(err, scheduled.ErrNoKey) {
		return problem.Failed(err, "nothing is compared").Hint("keep a key of Smartlead's API: %s reconcile set-key", s.Self())
	}
	return err
}

// comparison makes of what is kept what a comparison would have said.
func (a standing) comparison() comparison {
	c := comparison{comparing.Comparison{Names: map[string]string{}}}
	c.Lag = reconcile.DefaultLag
	for _, k := range a.campaigns {
		now := k.Now()
		c.Names[k.ID] = k.Name
		found := reconcile.Campaign{ID: k.ID, Mails: now.Mails, Judged: !now.At.IsZero(), Types: now.Types, Findings: now.Findings, Unnamed: now.Unnamed}
		if k.Cause != "" {
			found.Cause = problem.Failed(nil, "%s", k.Cause)
		}
		c.Campaigns = append(c.Campaigns, found)
		if now.At.After(c.At) {
			c.At = now.At
		}
		if !now.Since.IsZero() && (c.Window.Since.IsZero() || now.Since.Before(c.Window.Since)) {
			c.Window.Since = now.Since
		}
		if now.Until.After(c.Window.Until) {
			c.Window.Until = now.Until
		}
	}
	return c
}
