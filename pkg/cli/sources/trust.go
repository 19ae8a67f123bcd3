package sources

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/moves"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

type trustOptions struct {
	since string
	until string
	yes   bool
	only  bool
}

func trustKeyCmd(s *session.Session) *cobra.Command {
	var o trustOptions
	cmd := &cobra.Command{
		Use:   "trust-key NAME",
		Short: "Trust bodies that carry this secret_key, and release what was held for it",
		Long: `Read a secret_key from the terminal without echo, or the first line of stdin, and
put its digest on the source's list. From the first one on, bodies with another key
are held: before that, it shows how many of the last 24 hours would have been, and
asks. Then release the held events of this source whose bodies carry this very
key; events with other keys stay held.`,
		Example: `  smartleadctl sources trust-key acme
  printf %s "$SMARTLEAD_API_KEY" | smartleadctl sources trust-key acme --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return trustKey(cmd.Context(), s, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.since, "since", "31d", "how far back to look for held events")
	f.StringVar(&o.until, "until", "", "look at what was received until then")
	f.BoolVar(&o.only, "no-release", false, "trust the key and leave what is held")
	output.AddYes(cmd, &o.yes)
	return cmd
}

func trustKey(ctx context.Context, s *session.Session, name string, o trustOptions) error {
	since, err := filter.ParseTime("--since", o.since, s.Now())
	if err != nil {
		return err
	}
	until, err := filter.ParseTime("--until", o.until, s.Now())
	if err != nil {
		return err
	}
	if !o.yes && !o.only && (!s.InTerminal || !s.ErrTerminal) {
		return problem.Usage("trust-key asks before it releases held events, and there is no terminal to ask on").
			Hint("repeat with --yes to release them, or with --yes --no-release to trust the key alone")
	}
	st, source, err := get(ctx, s, name)
	if err != nil {
		return err
	}
	first := !source.ChecksBodies()
	key, err := s.Secret("secret_key of " + name)
	if err != nil {
		return err
	}
	if first {
		if err := agreeToHold(ctx, s, st, source, key, o.yes); err != nil {
			return err
		}
	}
	source, err = st.Operator.TrustKey(ctx, source, key)
	err = written(s, name, err)
	if errors.Is(err, auth.ErrInvalidSource) {
		return problem.Usage("%v", err)
	}
	if err != nil {
		return err
	}
	s.Say("the key is trusted: source %s has %s. %s", name, output.Count(len(source.BodySecrets), "key", "keys"), wording.Settles)
	if first {
		s.Say("it is the first key of %s: from now on bodies with another key, or none, are held", name)
	}
	if o.only {
		return nil
	}
	found, err := st.Operator.HeldUnder(ctx, source, key, since, until)
	for _, u := range found.Unreadable {
		s.Say("%s stays held: its body cannot be read: %s", u.ID, problem.Words(u.Err))
	}
	if err != nil {
		return err
	}
	if !found.Until.IsZero() {
		s.Say("looked at the latest %s only: run it again with --until %s", output.Count(found.Looked, "event", "events"), output.Wire(found.Until))
	}
	if found.Others > 0 {
		s.Say("%s held: another key, or none", output.Count(found.Others, "event stays", "events stay"))
	}
	if len(found.Matches) == 0 {
		s.Say("no event since %s was held for this key", output.Stamp(since))
		return nil
	}
	return releaseHeld(ctx, s, st, found.Matches, o.yes)
}

func releaseHeld(ctx context.Context, s *session.Session, st *stack.Stack, held []webhook.Record, yes bool) error {
	req := operator.Request{Move: operator.Release, Events: held, Filtered: true}
	err := moves.Agree(s, &req, yes, "release and deliver %s that this key is in", output.Count(len(held), "held event", "held events"))
	if err != nil {
		return problem.Failed(err, "the key is trusted, and what was held stays held")
	}
	report, err := st.Operator.Do(ctx, req)
	if err != nil {
		return err
	}
	moves.SayUnsent(s, st, report)
	s.Say("until running functions know the key, others may be held for it: run this again in a minute")
	return errors.Join(moves.Show(s, report, moves.Words{Move: operator.Release, Done: "sent"}), ctx.Err())
}
