package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/webhook"
)

// moved is what became of one event as JSON.
type moved struct {
	EventID    string `json:"event_id"`
	From       string `json:"from"`
	State      string `json:"state"`
	Generation int    `json:"generation"`
	Result     string `json:"result"` // done, left, failed, died again
	Error      string `json:"error,omitempty"`
}

// moveWords is how a command words its move.
type moveWords struct {
	move operator.Move
	done string // the result of an event that was moved
}

// agree asks where the use case wants a person's word.
func (p *program) agree(req *operator.Request, yes bool, format string, args ...any) error {
	if !req.NeedsConfirmation() {
		return nil
	}
	if err := p.confirm(yes, format, args...); err != nil {
		return err
	}
	req.Confirmed = true
	return nil
}

// movedOf words what became of one event.
func (p *program) movedOf(r operator.Result, move operator.Move) moved {
	m := moved{
		EventID: string(r.Seen.ID), From: string(r.Seen.State), State: string(r.Now.State), Generation: r.Now.Generation,
		Result: "failed",
	}
	switch r.Outcome {
	case operator.Done:
		m.Result = "done"
		if move == operator.Replay && r.Now.State == webhook.Dead {
			m.Result, m.Error = "died again", p.cause(r.Now)
		}
	case operator.UnderWay:
		m.Result, m.Error = "left", "left alone: it is on its way already"
	case operator.Unfit:
		m.Error = unfit(r.Seen, move)
	case operator.Changed:
		m.Generation = r.Seen.Generation
		m.Error = "somebody moved it meanwhile: nothing was changed"
	default:
		m.Error = r.Err.Error()
	}
	return m
}

// unfit says why a move is not for an event.
func unfit(r webhook.Record, move operator.Move) string {
	switch {
	case move != operator.Replay:
		return fmt.Sprintf("it is %s; %s is for %s events", r.State, move, join(move.From()))
	case r.State == webhook.Held:
		return fmt.Sprintf("it is held, because its body's secret_key is not trusted: sources trust-key %s, or events release", r.Source)
	case r.State == webhook.Discarded:
		return "it was discarded: nothing brings it back"
	}
	return fmt.Sprintf("it is %s", r.State)
}

// sayUnsent tells of what the queue did not accept. It loses nothing.
func (p *program) sayUnsent(s *Stack, report operator.Report) {
	if n := report.Unsent(); n > 0 {
		p.say("%s could not be told to the worker: the sweeper does it in about %s", count(n, "event", "events"), span(s.Grace))
	}
}

// showMoves prints what became of each event, and fails when one failed.
func (p *program) showMoves(report operator.Report, words moveWords) error {
	t := newTable("EVENT ID", "WAS", "IS", "RESULT", "~ERROR")
	bad, missing := 0, 0
	for _, r := range report.Results {
		m := p.movedOf(r, words.move)
		if m.Result == "failed" || m.Result == "died again" {
			bad++
		}
		if r.Outcome == operator.Missing {
			missing++
		}
		if p.json {
			if err := p.emit(m); err != nil {
				return err
			}
			continue
		}
		result := m.Result
		if result == "done" {
			result = words.done
		}
		t.add(m.EventID, m.From, m.State, result, m.Error)
	}
	if !p.json {
		if err := p.print(t, ""); err != nil {
			return err
		}
	}
	switch {
	case missing > 0 && missing == len(report.Results):
		return notFound("none of the events exists")
	case bad > 0:
		return failed(nil, "%d of %s failed", bad, count(len(report.Results), "event", "events")).
			hint("see why: %s events show ID", p.self())
	}
	return nil
}

// moveCommand is a command that moves events named by their ids.
type moveCommand struct {
	moveWords
	short, long string
}

var parking = moveCommand{
	moveWords: moveWords{operator.Park, "parked"},
	short:     "Set dead events aside: neither redrive nor dead letter moves them",
	long:      "Set dead events aside. A parked event owes nothing and no redrive takes it; unpark or replay brings it back.",
}

var unparking = moveCommand{
	moveWords: moveWords{operator.Unpark, "sent"},
	short:     "Bring parked events back to work",
	long:      "Bring parked events back to work with a new budget, and send them at once.",
}

var discarding = moveCommand{
	moveWords: moveWords{operator.Discard, "discarded"},
	short:     "Give events up for good",
	long:      "Give dead, parked or held events up for good. Nothing brings a discarded event back; it is kept as long as a delivered one, to be looked at.",
}

var releasing = moveCommand{
	moveWords: moveWords{operator.Release, "sent"},
	short:     "Deliver held events although their secret_key is not trusted",
	long: "Deliver held events although their body's secret_key is not trusted, because you know them to be real. " +
		"After a change of the API key, sources trust-key is the better way: later events are then trusted too.",
}

func (p *program) moveCmd(c moveCommand) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: string(c.move) + " ID…", Short: c.short, Long: c.long + " '-' reads ids from stdin.",
		Example: fmt.Sprintf("  smartleadctl events %s v1:EMAIL_REPLY:…", c.move),
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return p.move(cmd.Context(), c, yes, args) },
	}
	addYes(cmd, &yes)
	return cmd
}

func (p *program) move(ctx context.Context, c moveCommand, yes bool, args []string) error {
	records, s, err := p.named(ctx, args)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return notFound("no event id was given: nothing was changed")
	}
	req := operator.Request{Move: c.move, Events: records}
	if err := p.agree(&req, yes, "%s %s: %s", c.move, count(len(records), "event", "events"), byState(records)); err != nil {
		return err
	}
	report, err := s.Operator.Do(ctx, req)
	if err != nil {
		return err
	}
	for _, r := range report.Results {
		if r.BodyKept != nil {
			p.say("%s is discarded, but its large body was not marked for deletion: %v", r.Seen.ID, r.BodyKept)
		}
	}
	p.sayUnsent(s, report)
	return errors.Join(p.showMoves(report, c.moveWords), ctx.Err())
}
