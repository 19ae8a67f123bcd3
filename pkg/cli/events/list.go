package events

import (
	"context"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

type listOptions struct {
	filter.Filter
	after  string
	limit  int
	all    bool
	oldest bool
}

func listCmd(s *session.Session) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"},
		Short: "List events, newest first",
		Long: `List events, newest first. Without --since, of the last 31 days; with --lead, or
--state dead, parked, held or unrouted, of all time. With --state dead
or parked, and no --lead, the times are those of the death.

Nothing scans the table. A lead and the states dead, parked, held and
unrouted are looked up; the other filters choose among what a look-up, or the time,
shows: a campaign, a type, a source and an account by the index alone. Where they match little, a call ends after 20,000 events or 400 days. When
there is more, the last line on stderr says where to go on (--after); nothing is
lost or repeated between two such calls. --all follows every page.`,
		Example: `  smartleadctl events list --since 2h
  smartleadctl events list --state dead --error-class http_503
  smartleadctl events list --lead tom@acme.example.com --json
  smartleadctl events list --state held --json | jq -r .event_id`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), s, o) },
	}
	o.AddFlags(cmd)
	f := cmd.Flags()
	f.IntVar(&o.limit, "limit", 50, "events to list")
	f.StringVar(&o.after, "after", "", "continue after this place of an earlier listing")
	f.BoolVar(&o.all, "all", false, "list all that match, page by page")
	f.BoolVar(&o.oldest, "oldest", false, "oldest first")
	return cmd
}

func list(ctx context.Context, s *session.Session, o listOptions) error {
	q, err := o.Query(s.Now())
	if err != nil {
		return err
	}
	if o.limit < 1 {
		return problem.Usage("--limit is at least 1")
	}
	q.After, q.Oldest = o.after, o.oldest
	probe := q
	probe.Limit = 1
	if err := probe.Check(); err != nil {
		return problem.Usage("--after %s is not where a listing may continue", o.after)
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	limit, bound := o.limit, filter.MaxLook
	if o.all {
		limit, bound = 0, 0
	}
	rows := newEventTable(s, st)
	q.Payloads = showsNames(s)
	w, err := filter.Look(ctx, s, st.Ledger, q, limit, bound, func(r webhook.Record) error {
		if s.JSON {
			return s.Emit(eventview.Of(r))
		}
		rows.add(ctx, r)
		return nil
	})
	if err != nil {
		return err
	}
	if !s.JSON && rows.Len() > 0 {
		if err := s.Print(rows.Table, ""); err != nil {
			return err
		}
	}
	sayMore(s, q, w, rows.Len())
	return nil
}

// sayMore says on stderr where a listing goes on. stdout holds events alone.
func sayMore(s *session.Session, q ledger.Query, w filter.Walked, shown int) {
	switch {
	case w.Spent:
		s.Say("looked at %s; there may be more: --after %s (or narrow it with --since)", w.What(), output.Quote(w.Next))
	case w.Next != "":
		s.Say("there is more: --after %s", output.Quote(w.Next))
	case shown == 0 && !s.JSON && q.Ever():
		s.Say("no event matches")
	case shown == 0 && !s.JSON:
		since, _ := q.Bounds()
		s.Say("no event matches since %s", output.Stamp(since))
	}
}
