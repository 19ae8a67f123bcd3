package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/smartlead"
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
	if source, err = source.TrustBodySecret(key, p.Now()); err != nil {
		return usage("%v", err)
	}
	if err := s.Store.PutSource(ctx, source, true); err != nil {
		return err
	}
	p.say("the key is trusted: source %s has %s. %s", name, count(len(source.BodySecrets), "key", "keys"), settles)
	if first {
		p.say("it is the first key of %s: from now on bodies with another key, or none, are held", name)
	}
	if o.only {
		return nil
	}
	q := ledger.Query{State: webhook.Held, Source: name, Since: since, Until: until, Now: p.Now()}
	held, others, err := p.heldWith(ctx, s, q, source, key)
	if err != nil {
		return err
	}
	if others > 0 {
		p.say("%s held: another key, or none", count(others, "event stays", "events stay"))
	}
	if len(held) == 0 {
		p.say("no event since %s was held for this key", stamp(since))
		return nil
	}
	return p.releaseHeld(ctx, s, held, o.yes)
}

func (p *program) releaseHeld(ctx context.Context, s *Stack, held []webhook.Record, yes bool) error {
	err := p.confirm(yes, "release and deliver %s that this key is in", count(len(held), "held event", "held events"))
	if err != nil {
		return failed(err, "the key is trusted, and what was held stays held")
	}
	m := p.newMoves(s, webhook.Live)
	for _, rec := range held {
		m.do(ctx, rec, func(string) (webhook.Record, error) {
			return s.Ledger.Release(ctx, rec.ID, p.Now(), p.Now().Add(s.Grace))
		})
	}
	m.send(ctx)
	p.say("until running functions know the key, others may be held for it: run this again in a minute")
	return p.showMoves(m, "sent")
}

// heldWith finds the held events whose bodies carry the key. Stored bodies hold
// a keyed fingerprint in its place, which equal keys have in common.
func (p *program) heldWith(ctx context.Context, s *Stack, q ledger.Query, source auth.Source, key string) (held []webhook.Record, others int, err error) {
	want, err := fingerprintOf(source, key)
	if err != nil {
		return nil, 0, err
	}
	oldest := p.Now()
	w, err := walk(ctx, s, q, 0, maxLook, func(r webhook.Record) error {
		oldest = r.ReceivedAt
		rec, err := s.Ledger.Get(ctx, r.ID)
		if err != nil {
			return err
		}
		body, err := s.Bodies.Load(ctx, rec.Payload)
		if err != nil {
			p.say("%s stays held: its body cannot be read: %v", r.ID, err)
			return nil
		}
		if carries(body) == want {
			held = append(held, rec)
		} else {
			others++
		}
		return nil
	})
	if err == nil && w.next != "" {
		p.say("looked at the latest %s only: run it again with --until %s", w.what(), wire(oldest.Add(time.Millisecond)))
	}
	return held, others, err
}

// fingerprintOf is what the receiver stores in place of the key.
func fingerprintOf(source auth.Source, key string) (string, error) {
	body, err := json.Marshal(map[string]string{"secret_key": key})
	if err != nil {
		return "", fmt.Errorf("the key cannot be read as text: %w", err)
	}
	batch, err := smartlead.Parse(body, smartlead.Options{Account: source.Account, RedactionKey: source.RedactionKey})
	if err != nil || len(batch.Elements) != 1 {
		return "", errors.New("the key cannot be compared with stored bodies")
	}
	return carries(batch.Elements[0].Payload), nil
}

// carries is the fingerprint in a stored body; empty for none.
func carries(body []byte) string {
	var b struct {
		SecretKey any `json:"secret_key"`
	}
	if json.Unmarshal(body, &b) != nil || b.SecretKey == nil {
		return ""
	}
	return fmt.Sprint(b.SecretKey)
}
