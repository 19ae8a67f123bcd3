package sources

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/stack"
)

type rotateOptions struct {
	finish, hmac, noHMAC, yes bool
	oldEnds                   string
}

func rotateCmd(s *session.Session) *cobra.Command {
	var o rotateOptions
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Give a source a new webhook URL; the old one stays valid until --finish",
		Long: `Give a source a new token and print the new webhook URL, once. The old URL stays
valid, so that no event is lost while you enter the new one at Smartlead. Then
withdraw the old one with --finish, or let it end by itself with --old-ends: from that
time on it is refused. --hmac does the same for the signing secret of a
source that asks for a signature. --no-hmac stops asking for one.`,
		Example: `  smartleadctl sources rotate acme
  smartleadctl sources rotate acme --finish
  smartleadctl sources rotate acme --old-ends 7d
  smartleadctl sources rotate relay --hmac
  smartleadctl sources rotate relay --finish --hmac`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return rotate(cmd.Context(), s, args[0], o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.finish, "finish", false, "withdraw all but the newest")
	f.BoolVar(&o.hmac, "hmac", false, "rotate the signing secret, not the token")
	f.BoolVar(&o.noHMAC, "no-hmac", false, "ask for no signature any more, and forget the signing secrets")
	f.StringVar(&o.oldEnds, "old-ends", "", "when the old one ends by itself: a length of time from now (7d), or a time")
	output.AddYes(cmd, &o.yes)
	return cmd
}

func rotate(ctx context.Context, s *session.Session, name string, o rotateOptions) error {
	if o.noHMAC && (o.hmac || o.finish) {
		return problem.Usage("--no-hmac goes with neither --hmac nor --finish")
	}
	if o.oldEnds != "" && (o.noHMAC || o.finish) {
		return problem.Usage("--old-ends goes with neither --finish nor --no-hmac: those end it at once")
	}
	end, err := endOf("--old-ends", o.oldEnds, s.Now())
	if err != nil {
		return err
	}
	st, source, err := get(ctx, s, name)
	source = source.WithoutEnded(s.Now())
	switch {
	case err != nil:
		return err
	case o.noHMAC:
		return stopSignatures(ctx, s, st, source, o.yes)
	case o.finish:
		return finishRotation(ctx, s, st, source, o)
	case o.hmac && len(source.HMACSecrets) == 0:
		return problem.Usage("source %s asks for no signature: its first signing secret would refuse whatever the sender does not sign yet", name).
			Hint("add one that asks for it, and enter its URL at the sender: %s sources add NAME --account %s --hmac", s.Self(), source.Account)
	}
	return renew(ctx, s, st, source, o, end)
}

// endOf reads when a secret ends; the zero time is no end.
func endOf(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return filter.ParseEnd(flag, text, now)
}

// renew gives a source a new token or signing secret beside the one that it has.
func renew(ctx context.Context, s *session.Session, st *stack.Stack, source auth.Source, o rotateOptions, end time.Time) error {
	name, valid, finish := source.Name, len(source.Tokens), finishCommand(s, source.Name, o.hmac)
	if o.hmac {
		valid = len(source.HMACSecrets)
	}
	if valid > 1 {
		return problem.Failed(nil, "a rotation of %s is under way: another one would withdraw what may be in use", name).
			Hint("end it first: %s", finish)
	}
	var err error
	shown := issued{Name: name, Account: source.Account}
	if o.hmac {
		if source, shown.HMACSecret, err = addSignature(s, source, false); err != nil {
			return err
		}
	} else {
		token, _, err := auth.NewToken(s.Rand)
		if err != nil {
			return err
		}
		if source, err = source.AddToken(token, s.Now()); err != nil {
			return err
		}
		shown.WebhookURL = st.HookURL(name, token)
	}
	if !end.IsZero() {
		if source, err = endOld(source, o.hmac, end, s.Now()); err != nil {
			return err
		}
		finish = "before " + output.Stamp(end) + ": then the old one ends by itself"
	}
	if err := put(ctx, s, st, source); err != nil {
		return err
	}
	if o.hmac {
		return showCredentials(s, shown, "The old secret stays valid. Change it at the sender, "+after(finish, end))
	}
	return showCredentials(s, shown, "The old URL stays valid. Change it at Smartlead, "+after(finish, end))
}

// after says what follows when the new one was entered.
func after(finish string, end time.Time) string {
	if end.IsZero() {
		return "then: " + finish
	}
	return finish
}

func endOld(source auth.Source, hmac bool, end, now time.Time) (auth.Source, error) {
	if hmac {
		return source.EndOldHMACSecret(end, now)
	}
	return source.EndOldToken(end, now)
}

// finishCommand ends a rotation: without --hmac it would withdraw a URL.
func finishCommand(s *session.Session, name string, hmac bool) string {
	command := fmt.Sprintf("%s sources rotate %s --finish", s.Self(), name)
	if hmac {
		command += " --hmac"
	}
	return command
}

// stopSignatures makes a source take what is not signed.
func stopSignatures(ctx context.Context, s *session.Session, st *stack.Stack, source auth.Source, yes bool) error {
	if len(source.HMACSecrets) == 0 {
		return s.Finished(source.Name, "nothing to do: source %s asks for no signature", source.Name)
	}
	if source.RequireSignature {
		return problem.Failed(nil, "source %s requires a signature: without a signing secret it would refuse every request", source.Name).
			Hint("end that first: %s sources set %s --require-signature=false", s.Self(), source.Name)
	}
	err := s.Confirm(yes, "make source %s take requests without a signature, and forget its %s: whoever knows its URL can post to it from then on",
		source.Name, output.Count(len(source.HMACSecrets), "signing secret", "signing secrets"))
	if err != nil {
		return err
	}
	source.HMACSecrets, source.UpdatedAt = nil, s.Now().UTC()
	if err := put(ctx, s, st, source); err != nil {
		return err
	}
	return s.Finished(source.Name, "source %s asks for no signature any more. %s", source.Name, wording.Settles)
}

func finishRotation(ctx context.Context, s *session.Session, st *stack.Stack, source auth.Source, o rotateOptions) error {
	old, what := len(source.Tokens), "URL"
	other, otherWhat := len(source.HMACSecrets), "signing secret"
	if o.hmac {
		old, what, other, otherWhat = other, otherWhat, old, what
	}
	switch {
	case old < 2 && other > 1:
		return s.Finished(source.Name, "nothing to finish: %s has %s. The rotation of its %s: %s",
			source.Name, output.Count(old, what, what+"s"), otherWhat, finishCommand(s, source.Name, !o.hmac))
	case old < 2:
		return s.Finished(source.Name, "nothing to finish: %s has %s", source.Name, output.Count(old, what, what+"s"))
	}
	if err := s.Confirm(o.yes, "withdraw the old %s of %s: requests that still use it get 401", what, source.Name); err != nil {
		return err
	}
	if o.hmac {
		source.HMACSecrets, source.UpdatedAt = slices.Clone(source.HMACSecrets[old-1:]), s.Now().UTC()
	} else {
		source = source.KeepNewestToken(s.Now())
	}
	if err := put(ctx, s, st, source); err != nil {
		return err
	}
	return s.Finished(source.Name, "the old %s of %s is withdrawn. %s", what, source.Name, wording.Settles)
}
