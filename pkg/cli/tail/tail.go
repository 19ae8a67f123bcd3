// Package tail follows arrivals.
package tail

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/webhook"
)

// New returns the command tail.
func New(s *session.Session) *cobra.Command {
	var f filter.Filter
	var every, past time.Duration
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Follow arrivals, until interrupted",
		Long: `Follow arrivals. Each event is shown once, in the state in which it is seen first;
what came of it shows events show. Stop with Ctrl-C.`,
		Example: `  smartleadctl tail
  smartleadctl tail --type EMAIL_REPLY --past 10m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), s, f, every, past) },
	}
	f.AddCommon(cmd)
	cmd.Flags().DurationVar(&every, "every", 2*time.Second, "how often to look")
	cmd.Flags().DurationVar(&past, "past", 0, "begin with what came in this time")
	return cmd
}

// overlap is how far back each look reaches again: the index is read a moment
// after it is written, and receivers' clocks differ.
const overlap = 30 * time.Second

// maxPast bounds what the first look reads.
const maxPast = 24 * time.Hour

func run(ctx context.Context, s *session.Session, f filter.Filter, every, past time.Duration) error {
	if every < 100*time.Millisecond || past < 0 || past > maxPast {
		return problem.Usage("--every is at least 100ms, and --past is from 0 to %s", output.Span(maxPast)).
			Hint("what came earlier: %s events list --oldest --since", s.Self())
	}
	q, err := f.Query(s.Now())
	if err != nil {
		return err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	q.Oldest = true
	begin := s.Now().Add(-past)
	from := begin
	seen := map[webhook.EventID]time.Time{}
	q.Skip = func(id webhook.EventID) bool { return !seen[id].IsZero() }
	for ctx.Err() == nil {
		now := s.Now()
		q.Since, q.Now = from.Add(-overlap), now
		if q.Since.Before(begin) {
			q.Since = begin
		}
		_, err := filter.Walk(ctx, st.Ledger, q, 0, 0, func(r webhook.Record) error {
			seen[r.ID] = r.ReceivedAt
			return arrival(s, r)
		})
		switch {
		case err == nil:
			from = now
		case ctx.Err() == nil: // else the operator has seen enough
			s.Say("this look failed, the next one follows: %s", problem.Words(err))
		}
		for id, at := range seen {
			if at.Before(from.Add(-2 * overlap)) {
				delete(seen, id)
			}
		}
		s.Sleep(ctx, every)
	}
	return problem.ErrSeenEnough
}

func arrival(s *session.Session, r webhook.Record) error {
	if s.JSON {
		return s.Emit(eventview.Of(r))
	}
	s.Line("%s", strings.TrimRight(fmt.Sprintf("%s  %-10s  %-23s  %-30s  %s  %s", output.Stamp(r.ReceivedAt), r.State, r.Type,
		output.Shorten(output.Clean(output.Dash(r.LeadEmail)), 30), r.ID, output.Clean(eventview.Note(s.Clock, r))), " "))
	return nil
}
