package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/webhook"
)

// moves collects what became of a command over several events. Each event
// stands for itself: one that cannot be moved does not keep the others back.
type moves struct {
	p       *program
	stack   *Stack
	lane    webhook.Lane // of the messages that follow the moves
	results []*moved
}

type moved struct {
	EventID    string `json:"event_id"`
	From       string `json:"from"`
	State      string `json:"state"`
	Generation int    `json:"generation"`
	Result     string `json:"result"` // done, left, failed, died again
	Error      string `json:"error,omitempty"`

	id    webhook.EventID
	moved bool
	ended bool
	err   error
}

func (p *program) newMoves(s *Stack, lane webhook.Lane) *moves {
	return &moves{p: p, stack: s, lane: lane}
}

// do makes one move. A move whose answer was lost is not repeated with newer
// values: the operator looks and decides.
func (m *moves) do(ctx context.Context, rec webhook.Record, act func(nonce string) (webhook.Record, error)) {
	r := &moved{EventID: string(rec.ID), id: rec.ID, From: string(rec.State), State: string(rec.State), Generation: rec.Generation}
	m.results = append(m.results, r)
	nonce, err := m.p.nonce()
	var after webhook.Record
	if err == nil {
		after, err = act(nonce)
	}
	switch {
	case errors.Is(err, errSkipped):
		r.Result, r.Error = "left", err.Error()
	case errors.Is(err, webhook.ErrChanged):
		r.Result, r.err = "failed", err
		r.Error = "somebody moved it meanwhile: nothing was changed"
		if now, got := m.stack.Ledger.GetMany(ctx, []webhook.EventID{rec.ID}); got == nil {
			r.State = string(now[rec.ID].State)
		}
	case err != nil:
		r.Result, r.Error, r.err = "failed", err.Error(), err
	default:
		r.Result, r.State, r.Generation, r.moved = "done", string(after.State), after.Generation, true
	}
}

// send tells the worker about what was moved. A refused send loses nothing.
func (m *moves) send(ctx context.Context) {
	var msgs []webhook.Message
	for _, r := range m.results {
		if r.moved {
			msgs = append(msgs, webhook.Message{Kind: webhook.KindEvent, ID: r.id})
		}
	}
	if len(msgs) == 0 {
		return
	}
	refused := 0
	for _, err := range m.stack.Queues.Send(ctx, m.lane, msgs) {
		if err != nil {
			refused++
		}
	}
	if refused > 0 {
		m.p.say("%s could not be told to the worker: the sweeper does it in about %s",
			count(refused, "event", "events"), span(m.stack.Grace))
	}
}

// showMoves prints what became of each event, and fails when one failed.
func (p *program) showMoves(m *moves, done string) error {
	t := newTable("EVENT ID", "WAS", "IS", "RESULT", "~ERROR")
	bad, missing := 0, 0
	for _, r := range m.results {
		if r.Result == "failed" || r.Result == "died again" {
			bad++
		}
		if errors.Is(r.err, webhook.ErrNotFound) {
			missing++
		}
		if p.json {
			if err := p.emit(r); err != nil {
				return err
			}
			continue
		}
		result := r.Result
		if result == "done" {
			result = done
		}
		t.add(r.EventID, r.From, r.State, result, r.Error)
	}
	if !p.json {
		if err := p.print(t, ""); err != nil {
			return err
		}
	}
	switch {
	case missing > 0 && missing == len(m.results):
		return notFound("none of the events exists")
	case bad > 0:
		return failed(nil, "%d of %s failed", bad, count(len(m.results), "event", "events")).
			hint("see why: %s events show ID", p.self())
	}
	return nil
}

// step is a command that moves events named by their ids. (The Operator of
// docs/model/ledger.pml and of intake.pml.)
type step struct {
	name, short, long string
	done              string
	from              []webhook.State
	always            bool // ask even for a single event
	lane              webhook.Lane
	act               func(ctx context.Context, p *program, s *Stack, rec webhook.Record, nonce string) (webhook.Record, error)
}

var parking = step{
	name: "park", short: "Set dead events aside: neither redrive nor dead letter moves them", done: "parked",
	long: "Set dead events aside. A parked event owes nothing and no redrive takes it; unpark or replay brings it back.",
	from: []webhook.State{webhook.Dead},
	act: func(ctx context.Context, p *program, s *Stack, rec webhook.Record, _ string) (webhook.Record, error) {
		err := s.Ledger.Park(ctx, rec.ID, rec.Death, p.Now())
		rec.State = webhook.Parked
		return rec, err
	},
}

var unparking = step{
	name: "unpark", short: "Bring parked events back to work", done: "sent",
	long: "Bring parked events back to work with a new budget, and send them at once.",
	from: []webhook.State{webhook.Parked}, lane: webhook.Replay,
	act: func(ctx context.Context, p *program, s *Stack, rec webhook.Record, nonce string) (webhook.Record, error) {
		return p.revive(ctx, s, rec, false, nonce)
	},
}

var discarding = step{
	name: "discard", short: "Give events up for good", done: "discarded", always: true,
	long: "Give dead, parked or held events up for good. Nothing brings a discarded event back; it is kept as long as a delivered one, to be looked at.",
	from: []webhook.State{webhook.Dead, webhook.Parked, webhook.Held},
	act: func(ctx context.Context, p *program, s *Stack, rec webhook.Record, _ string) (webhook.Record, error) {
		if err := s.Ledger.Discard(ctx, rec, p.Now(), p.Now().Add(s.Retention)); err != nil {
			return rec, err
		}
		rec.State = webhook.Discarded
		if err := s.Bodies.Expire(ctx, rec.Payload); err != nil {
			p.say("%s is discarded, but its large body was not marked for deletion: %v", rec.ID, err)
		}
		return rec, nil
	},
}

var releasing = step{
	name: "release", short: "Deliver held events although their secret_key is not trusted", done: "sent",
	long: "Deliver held events although their body's secret_key is not trusted, because you know them to be real. " +
		"After a change of the API key, sources trust-key is the better way: later events are then trusted too.",
	from: []webhook.State{webhook.Held}, lane: webhook.Live,
	act: func(ctx context.Context, p *program, s *Stack, rec webhook.Record, _ string) (webhook.Record, error) {
		return s.Ledger.Release(ctx, rec.ID, p.Now(), p.Now().Add(s.Grace))
	},
}

func (p *program) moveCmd(st step) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: st.name + " ID…", Short: st.short, Long: st.long + " '-' reads ids from stdin.",
		Example: fmt.Sprintf("  smartleadctl events %s v1:EMAIL_REPLY:…", st.name),
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return p.move(cmd.Context(), st, yes, args) },
	}
	addYes(cmd, &yes)
	return cmd
}

func (p *program) move(ctx context.Context, st step, yes bool, args []string) error {
	records, s, err := p.named(ctx, args)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return notFound("no event id was given: nothing was changed")
	}
	if st.always || len(records) > 1 {
		if err := p.confirm(yes, "%s %s: %s", st.name, count(len(records), "event", "events"), byState(records)); err != nil {
			return err
		}
	}
	m := p.newMoves(s, st.lane)
	for _, rec := range records {
		if ctx.Err() != nil {
			break
		}
		m.do(ctx, rec, func(nonce string) (webhook.Record, error) {
			if !slices.Contains(st.from, rec.State) {
				return rec, fmt.Errorf("it is %s; %s is for %s events", rec.State, st.name, join(st.from))
			}
			return st.act(ctx, p, s, rec, nonce)
		})
	}
	if st.lane != "" {
		m.send(ctx)
	}
	return errors.Join(p.showMoves(m, st.done), ctx.Err())
}
