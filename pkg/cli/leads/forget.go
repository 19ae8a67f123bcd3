package leads

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/stack"
)

func forgetCmd(s *session.Session) *cobra.Command {
	var yes bool
	var by string
	cmd := &cobra.Command{
		Use: "forget ADDRESS", Aliases: []string{"erase"},
		Short: "Erase what is kept of a lead, for good",
		Long: `Erase what is kept of a lead, for good: the payloads of its events, its address,
ids of its mails, what destinations answered, the other bodies under the same
identities (variants), large bodies, what refused requests quote of it, and where its
threads in Slack are. It says what it found and asks first.

The id and the state of an event stay, so that Smartlead sending it again is a
duplicate; of such a repeat nothing is kept. What still waits to be delivered is
discarded. An event that a worker has at this moment is left: run the command again.
It may be broken off and repeated at any time, and goes on where it was. Where the
archive, or what a destination keeps, cannot be reached, all else is erased, and the
command says so and fails: mend that, and run it again. Where nothing is kept of the
lead it fails, too; with --yes it records the lead as erased all the same, so that no
repair makes an event of it.

Take the lead out of Smartlead first: an event that is sent after that is a new event.
Only events of the lead itself are found, not those in whose text it is mentioned.
docs/SECURITY.md says what it cannot reach.`,
		Example: `  smartleadctl leads forget tom@acme.example.com
  smartleadctl leads forget tom@acme.example.com --yes --by privacy@example.com`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return forget(cmd.Context(), s, args[0], by, yes) },
	}
	output.AddYes(cmd, &yes)
	cmd.Flags().StringVar(&by, "by", "", "who asks for it, for the record (default: the user of this machine)")
	return cmd
}

// maxBy bounds the name in the record, in bytes.
const maxBy = 200

// forgetView is what was erased as JSON. It has no address: output is kept, too.
type forgetView struct {
	Erased     operator.Held `json:"erased"`
	Complete   bool          `json:"complete"`
	NotReached []string      `json:"not_reached"`
}

