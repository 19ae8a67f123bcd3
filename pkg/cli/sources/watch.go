package sources

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/refusal"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

const (
	watchEvery = 2 * time.Second
	// skew is how far the clocks of a receiver and of this machine may differ.
	skew = 30 * time.Second
	// settling is how long an event is waited for that has arrived and not ended.
	settling = 30 * time.Second
	// maxRefusals bounds the refusals of one look.
	maxRefusals = 100
)

func watchCmd(s *session.Session) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "watch NAME",
		Short: "Wait for the first event of a source, and say what became of it",
		Long: `Wait for the next event that comes through a source, say what arrived and what
became of it, and end. Requests that are refused meanwhile are told, with what fixes
them; the wait goes on. Press Test Webhook at Smartlead, or let a campaign run.

What came before already is no new event: after a press of Test Webhook, wait a
minute before the next.

Exit code 0 when an event arrived, 1 when none did within --timeout.`,
		Example: `  smartleadctl sources watch acme
  smartleadctl sources watch acme --timeout 1h`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return watch(cmd.Context(), s, args[0], timeout) },
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait")
	return cmd
}

func watch(ctx context.Context, s *session.Session, name string, timeout time.Duration) error {
	if timeout <= 0 || timeout > 24*time.Hour {
		return problem.Usage("--timeout is up to 24h")
	}
	st, err := noun.Connect(ctx, s, name)
	if err != nil {
		return err
	}
	switch err := st.Sources.Exists(ctx, name); {
	case errors.Is(err, sourcestore.ErrNotFound):
		return noun.Absent(s, name)
	case err != nil:
		return err
	}
	w := watcher{s: s, st: st, name: name, begin: s.Now()}
	if err := w.remember(ctx); err != nil {
		return err
	}
	s.Say("waiting for an event of source %s, for %s at most; Ctrl-C ends it", name, output.Span(timeout))
	for s.Now().Sub(w.begin) < timeout {
		s.Sleep(ctx, watchEvery)
		if ctx.Err() != nil {
			return problem.ErrSeenEnough
		}
		if err := w.tellRefusals(ctx); err != nil {
			return err
		}
		came, err := w.news(ctx)
		if err != nil {
			return err
		}
		if came != nil {
			return w.tell(ctx, *came)
		}
	}
	return w.nothing(timeout)
}

// watcher is what the command knows between two looks.
type watcher struct {
	s      *session.Session
	st     *stack.Stack
	name   string
	begin  time.Time
	before []webhook.EventID // what was there, as far as the clocks may differ
	told   []string          // request ids of the refusals that were told
}

func (w *watcher) query() ledger.Query {
	return ledger.Query{Source: w.name, Since: w.begin.Add(-skew), Oldest: true, Now: w.s.Now()}
}

// remember notes what had arrived before the watch began.
func (w *watcher) remember(ctx context.Context) error {
	_, err := filter.Walk(ctx, w.st.Ledger, w.query(), 0, 0, func(r webhook.Record) error {
		w.before = append(w.before, r.ID)
		return nil
	})
	if err != nil {
		return err
	}
	refused, err := w.refusals(ctx)
	for _, r := range refused {
		w.told = append(w.told, r.RequestID)
	}
	return err
}

// news returns the first event that has come since, if one has.
func (w *watcher) news(ctx context.Context) (came *webhook.Record, err error) {
	_, err = filter.Walk(ctx, w.st.Ledger, w.query(), 0, 0, func(r webhook.Record) error {
		if came == nil && !slices.Contains(w.before, r.ID) {
			came = &r
		}
		return nil
	})
	return came, err
}

func (w *watcher) refusals(ctx context.Context) ([]webhook.RejectedRequest, error) {
	list, err := w.st.Ledger.RejectedRequests(ctx, w.begin.Add(-skew), w.s.Now().Add(skew), maxRefusals)
	return slices.DeleteFunc(list, func(r webhook.RejectedRequest) bool { return r.Source != w.name }), err
}

func (w *watcher) tellRefusals(ctx context.Context) error {
	list, err := w.refusals(ctx)
	if err != nil {
		return err
	}
	for _, r := range slices.Backward(list) { // the oldest first
		if slices.Contains(w.told, r.RequestID) {
			continue
		}
		w.told = append(w.told, r.RequestID)
		w.s.Say("%s refused: %s", output.Stamp(r.At), r.Cause)
		if advice := refusal.Advice(w.s.Self(), r); advice != "" {
			w.s.Say("  %s", advice)
		}
	}
	return nil
}

// tell says what arrived, and waits a little for its end.
func (w *watcher) tell(ctx context.Context, r webhook.Record) error {
	for until := w.s.Now().Add(settling); !r.Finished() && w.s.Now().Before(until) && ctx.Err() == nil; {
		w.s.Sleep(ctx, watchEvery)
		now, err := w.st.Ledger.Get(ctx, r.ID)
		if err != nil {
			return err
		}
		r = now
	}
	if w.s.JSON {
		return w.s.Emit(eventview.Of(r))
	}
	what := "arrived"
	if slices.Contains(r.Flags, webhook.FlagTestEvent) {
		what = "arrived: the sample of the button Test Webhook"
	}
	w.s.Line("%s %s", eventview.TypeText(string(r.Type), r.RawType), what)
	w.s.Line("  id         %s", w.s.ID(string(r.ID)))
	w.s.Line("  received   %s", w.s.When(r.ReceivedAt))
	if r.LeadEmail != "" {
		w.s.Line("  lead       %s", output.Clean(r.LeadEmail))
	}
	if r.CampaignID != "" {
		w.s.Line("  campaign   %s", output.Clean(r.CampaignID))
	}
	w.s.Line("  now        %s", eventview.Headline(w.s.Clock, r))
	w.s.Say("all of it: %s events show %s", w.s.Self(), w.s.ID(string(r.ID)))
	return nil
}

func (w *watcher) nothing(timeout time.Duration) error {
	err := problem.Failed(nil, "no event of source %s came within %s", w.name, output.Span(timeout))
	if len(w.told) > 0 {
		return err.Hint("requests were refused: %s events refused", w.s.Self())
	}
	return err.
		Hint("is the webhook active at Smartlead, and are its events ticked? Its delivery log there says what it sent").
		Hint("does a webhook for the whole account silence this one? Then give that one this URL").
		Hint("does its URL answer? %s doctor --source %s", w.s.Self(), output.Quote(w.name)).
		Hint("a URL that begins otherwise, or a name of a source that does not exist, is refused under that name: %s events refused", w.s.Self())
}
