package sources

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// What a first key would hold is judged by what came in this time, and by so many
// events at most: each body is read.
const (
	judged    = 24 * time.Hour
	maxJudged = 1000
)

// agreeToHold asks before the first key of a source, which turns every body without
// it into a held event.
func agreeToHold(ctx context.Context, s *session.Session, st *stack.Stack, source auth.Source, key string, yes bool) error {
	looked, held := 0, 0
	q := ledger.Query{Source: source.Name, Since: s.Now().Add(-judged), Now: s.Now()}
	w, err := filter.Walk(ctx, st.Ledger, q, maxJudged, filter.MaxLook, func(r webhook.Record) error {
		carried, err := st.Operator.Carries(ctx, source, key, r.ID)
		if err != nil {
			return problem.Failed(err, "the body of %s cannot be read, which tells what would have been held", r.ID)
		}
		looked++
		if !carried {
			held++
		}
		return nil
	})
	if err != nil {
		return err
	}
	which := ""
	if w.Next != "" {
		which = "the latest "
	}
	s.Say("it is the first key of %s. Of %s%s that it received in the last 24 h, %d would have been held: another key, or none",
		source.Name, which, output.Count(looked, "event", "events"), held)
	return s.Confirm(yes, "hold every body without this key from now on")
}

func untrustKeyCmd(s *session.Session) *cobra.Command {
	var all, yes bool
	var at string
	cmd := &cobra.Command{
		Use:   "untrust-key NAME",
		Short: "Trust bodies that carry this secret_key no more: they are held",
		Long: `Read a secret_key from the terminal without echo, or the first line of stdin, and
take it off the source's list: from then on bodies with it are held. Events that came
before stay as they are. Without any key on its list a source trusts every body,
unless it requires one (sources set --require-secret-key).

With --at the key stays on the list and ends by itself: from that time on bodies with
it are held, also where it is the only key.`,
		Example: `  smartleadctl sources untrust-key acme
  smartleadctl sources untrust-key acme --all
  smartleadctl sources untrust-key acme --at 7d`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if at != "" {
				return endKey(cmd.Context(), s, args[0], at, all)
			}
			return untrustKey(cmd.Context(), s, args[0], all, yes)
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "when the key ends by itself: a length of time from now (7d), a time, or never")
	cmd.Flags().BoolVar(&all, "all", false, "take every key off the list, also one that nobody has any more")
	output.AddYes(cmd, &yes)
	return cmd
}

func untrustKey(ctx context.Context, s *session.Session, name string, all, yes bool) error {
	st, source, err := get(ctx, s, name)
	if err != nil {
		return err
	}
	if len(source.BodySecrets) == 0 {
		if source.RequireSecretKey {
			return s.Finished(name, "nothing to do: source %s trusts no key, and holds every body", name)
		}
		return s.Finished(name, "nothing to do: source %s trusts every body", name)
	}
	left := source
	if all {
		left.BodySecrets, left.UpdatedAt = nil, s.Now()
	} else {
		key, err := s.Secret("secret_key of " + name + " to trust no more")
		if err != nil {
			return err
		}
		var listed bool
		if left, listed = source.UntrustBodySecret(key, s.Now()); !listed {
			return problem.NotFound("this key is not on the list of source %s, which has %s", name, output.Count(len(source.BodySecrets), "key", "keys")).
				Hint("take all off: %s sources untrust-key %s --all", s.Self(), name)
		}
	}
	what, done := "hold what comes with this key through "+name, "bodies with the key are held"
	if len(left.BodySecrets) == 0 {
		if source.RequireSecretKey {
			what, done = "hold every body that comes through "+name+", until a key is trusted", "every body is held, because a secret_key is required"
		} else {
			what, done = "trust every body that comes through "+name+", whatever key it carries", "it trusts every body"
		}
	}
	if err := s.Confirm(yes, "%s", what); err != nil {
		return err
	}
	if err := put(ctx, s, st, left); err != nil {
		return err
	}
	return s.Finished(name, "source %s has %s: %s. %s", name, output.Count(len(left.BodySecrets), "key", "keys"), done, wording.Settles)
}

// endKey gives a key of the list an end, or takes it away.
func endKey(ctx context.Context, s *session.Session, name, at string, all bool) error {
	if all {
		return problem.Usage("--at goes with one key, not with --all")
	}
	end, err := endOf("--at", at, s.Now())
	if err != nil {
		return err
	}
	st, source, err := get(ctx, s, name)
	if err != nil {
		return err
	}
	key, err := s.Secret("secret_key of " + name + " that ends")
	if err != nil {
		return err
	}
	left, listed := source.EndBodySecret(key, end, s.Now())
	if !listed {
		return problem.NotFound("this key is not on the list of source %s, which has %s", name, output.Count(len(source.BodySecrets), "key", "keys"))
	}
	if err := put(ctx, s, st, left); err != nil {
		return err
	}
	if end.IsZero() {
		return s.Finished(name, "the key does not end. %s", wording.Settles)
	}
	return s.Finished(name, "bodies with the key are held from %s on. %s", output.Stamp(end), wording.Settles)
}
