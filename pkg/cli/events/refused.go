package events

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/refusal"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/webhook"
)

type refusedOptions struct {
	day   string
	limit int
}

func refusedCmd(s *session.Session) *cobra.Command {
	var o refusedOptions
	cmd := &cobra.Command{
		Use:   "refused",
		Short: "List requests that were not accepted, and why",
		Long: `List the requests of the last 24 hours, or of one day (UTC), that were not accepted,
or of which elements were not, newest first. They are kept for 14 days, at a bounded rate, without secrets.`,
		Example: `  smartleadctl events refused
  smartleadctl events refused --day 2026-03-04`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return refused(cmd.Context(), s, o) },
	}
	cmd.Flags().StringVar(&o.day, "day", "", "day in UTC, such as 2026-03-04 (default: the last 24 hours)")
	cmd.Flags().IntVar(&o.limit, "limit", 50, "requests to list, at most 1,000")
	return cmd
}

type refusedView struct {
	At        string `json:"at"`
	Cause     string `json:"cause"`
	Detail    string `json:"detail,omitempty"`
	Source    string `json:"source,omitempty"`
	SourceIP  string `json:"source_ip,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
	RequestID string `json:"request_id"`
	Bytes     int    `json:"bytes"`
	Excerpt   string `json:"excerpt,omitempty"`
	Next      string `json:"next,omitempty"`
}

// shownExcerpt bounds the body in a table, in characters; --json has more.
const shownExcerpt = 60

// refusalText is the reason, and how the body begins.
func refusalText(r webhook.RejectedRequest) string {
	excerpt := output.Shorten(r.Excerpt, shownExcerpt)
	if r.Detail == "" || excerpt == "" {
		return r.Detail + excerpt
	}
	return r.Detail + "; the body begins: " + excerpt
}

// refusedSpan is the time before now that is listed: a UTC day would hide, just after
// midnight, all that came before it.
const refusedSpan = 24 * time.Hour

func refused(ctx context.Context, s *session.Session, o refusedOptions) error {
	until := s.Now().Add(time.Millisecond) // with what came just now
	since, span := until.Add(-refusedSpan), "in the last 24 hours"
	if o.day != "" {
		day, err := time.Parse(time.DateOnly, o.day)
		if err != nil {
			return problem.Usage("--day %s is no day such as 2026-03-04", o.day)
		}
		since, until, span = day, day.AddDate(0, 0, 1), "on "+o.day
	}
	if o.limit < 1 || o.limit > 1000 {
		return problem.Usage("--limit is 1 to 1,000")
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	list, err := st.Ledger.RejectedRequests(ctx, since, until, o.limit)
	if err != nil {
		return err
	}
	t := output.NewTable("AT", "CAUSE", "SOURCE", "FROM", ">BYTES", "REQUEST", "~DETAIL").Early("REQUEST").Dispose("REQUEST", "FROM", "BYTES")
	for _, r := range list {
		next := refusal.Advice(s.Self(), r)
		if s.JSON {
			err := s.Emit(refusedView{
				At: output.Wire(r.At), Cause: r.Cause, Detail: r.Detail, Source: r.Source, SourceIP: r.SourceIP,
				UserAgent: r.UserAgent, RequestID: r.RequestID, Bytes: r.Bytes, Excerpt: r.Excerpt, Next: next,
			})
			if err != nil {
				return err
			}
			continue
		}
		t.Add(output.Stamp(r.At), r.Cause, r.Source, r.SourceIP, output.Thousands(r.Bytes), r.RequestID, refusalText(r))
	}
	if s.JSON {
		return nil
	}
	if len(list) == 0 {
		s.Say("nothing was refused %s; what is larger than 10 MB, or an array beyond 6 MB, API Gateway refuses by itself: the access log has it (status 413)", span)
		return nil
	}
	if err := s.Print(t, ""); err != nil {
		return err
	}
	s.Line("")
	sayRefused(s, list)
	if len(list) == o.limit {
		s.Say("there may be more: --limit %d", min(1000, 10*o.limit))
	}
	return nil
}

// sayRefused says what to do about the requests: each advice once, with all the causes
// that it is for. It names the source where it depends on it.
func sayRefused(s *session.Session, list []webhook.RejectedRequest) {
	var order []string
	causes := map[string][]string{}
	for _, r := range list {
		next := refusal.Advice(s.Self(), r)
		switch {
		case next == "":
			continue
		case causes[next] == nil:
			order = append(order, next)
		}
		if !slices.Contains(causes[next], r.Cause) {
			causes[next] = append(causes[next], r.Cause)
		}
	}
	for _, next := range order {
		s.Line("%s: %s", strings.Join(causes[next], ", "), next)
	}
}