func forget(ctx context.Context, s *session.Session, text, by string, yes bool) error {
	lead, err := address(text)
	if err != nil {
		return err
	}
	if by = output.Clean(cmp.Or(by, s.Getenv("USER"), s.Getenv("USERNAME"))); len(by) > maxBy {
		return problem.Usage("--by has at most %d characters", maxBy)
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	held, not, err := look(ctx, s, st, lead)
	if err != nil {
		return err
	}
	none := false
	if held.Nothing() {
		broken, err := brokenOff(ctx, st, lead)
		switch none = !broken; {
		case err != nil:
			return err
		case none && !yes && not != nil:
			return missed(s, lead, not, "nothing was found")
		case none && !yes:
			return nothing(s, lead)
		}
		yes = true // only its record is written
	}
	for _, what := range reasons(not) {
		s.Say("not looked at: %s", what)
	}
	if err := s.Confirm(yes, "%s", question(lead, held)); err != nil {
		return err
	}
	progress := s.Doing("erasing")
	erased, err := st.Operator.Forget(ctx, operator.Forgetting{Address: lead, By: by, Confirmed: true}, func() { progress.Add(1) })
	progress.End()
	if errors.As(err, &not) && ctx.Err() == nil {
		if err := show(s, erased, reasons(not)); err != nil {
			return err
		}
		return missed(s, lead, not, "erased: "+counts(erased))
	}
	if err != nil {
		return problem.Failed(err, "it broke off after %s", counts(erased)).Hint("run it again: it goes on where it was")
	}
	if none && erased.Nothing() {
		if s.JSON {
			if err := show(s, erased, nil); err != nil {
				return err
			}
		}
		return problem.NotFound("nothing is kept of %s; it is recorded as erased, so that no repair makes an event of it", lead)
	}
	if err := show(s, erased, nil); err != nil {
		return err
	}
	return left(s, lead, erased)
}

// look counts what is kept of a lead. What was not reached keeps nobody from the rest:
// not says what, nil for nothing.
func look(ctx context.Context, s *session.Session, st *stack.Stack, lead string) (held operator.Held, not *operator.UnreachedError, err error) {
	progress := s.Progress("events and refused requests")
	defer progress.End()
	held, err = st.Operator.HeldOf(ctx, lead, func() { progress.Add(1) })
	if errors.As(err, &not) && ctx.Err() == nil {
		err = nil
	}
	return held, not, err
}

// reasons are what was not reached, and why.
func reasons(not *operator.UnreachedError) (all []string) {
	if not == nil {
		return nil
	}
	if not.Events != nil {
		all = append(all, "events: "+output.Clean(problem.Words(not.Events)))
	}
	if not.Traces != nil {
		all = append(all, "what destinations keep of the lead: "+output.Clean(problem.Words(not.Traces)))
	}
	if not.Archive != nil {
		all = append(all, "the archive: "+output.Clean(problem.Words(not.Archive)))
	}
	return all
}

// missed is the failure of a command that did not reach everything; did is what it did.
func missed(s *session.Session, lead string, not *operator.UnreachedError, did string) error {
	err := problem.Failed(nil, "%s; not reached: %s", did, strings.Join(reasons(not), "; "))
	if problem.Denied(not.Archive) {
		err = err.Hint("you need the rights of deploy/operator-archive-policy.json on every place where the archive is or was: %s archive status lists them", s.Self())
	}
	if not.Events != nil {
		err = err.Hint("a newer version wrote those events: use the smartleadctl of the version that is deployed, or of the newest one that was")
	}
	return err.Hint("when that is mended, run it again, which erases what is left: %s leads forget %s", s.Self(), output.Quote(lead))
}

// brokenOff tells whether the latest erasure did not come to its end.
func brokenOff(ctx context.Context, st *stack.Stack, lead string) (bool, error) {
	runs, err := st.Operator.Forgotten(ctx, lead)
	return len(runs) > 0 && runs[len(runs)-1].EndedAt.IsZero(), err
}

// nothing is the answer where nothing is kept of a lead. A repair could make its events
// all the same, unless it is recorded as erased.
func nothing(s *session.Session, lead string) error {
	return problem.NotFound("nothing is kept of %s", lead).
		Hint("with --yes it is recorded as erased all the same, so that no repair makes an event of it").
		Hint("was it erased before? %s leads forgotten %s", s.Self(), output.Quote(lead))
}

func question(lead string, h operator.Held) string {
	text := "erase what is kept of " + lead + ", for good: " + counts(h)
	if h.Waiting > 0 {
		text += "; " + output.Count(h.Waiting, "still waits and will be given up", "still wait and will be given up")
	}
	if h.Left > 0 {
		text += "; " + output.Count(h.Left, "is being delivered and will be left", "are being delivered and will be left")
	}
	return text
}

// notReached is where a lead may still be, apart from backups.
func notReached(s *session.Session) []string {
	list := []string{
		"backups: the table can be restored to any moment of the last 35 days (point-in-time recovery); after a restore, erase again",
		"messages that carry a whole event (unclaimed): they become events when a worker claims them, or expire 14 days after they were sent; erase again when the alarm Unclaimed was raised",
		"dead letters may quote what a destination answered: the redrive function clears those of erased events within a few minutes",
		"your destinations keep what was delivered to them, and copies of the archive what was copied; a bucket of your own that keeps versions keeps the archive's old objects",
	}
	if s.Target.Local {
		return list[1:]
	}
	return list
}

// show says what was erased, and what was not: failed is what should have been.
func show(s *session.Session, erased operator.Held, failed []string) error {
	rest := slices.Concat(failed, notReached(s))
	if s.JSON {
		return s.Emit(forgetView{Erased: erased, Complete: erased.Left == 0 && len(failed) == 0, NotReached: rest})
	}
	given := ""
	if erased.Waiting > 0 {
		given = "; " + output.Count(erased.Waiting, "event was given up", "events were given up")
	}
	s.Line("erased: %s%s", counts(erased), given)
	s.Say("not reached:")
	for _, r := range rest {
		s.Say("  %s", r)
	}
	return nil
}

// left is the failure of an erasure that left events which a worker has.
func left(s *session.Session, lead string, erased operator.Held) error {
	if erased.Left > 0 {
		return problem.Failed(nil, "%s left, because a worker has it at this moment", output.Count(erased.Left, "event was", "events were")).
			Hint("run it again in a minute: %s leads forget %s", s.Self(), output.Quote(lead))
	}
	return nil
}
