package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/webhook"
)

func (p *program) tailCmd() *cobra.Command {
	var f filter
	var every, past time.Duration
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Follow arrivals, until interrupted",
		Long: `Follow arrivals. Each event is shown once, in the state in which it is seen first;
what came of it shows events show. Stop with Ctrl-C.`,
		Example: `  smartleadctl tail
  smartleadctl tail --type EMAIL_REPLY --past 10m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.tail(cmd.Context(), f, every, past) },
	}
	f.common(cmd)
	cmd.Flags().DurationVar(&every, "every", 2*time.Second, "how often to look")
	cmd.Flags().DurationVar(&past, "past", 0, "begin with what came in this time")
	return cmd
}

// overlap is how far back each look reaches again: the index is read a moment
// after it is written, and receivers' clocks differ.
const overlap = 30 * time.Second

// maxPast bounds what the first look reads.
const maxPast = 24 * time.Hour

func (p *program) tail(ctx context.Context, f filter, every, past time.Duration) error {
	if every < 100*time.Millisecond || past < 0 || past > maxPast {
		return usage("--every is at least 100ms, and --past is from 0 to %s", span(maxPast)).
			hint("what came earlier: %s events list --oldest --since", p.self())
	}
	q, err := f.query(p.Now())
	if err != nil {
		return err
	}
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	q.Oldest = true
	begin := p.Now().Add(-past)
	from := begin
	seen := map[webhook.EventID]time.Time{}
	q.Skip = func(id webhook.EventID) bool { return !seen[id].IsZero() }
	for ctx.Err() == nil {
		now := p.Now()
		q.Since, q.Now = from.Add(-overlap), now
		if q.Since.Before(begin) {
			q.Since = begin
		}
		_, err := walk(ctx, s, q, 0, 0, func(r webhook.Record) error {
			seen[r.ID] = r.ReceivedAt
			return p.arrival(r)
		})
		switch {
		case err == nil:
			from = now
		case ctx.Err() == nil: // else the operator has seen enough
			p.say("this look failed, the next one follows: %v", err)
		}
		for id, at := range seen {
			if at.Before(from.Add(-2 * overlap)) {
				delete(seen, id)
			}
		}
		p.Sleep(ctx, every)
	}
	return nil
}

func (p *program) arrival(r webhook.Record) error {
	if p.json {
		return p.emit(viewOf(r))
	}
	p.line("%s", strings.TrimRight(fmt.Sprintf("%s  %-10s  %-23s  %-30s  %s  %s", stamp(r.ReceivedAt), r.State, r.Type,
		shorten(clean(dash(r.LeadEmail)), 30), r.ID, clean(p.note(r))), " "))
	return nil
}
