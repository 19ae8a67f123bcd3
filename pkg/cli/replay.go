package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/webhook"
)

type replayOptions struct {
	filter
	again, yes, wait bool
	timeout          time.Duration
	limit            int
}

func (p *program) replayCmd() *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay [ID…]",
		Short: "Send stored events to their destinations again, now",
		Long: `Send events again, by their ids ('-' reads them from stdin) or by filters. What
happens depends on where an event stands:

  dead       brought back with a new budget; destinations that confirmed are left out
  parked     the same
  delivered  delivered to every destination once more, under the same idempotency
             key, so that a destination that dedupes applies nothing twice; with
             --again under a new key, because the effect itself is wanted again
  held       refused: trust its key or release it
  pending, processing   left alone: it is on its way

It has no pace. For many dead events take redrive start, which has one.`,
		Example: `  smartleadctl events replay v1:EMAIL_REPLY:… --wait
  smartleadctl events replay --state dead --error-class http_503 --since 1h
  smartleadctl events list --lead tom@acme.example.com --json | jq -r .event_id | smartleadctl events replay - --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return p.replay(cmd.Context(), o, args) },
	}
	o.flags(cmd)
	addYes(cmd, &o.yes)
	f := cmd.Flags()
	f.BoolVar(&o.again, "again", false, "delivered events: the effect is wanted again (a new idempotency key)")
	f.BoolVar(&o.wait, "wait", false, "wait until each event is delivered or dead")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "with --wait: how long")
	f.IntVar(&o.limit, "limit", operator.MaxReplay, "refuse to send more events than this")
	return cmd
}

func (p *program) replay(ctx context.Context, o replayOptions, args []string) error {
	if (len(args) == 0) == o.empty() {
		return usage("replay takes event ids or filters, one of both").
			hint("one event: %s events replay ID", p.self()).
			hint("by filter: %s events replay --state dead --since 2h", p.self())
	}
	records, s, err := p.chosen(ctx, o, args)
	if err != nil {
		return err
	}
	req := operator.Request{Move: operator.Replay, Events: records, Filtered: len(args) == 0, Again: o.again}
	if len(records) == 0 {
		return notFound("no event matches: nothing was sent")
	}
	if err := p.agree(&req, o.yes, "send %s again: %s", count(len(records), "event", "events"), byState(records)); err != nil {
		return err
	}
	report, err := s.Operator.Do(ctx, req)
	if err != nil {
		return err
	}
	p.sayUnsent(s, report)
	if o.wait {
		p.await(ctx, s, &report, o.timeout)
	}
	return errors.Join(p.showMoves(report, moveWords{operator.Replay, "sent"}), ctx.Err())
}

// chosen reads the events that the operator means.
func (p *program) chosen(ctx context.Context, o replayOptions, args []string) ([]webhook.Record, *Stack, error) {
	if len(args) > 0 {
		return p.named(ctx, args)
	}
	q, err := o.query(p.Now())
	if err != nil {
		return nil, nil, err
	}
	s, err := p.connected(ctx)
	if err != nil {
		return nil, nil, err
	}
	var records []webhook.Record
	w, err := walk(ctx, s, q, o.limit+1, maxLook, func(r webhook.Record) error {
		records = append(records, r)
		return nil
	})
	var tooMany *operator.TooManyError
	limited := operator.Request{Move: operator.Replay, Events: records, Limit: o.limit}
	switch {
	case err != nil:
		return nil, nil, err
	case errors.As(limited.Check(), &tooMany):
		return nil, nil, usage("more than %d events match, and replay has no pace", tooMany.Limit).
			hint("dead ones, paced and watched: %s redrive start", p.self()).
			hint("or narrow the filter, or raise --limit")
	case w.next != "":
		return nil, nil, usage("looked at %s without reaching the end of what the filter covers", w.what()).
			hint("narrow it with --since and --until, --lead or --campaign")
	}
	return records, s, nil
}

// named reads the events of the ids; every one must exist.
func (p *program) named(ctx context.Context, args []string) ([]webhook.Record, *Stack, error) {
	ids, err := p.ids(args)
	if err != nil {
		return nil, nil, err
	}
	s, err := p.connected(ctx)
	if err != nil {
		return nil, nil, err
	}
	found, err := s.Ledger.GetMany(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	records := make([]webhook.Record, 0, len(ids))
	for _, id := range ids {
		rec, ok := found[id]
		if !ok {
			return nil, nil, notFound("there is no event %s: nothing was changed", id).
				hint("find it: %s events find TEXT", p.self())
		}
		records = append(records, rec)
	}
	return records, s, nil
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
func (p *program) await(ctx context.Context, s *Stack, report *operator.Report, timeout time.Duration) {
	open := s.Operator.Await(ctx, report, timeout, func(err error) { p.say("waiting: %v", err) })
	if open > 0 && ctx.Err() == nil {
		p.say("not all have ended within %s; they go on by themselves", span(timeout))
	}
}
