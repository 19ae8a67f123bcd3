package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
)

type rotateOptions struct {
	finish, hmac, noHMAC, yes bool
}

func (p *program) sourcesRotateCmd() *cobra.Command {
	var o rotateOptions
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Give a source a new webhook URL; the old one stays valid until --finish",
		Long: `Give a source a new token and print the new webhook URL, once. The old URL stays
valid, so that no event is lost while you enter the new one at Smartlead. Then
withdraw the old one with --finish. --hmac does the same for the signing secret of a
source that asks for a signature. --no-hmac stops asking for one.`,
		Example: `  smartleadctl sources rotate acme
  smartleadctl sources rotate acme --finish
  smartleadctl sources rotate relay --hmac
  smartleadctl sources rotate relay --finish --hmac`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.rotateSource(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.finish, "finish", false, "withdraw all but the newest")
	f.BoolVar(&o.hmac, "hmac", false, "rotate the signing secret, not the token")
	f.BoolVar(&o.noHMAC, "no-hmac", false, "ask for no signature any more, and forget the signing secrets")
	addYes(cmd, &o.yes)
	return cmd
}

func (p *program) rotateSource(ctx context.Context, name string, o rotateOptions) error {
	if o.noHMAC && (o.hmac || o.finish) {
		return usage("--no-hmac goes with neither --hmac nor --finish")
	}
	s, source, err := p.source(ctx, name)
	switch {
	case err != nil:
		return err
	case o.noHMAC:
		return p.stopSignatures(ctx, s, source, o.yes)
	case o.finish:
		return p.finishRotation(ctx, s, source, o)
	case o.hmac && len(source.HMACSecrets) == 0:
		return usage("source %s asks for no signature: its first signing secret would refuse whatever the sender does not sign yet", name).
			hint("add one that asks for it, and enter its URL at the sender: %s sources add NAME --account %s --hmac", p.self(), source.Account)
	}
	valid, end := len(source.Tokens), p.finishCommand(name, o.hmac)
	if o.hmac {
		valid = len(source.HMACSecrets)
	}
	if valid > 1 {
		return failed(nil, "a rotation of %s is under way: another one would withdraw what may be in use", name).
			hint("end it first: %s", end)
	}
	shown := issued{Name: name, Account: source.Account}
	if o.hmac {
		if source, shown.HMACSecret, err = p.addSignature(source, false); err != nil {
			return err
		}
	} else {
		token, digest, err := auth.NewToken(p.Rand)
		if err != nil {
			return err
		}
		source, shown.WebhookURL = source.AddToken(digest, p.Now()), s.HookURL(name, token)
	}
	if err := s.Store.PutSource(ctx, source, true); err != nil {
		return err
	}
	if o.hmac {
		return p.showCredentials(shown, "The old secret stays valid. Change it at the sender, then: "+end)
	}
	return p.showCredentials(shown, "The old URL stays valid. Change it at Smartlead, then: "+end)
}

// finishCommand ends a rotation: without --hmac it would withdraw a URL.
func (p *program) finishCommand(name string, hmac bool) string {
	command := fmt.Sprintf("%s sources rotate %s --finish", p.self(), name)
	if hmac {
		command += " --hmac"
	}
	return command
}

// stopSignatures makes a source take what is not signed.
func (p *program) stopSignatures(ctx context.Context, s *Stack, source auth.Source, yes bool) error {
	if len(source.HMACSecrets) == 0 {
		return p.finished(source.Name, "nothing to do: source %s asks for no signature", source.Name)
	}
	err := p.confirm(yes, "make source %s take requests without a signature, and forget its %s: whoever knows its URL can post to it from then on",
		source.Name, count(len(source.HMACSecrets), "signing secret", "signing secrets"))
	if err != nil {
		return err
	}
	source.HMACSecrets, source.UpdatedAt = nil, p.Now().UTC()
	if err := s.Store.PutSource(ctx, source, true); err != nil {
		return err
	}
	return p.finished(source.Name, "source %s asks for no signature any more. %s", source.Name, settles)
}

func (p *program) finishRotation(ctx context.Context, s *Stack, source auth.Source, o rotateOptions) error {
	old, what := len(source.Tokens), "URL"
	other, otherWhat := len(source.HMACSecrets), "signing secret"
	if o.hmac {
		old, what, other, otherWhat = other, otherWhat, old, what
	}
	switch {
	case old < 2 && other > 1:
		return p.finished(source.Name, "nothing to finish: %s has %s. The rotation of its %s: %s",
			source.Name, count(old, what, what+"s"), otherWhat, p.finishCommand(source.Name, !o.hmac))
	case old < 2:
		return p.finished(source.Name, "nothing to finish: %s has %s", source.Name, count(old, what, what+"s"))
	}
	if err := p.confirm(o.yes, "withdraw the old %s of %s: requests that still use it get 401", what, source.Name); err != nil {
		return err
	}
	if o.hmac {
		source.HMACSecrets, source.UpdatedAt = slices.Clone(source.HMACSecrets[old-1:]), p.Now().UTC()
	} else {
		source = source.KeepNewestToken(p.Now())
	}
	if err := s.Store.PutSource(ctx, source, true); err != nil {
		return err
	}
	return p.finished(source.Name, "the old %s of %s is withdrawn. %s", what, source.Name, settles)
}
