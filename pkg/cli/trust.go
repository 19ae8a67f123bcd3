package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/webhook"
)

type trustOptions struct {
	since string
	until string
	yes   bool
	only  bool
}

func (p *program) trustKeyCmd() *cobra.Command {
	var o trustOptions
	cmd := &cobra.Command{
		Use:   "trust-key NAME",
		Short: "Trust bodies that carry this secret_key, and release what was held for it",
		Long: `Read a secret_key from the terminal without echo, or the first line of stdin, and
put its digest on the source's list. From the first one on, bodies with another key
are held. Then release the held events of this source whose bodies carry this very
key; events with other keys stay held.`,
		Example: `  smartleadctl sources trust-key acme
  printf %s "$SMARTLEAD_API_KEY" | smartleadctl sources trust-key acme --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.trustKey(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.since, "since", "31d", "how far back to look for held events")
	f.StringVar(&o.until, "until", "", "look at what was received until then")
	f.BoolVar(&o.only, "no-release", false, "trust the key and leave what is held")
	addYes(cmd, &o.yes)
	return cmd
}

func (p *program) trustKey(ctx context.Context, name string, o trustOptions) error {
	since, err := parseTime("--since", o.since, p.Now())
	if err != nil {
		return err
	}
	until, err := parseTime("--until", o.until, p.Now())
	if err != nil {
		return err
	}
	if !o.yes && !o.only && (!p.InTerminal || !p.ErrTerminal) {
		return usage("trust-key asks before it releases held events, and there is no terminal to ask on").
			hint("repeat with --yes to release them, or with --no-release")
	}
	s, source, err := p.source(ctx, name)
	if err != nil {
		return err
	}
	first := len(source.BodySecrets) == 0
	key, err := p.secret("secret_key of " + name)
	if err != nil {
		return err
	}
	source, err = s.Operator.TrustKey(ctx, source, key)
	if errors.Is(err, auth.ErrInvalidSource) {
		return usage("%v", err)
	}
	if err != nil {
		return err
	}
	p.say("the key is trusted: source %s has %s. %s", name, count(len(source.BodySecrets), "key", "keys"), settles)
	if first {
		p.say("it is the first key of %s: from now on bodies with another key, or none, are held", name)
	}
	if o.only {
		return nil
	}
	found, err := s.Operator.HeldUnder(ctx, source, key, since, until)
	for _, u := range found.Unreadable {
		p.say("%s stays held: its body cannot be read: %v", u.ID, u.Err)
	}
	if err != nil {
		return err
	}
	if !found.Until.IsZero() {
		p.say("looked at the latest %s only: run it again with --until %s", count(found.Looked, "event", "events"), wire(found.Until))
	}
	if found.Others > 0 {
		p.say("%s held: another key, or none", count(found.Others, "event stays", "events stay"))
	}
	if len(found.Matches) == 0 {
		p.say("no event since %s was held for this key", stamp(since))
		return nil
	}
	return p.releaseHeld(ctx, s, found.Matches, o.yes)
}

func (p *program) releaseHeld(ctx context.Context, s *Stack, held []webhook.Record, yes bool) error {
	req := operator.Request{Move: operator.Release, Events: held, Filtered: true}
	err := p.agree(&req, yes, "release and deliver %s that this key is in", count(len(held), "held event", "held events"))
	if err != nil {
		return failed(err, "the key is trusted, and what was held stays held")
	}
	report, err := s.Operator.Do(ctx, req)
	if err != nil {
		return err
	}
	p.sayUnsent(s, report)
	p.say("until running functions know the key, others may be held for it: run this again in a minute")
	return errors.Join(p.showMoves(report, moveWords{operator.Release, "sent"}), ctx.Err())
}
