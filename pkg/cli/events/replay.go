package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/moves"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

type replayOptions struct {
	filter.Filter
	again, yes, wait bool
	timeout          time.Duration
	limit            int
	rate             float64 // 0: without a pace
	unmoved          string  // go on with those that have not moved since
}

func replayCmd(s *session.Session) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay [ID…]",
		Short: "Send stored events to their destinations again, now",
		Long: `Send events again, by their ids ('-' reads them from stdin, or
the lines that --json prints) or by filters. What
happens depends on where an event stands:

  dead       brought back with a new budget; destinations that confirmed are left out
  parked     the same
  delivered  delivered once more, to every destination that is configured now, under
             the same idempotency key, so that a destination that dedupes applies
             nothing twice; with --again under a new key, because the effect itself
             is wanted again
  unrouted   the same: after a destination was added, or its filter changed
  held       refused: trust its key or release it
  pending, processing   left alone: it is on its way

It has no pace, unless --rate gives it one: then up to 5,000 events go, the oldest
first, and never while 20 have not ended; it stops where five die. One that was cut off
says how to go on with the rest. For many dead events take redrive start.

` + filter.IDsUsage,
		Example: `  smartleadctl events replay EMAIL_REPLY:3PSO7TVY --wait
  smartleadctl events replay --state dead --error-class http_503 --since 1h
  smartleadctl events replay --state delivered --since 2h --rate 5
  smartleadctl events replay --state unrouted --error-class destination_removed
  smartleadctl events list --lead tom@acme.example.com --json | smartleadctl events replay - --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return replay(cmd.Context(), s, o, args) },
	}
	o.AddFlags(cmd)
	output.AddYes(cmd, &o.yes)
	f := cmd.Flags()
	f.BoolVar(&o.again, "again", false, "delivered and unrouted events: the effect is wanted again (a new idempotency key)")
	f.BoolVar(&o.wait, "wait", false, "wait until each event is delivered, unrouted or dead")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "with --wait: how long")
	f.Float64Var(&o.rate, "rate", 0, fmt.Sprintf("with filters: events a second at most, %d to %d (0: all at once)", operator.MinRate, operator.MaxRate))
	f.StringVar(&o.unmoved, "unmoved-since", "", "with --rate: leave out what has moved since, to go on with a replay that was cut off")
	f.IntVar(&o.limit, "limit", operator.MaxReplay, "refuse to send more events than this")
	return cmd
}

func replay(ctx context.Context, s *session.Session, o replayOptions, args []string) error {
	if (len(args) == 0) == o.Empty() {
		return problem.Usage("replay takes event ids or filters, one of both").
			Hint("one event: %s events replay ID", s.Self()).
			Hint("by filter: %s events replay --state dead --since 2h", s.Self())
	}
	if o.limit < 1 {
		return problem.Usage("--limit is at least 1")
	}
	if o.rate != 0 || o.unmoved != "" {
		return replayPaced(ctx, s, o, args)
	}
	records, st, err := chosen(ctx, s, o, args)
	if err != nil {
		return err
	}
	req := operator.Request{Move: operator.Replay, Events: records, Filtered: len(args) == 0, Again: o.again}
	if len(records) == 0 {
		return problem.NotFound("no event matches: nothing was sent")
	}
	if err := moves.Agree(s, &req, o.yes, "send %s again: %s", output.Count(len(records), "event", "events"), byState(records)); err != nil {
		return err
	}
	report, err := st.Operator.Do(ctx, req)
	if err != nil {
		return err
	}
	moves.SayUnsent(s, st, report)
	if o.wait {
		await(ctx, s, st, &report, o.timeout)
	}
	return errors.Join(moves.Show(s, report, moves.Words{Move: operator.Replay, Done: "sent"}), ctx.Err())
}

// chosen reads the events that the operator means.
func chosen(ctx context.Context, s *session.Session, o replayOptions, args []string) ([]webhook.Record, *stack.Stack, error) {
	if len(args) > 0 {
		return named(ctx, s, args)
	}
	q, err := o.Query(s.Now())
	if err != nil {
		return nil, nil, err
	}
	q.Oldest = o.rate != 0
	st, err := s.Connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	var records []webhook.Record
	erased := 0
	w, err := filter.Look(ctx, s, st.Ledger, q, o.limit+1, filter.MaxLook, func(r webhook.Record) error {
		if r.Erased() {
			erased++
			return nil
		}
		records = append(records, r)
		return nil
	})
	if erased > 0 {
		s.Say("left out: %s, of which nothing is kept that could be sent", output.Count(erased, "erased event", "erased events"))
	}
	var tooMany *operator.TooManyError
	limited := operator.Request{Move: operator.Replay, Events: records, Limit: o.limit}
	switch {
	case err != nil:
		return nil, nil, err
	case errors.As(limited.Check(), &tooMany):
		return nil, nil, problem.Usage("more than %d events match, and replay has no pace", tooMany.Limit).
			Hint("dead ones, paced and watched: %s redrive start", s.Self()).
			Hint("others, up to %d at a pace: --rate %d", operator.MaxPaced, operator.PacedRate).
			Hint("or narrow the filter, or raise --limit")
	case w.Next != "":
		return nil, nil, problem.Usage("looked at %s without reaching the end of what the filter covers", w.What()).
			Hint("narrow it with --since and --until, --lead or --campaign")
	}
	return records, st, nil
}

// named reads the events of the ids; every one must exist.
func named(ctx context.Context, s *session.Session, args []string) ([]webhook.Record, *stack.Stack, error) {
	refs, err := filter.Refs(s, args)
	if err != nil {
		return nil, nil, err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	ids, err := filter.IDs(ctx, s, st.Ledger, refs)
	if err != nil {
		return nil, nil, err
	}
	found, err := st.Ledger.GetMany(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	records := make([]webhook.Record, 0, len(ids))
	for _, id := range ids {
		rec, ok := found[id]
		if !ok {
			return nil, nil, problem.NotFound("there is no event %s: nothing was changed", id).
				Hint("find it: %s events find TEXT", s.Self())
		}
		records = append(records, rec)
	}
	return records, st, nil
}

func byState(records []webhook.Record) string {
	counts := make(map[webhook.State]int)
	for _, r := range records {
		counts[r.State]++
	}
	text := ""
	for _, state := range webhook.States {
		if n := counts[state]; n > 0 {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%d %s", n, state)
		}
	}
	return text
}

// await waits until every event that was moved has ended.
func await(ctx context.Context, s *session.Session, st *stack.Stack, report *operator.Report, timeout time.Duration) {
	open := st.Operator.Await(ctx, report, timeout, func(err error) { s.Say("waiting: %s", problem.Words(err)) })
	if open > 0 && ctx.Err() == nil {
		s.Say("not all have ended within %s; they go on by themselves", output.Span(timeout))
	}
}
