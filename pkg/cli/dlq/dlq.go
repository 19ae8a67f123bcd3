// Package dlq shows what is dead, and what the dead letter queue holds.
package dlq

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/webhook"
)

// New returns the command dlq and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{Use: "dlq", Aliases: []string{"dl", "dead-letters"}, Short: "See what is dead, and why"}
	cmd.AddCommand(listCmd(s))
	return cmd
}

type listOptions struct {
	filter.Filter
	events bool
	all    bool
}

func listCmd(s *session.Session) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"},
		Short: "List dead events by their cause, and what the dead letter queue holds",
		Long: fmt.Sprintf(`List dead events, grouped by what killed them (destination, error class and cause,
but for its numbers and ids), the largest group first; --events lists each. The
ledger says what is dead; the dead letter queue holds a dead letter for each, so that the SQS console and alarms work. Both ways back are printed: ours,
which has a pace and a canary, and the native one of SQS, which a local stack
does not have.

Up to %d messages of the queue are looked at and given back, to find those that are
no dead letters.`, redrive.MaxLook),
		Example: `  smartleadctl dlq list
  smartleadctl dlq list --type EMAIL_REPLY --events
  smartleadctl dlq list --json | jq 'select(.kind == "cause")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), s, o) },
	}
	o.AddCommon(cmd)
	o.AddDestination(cmd)
	cmd.Flags().BoolVar(&o.events, "events", false, "list each event")
	cmd.Flags().BoolVar(&o.all, "all", false, fmt.Sprintf("read more than %s dead events", output.Thousands(filter.MaxLook)))
	return cmd
}

// report is what dlq list shows.
type report struct {
	Causes []*deathCause
	Dead   int
	Whole  bool // every dead event was read
	Queue  queueView
}

// deadView is a dead event of --events.
type deadView struct {
	Kind string `json:"kind"` // "event"
	eventview.View
}

func list(ctx context.Context, s *session.Session, o listOptions) error {
	o.State = string(webhook.Dead)
	q, err := o.Query(s.Now())
	if err != nil {
		return err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	q.Oldest = true
	bound := filter.MaxLook
	if o.all {
		bound = 0
	}
	queue := lookAtQueue(ctx, st)
	g := report{}
	rows := output.NewTable("DIED", "!TYPE", "LEAD", "CAMPAIGN", ">TRIES", "@EVENT ID", "~CAUSE").
		Early("CAMPAIGN", "LEAD").Dispose("TRIES", "CAMPAIGN", "LEAD")
	groups := map[causeKey]*deathCause{}
	w, err := filter.Look(ctx, s, st.Ledger, q, 0, bound, func(r webhook.Record) error {
		g.Dead++
		addCause(groups, r)
		switch {
		case o.events && s.JSON:
			return s.Emit(deadView{"event", eventview.Of(r)})
		case o.events:
			rows.Add(output.Stamp(r.DiedAt), string(r.Type), r.LeadEmail, r.CampaignID, fmt.Sprint(r.Tries()), string(r.ID), eventview.Cause(r))
		}
		return nil
	})
	found, failed := queue() // also behind an error: it gives back what it took
	if err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	g.Whole, g.Causes, g.Queue = w.Next == "", sorted(groups), found
	g.Queue.Dead, g.Queue.Whole = g.Dead, g.Whole
	g.Queue.Native, g.Queue.Ours = native(s, st), s.Self()+" redrive start"
	if s.JSON {
		return emitReport(s, g)
	}
	if o.events && g.Dead > 0 {
		if err := s.Print(rows, ""); err != nil {
			return err
		}
		s.Line("")
	}
	showReport(s, g)
	return nil
}

func emitReport(s *session.Session, g report) error {
	for _, c := range g.Causes {
		if err := s.Emit(c); err != nil {
			return err
		}
	}
	return s.Emit(g.Queue)
}

func showReport(s *session.Session, g report) {
	if g.Dead == 0 {
		s.Line("No dead event matches.")
	} else {
		more := ""
		if !g.Whole {
			more = " (the oldest; there are more: --all)"
		}
		s.Line("%s, by cause%s", output.Count(g.Dead, "dead event", "dead events"), more)
		showCauses(s, g.Causes)
	}
	s.Line("")
	showQueue(s, g.Queue)
	if g.Dead == 0 {
		return
	}
	s.Line("")
	showNext(s, g.Queue)
}

func showNext(s *session.Session, v queueView) {
	s.Line("What to do next")
	s.Line("  See one:       %s events show ID", s.Self())
	s.Line("  Fix what failed. Then, at a pace, with a canary first:")
	s.Line("                 %s redrive plan", s.Self())
	s.Line("                 %s", v.Ours)
	if v.Native != "" {
		s.Line("  Or natively, at the full speed of SQS (in its console: Start DLQ redrive,")
		s.Line("  Redrive to a custom destination, the live queue):")
		s.Line("                 %s", v.Native)
	}
	s.Wrap("  ", eventview.NotApplied)
}
