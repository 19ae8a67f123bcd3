// Package tail follows events from their arrival to their end.
package tail

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// New returns the command tail.
func New(s *session.Session) *cobra.Command {
	var f filter.Filter
	var every, past time.Duration
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Follow events as they arrive and end, until interrupted",
		Long: `Follow events that arrive: a line for each as it ends, and for each attempt that
failed before, with what every destination answered and how long it took. One that
no worker takes gets a line, too. Events that arrived before are followed with
--past. With --error-class, only what failed like that.

Stop with Ctrl-C (exit code 130). When the local stack ends meanwhile, tail ends with
exit code 1.`,
		Example: `  smartleadctl tail
  smartleadctl tail --type EMAIL_REPLY --past 10m
  smartleadctl tail --json | jq -c '{event_id, state, last_attempts}'`,
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
			Hint("what came earlier: %s events list --oldest --since 2d", s.Self())
	}
	q, err := f.Query(s.Now())
	if err != nil {
		return err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	q.Oldest, q.ErrorClass = true, "" // an event has none when it arrives
	begin := s.Now().Add(-past)
	w := &watch{s: s, st: st, query: q, class: f.Class, begin: begin, from: begin, seen: map[webhook.EventID]time.Time{}}
	for failed := 0; ctx.Err() == nil; s.Sleep(ctx, every) {
		switch err := w.look(ctx); {
		case err == nil && failed > 1:
			s.Say("the stack answers again")
			failed = 0
		case err == nil:
			failed = 0
		case ctx.Err() != nil: // the operator has seen enough
		case s.Target.Local && errors.Is(err, syscall.ECONNREFUSED):
			return problem.Failed(nil, "the local stack has ended, and what tail follows with it: make run starts it")
		case nobodyReads(err):
			return err
		default:
			if failed++; failed == 2 { // one that the next look makes good is no news
				s.Say("the stack does not answer, and is asked again: %s", problem.Words(err))
			}
		}
	}
	return problem.ErrSeenEnough
}

// nobodyReads tells an error of our own output from one of the stack.
func nobodyReads(err error) bool {
	var own *outputError
	return errors.As(err, &own)
}

// outputError is the failure to show something.
type outputError struct{ error }

func (e *outputError) Unwrap() error { return e.error }

// maxOpen bounds how many events that have not ended are read again at each look:
// a worker that stands still must not make each look cost more than the one before.
const maxOpen = 200

// watch is what tail knows between two looks.
type watch struct {
	s      *session.Session
	st     *stack.Stack
	query  ledger.Query
	class  string // of the errors to show; "" for all
	begin  time.Time
	from   time.Time // the time of the latest look that succeeded
	seen   map[webhook.EventID]time.Time
	open   []followed // in order of arrival
	passed bool       // it was said that the oldest of them are let go
}

// followed is an event that has not ended.
type followed struct {
	id    webhook.EventID
	tried int  // the latest attempt that was shown
	shown bool // anything was
}

// look reads what arrived since the last look, and how the open events stand.
func (w *watch) look(ctx context.Context) error {
	now := w.s.Now()
	q := w.query
	q.Since, q.Now = w.from.Add(-overlap), now
	if q.Since.Before(w.begin) {
		q.Since = w.begin
	}
	q.Skip = func(id webhook.EventID) bool { return !w.seen[id].IsZero() }
	if err := w.lookAgain(ctx); err != nil {
		return err
	}
	_, err := filter.Walk(ctx, w.st.Ledger, q, 0, 0, func(r webhook.Record) error {
		w.seen[r.ID] = r.ReceivedAt
		f := followed{id: r.ID}
		if r.Finished() || tried(r) > 0 {
			if err := w.show(r, &f); err != nil {
				return err
			}
		}
		if !r.Finished() {
			w.open = append(w.open, f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.from = now
	w.forget()
	return nil
}

// lookAgain reads the open events anew, and shows those of which there is news.
func (w *watch) lookAgain(ctx context.Context) error {
	ids := make([]webhook.EventID, 0, len(w.open))
	for _, f := range w.open {
		ids = append(ids, f.id)
	}
	now, err := w.st.Ledger.GetMany(ctx, ids)
	if err != nil {
		return err
	}
	still := make([]followed, 0, len(w.open))
	for _, f := range w.open {
		r, there := now[f.id]
		if !there {
			continue // it has expired
		}
		if r.Finished() || tried(r) > f.tried || !f.shown {
			if err := w.show(r, &f); err != nil {
				return err
			}
		}
		if !r.Finished() {
			still = append(still, f)
		}
	}
	w.open = still
	return nil
}

// forget lets go what no look will meet again, and the oldest of what is too much.
func (w *watch) forget() {
	for id, at := range w.seen {
		if at.Before(w.from.Add(-2 * overlap)) {
			delete(w.seen, id)
		}
	}
	over := len(w.open) - maxOpen
	if over <= 0 {
		return
	}
	w.open = w.open[over:]
	if !w.passed {
		w.passed = true
		w.s.Say("more than %s have not ended: only the latest are followed to their end; see the others: %s events list --state pending",
			output.Count(maxOpen, "event", "events"), w.s.Self())
	}
}

func (w *watch) show(r webhook.Record, f *followed) error {
	f.shown, f.tried = true, tried(r)
	if w.class != "" && r.ErrorClass != w.class {
		return nil
	}
	if err := showEvent(w.s, r); err != nil {
		return &outputError{err}
	}
	return nil
}
