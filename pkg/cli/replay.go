package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

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
	f.IntVar(&o.limit, "limit", 500, "refuse to send more events than this")
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
	if len(records) == 0 {
		return notFound("no event matches: nothing was sent")
	}
	if len(records) > 1 || len(args) == 0 {
		if err := p.confirm(o.yes, "send %s again: %s", count(len(records), "event", "events"), byState(records)); err != nil {
			return err
		}
	}
	m := p.newMoves(s, webhook.Replay)
	for _, rec := range records {
		if ctx.Err() != nil {
			break
		}
		m.do(ctx, rec, func(nonce string) (webhook.Record, error) { return p.revive(ctx, s, rec, o.again, nonce) })
	}
	m.send(ctx)
	if o.wait {
		p.await(ctx, m, o.timeout)
	}
	return errors.Join(p.showMoves(m, "sent"), ctx.Err())
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
	switch {
	case err != nil:
		return nil, nil, err
	case len(records) > o.limit:
		return nil, nil, usage("more than %d events match, and replay has no pace", o.limit).
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
	counts := map[webhook.State]int{}
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

// errLeft: nothing had to be done.
var errSkipped = errors.New("left alone")

// revive brings one event back to work, under what was seen of it.
func (p *program) revive(ctx context.Context, s *Stack, rec webhook.Record, again bool, nonce string) (webhook.Record, error) {
	now := p.Now()
	m := webhook.Revival{
		ID: rec.ID, Lane: webhook.Replay, At: now, DueAt: now.Add(s.Grace),
		Death: rec.Death, Generation: rec.Generation, Again: again, Nonce: nonce,
	}
	switch rec.State {
	case webhook.Dead:
		return s.Ledger.Revive(ctx, m)
	case webhook.Parked:
		return s.Ledger.Unpark(ctx, m)
	case webhook.Delivered:
		return s.Ledger.Replay(ctx, m)
	case webhook.Pending, webhook.Processing:
		return rec, fmt.Errorf("%w: it is on its way already", errSkipped)
	case webhook.Held:
		return rec, fmt.Errorf("it is held, because its body's secret_key is not trusted: sources trust-key %s, or events release", rec.Source)
	case webhook.Discarded:
		return rec, errors.New("it was discarded: nothing brings it back")
	}
	return rec, fmt.Errorf("it is %s", rec.State)
}

// --wait and the like look this often, and less often at many: at about 100
// events a second.
const (
	pollEvery = 500 * time.Millisecond
	pollEach  = 10 * time.Millisecond
)

// await waits until every event that was moved has ended.
func (p *program) await(ctx context.Context, m *moves, timeout time.Duration) {
	deadline := p.Now().Add(timeout)
	for {
		var open []webhook.EventID
		for _, r := range m.results {
			if r.moved && !r.ended {
				open = append(open, r.id)
			}
		}
		if len(open) == 0 || ctx.Err() != nil {
			return
		}
		found, err := m.stack.Ledger.GetMany(ctx, open)
		if err != nil {
			p.say("waiting: %v", err)
		}
		for _, r := range m.results {
			if rec, ok := found[r.id]; ok && r.moved {
				r.State, r.ended = string(rec.State), rec.Finished()
				if rec.State == webhook.Dead {
					r.Result, r.Error = "died again", p.cause(rec)
				}
			}
		}
		if !p.Now().Before(deadline) {
			p.say("not all have ended within %s; they go on by themselves", span(timeout))
			return
		}
		p.Sleep(ctx, max(pollEvery, time.Duration(len(open))*pollEach))
	}
}
