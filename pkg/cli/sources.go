package cli

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/sourcestore"
)

func (p *program) sourcesCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "sources", Aliases: []string{"source"},
		Short: "Keep the senders: one for each webhook at Smartlead",
	}
	cmd.AddCommand(p.sourcesAddCmd(), p.sourcesListCmd(), p.sourcesRotateCmd(), p.trustKeyCmd(), p.sourcesRemoveCmd())
	return cmd
}

// settles says when running functions know of a change (SOURCE_TTL).
const settles = "Running functions take it up within a minute."

type addOptions struct {
	account        string
	hmac           bool
	hmacStdin      bool
	trustRequestID bool
}

func (p *program) sourcesAddCmd() *cobra.Command {
	var o addOptions
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a source and print its webhook URL, once",
		Long: `Add a source and print its webhook URL with the token. It is shown this once: only
its digest is kept. Enter it at Smartlead as the webhook's URL.

Sources of one Smartlead account (user, client and campaign webhooks) share
--account, so that one event through two webhooks is one event. Two accounts must
not share it.`,
		Example: `  smartleadctl sources add acme
  smartleadctl sources add acme-campaign-7 --account acme
  smartleadctl sources add relay --hmac`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.addSource(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.account, "account", "", "Smartlead account of the source (default: NAME)")
	f.BoolVar(&o.hmac, "hmac", false, "demand a signature, and make its secret (shown once)")
	f.BoolVar(&o.hmacStdin, "hmac-stdin", false, "demand a signature, with the secret read from stdin or typed")
	f.BoolVar(&o.trustRequestID, "trust-request-id", false, "X-Request-Id names the event (only where the sender guarantees it)")
	return cmd
}

// issued is what is shown of a source once.
type issued struct {
	Name       string `json:"name"`
	Account    string `json:"account"`
	WebhookURL string `json:"webhook_url,omitempty"`
	HMACSecret string `json:"hmac_secret,omitempty"`
}

func (p *program) addSource(ctx context.Context, name string, o addOptions) error {
	if err := auth.ValidateName(name); err != nil {
		return usage("%s: %v", name, err)
	}
	source, token, err := auth.NewSource(name, o.account, p.Rand, p.Now())
	if errors.Is(err, auth.ErrInvalidSource) {
		return usage("--account %s: %v", o.account, auth.ErrBadName)
	}
	if err != nil {
		return err
	}
	source.TrustRequestID = o.trustRequestID
	secret := ""
	if o.hmac || o.hmacStdin {
		if source, secret, err = p.addSignature(source, o.hmacStdin); err != nil {
			return err
		}
	}
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	if source.RedactionKey, err = p.accountKey(ctx, s, source); err != nil {
		return err
	}
	err = s.Store.PutSource(ctx, source, false)
	if errors.Is(err, sourcestore.ErrExists) {
		return failed(nil, "source %s exists already", name).
			hint("a new URL for it: %s sources rotate %s", p.self(), name).hint("all sources: %s sources list", p.self())
	}
	if err != nil {
		return err
	}
	return p.showCredentials(issued{name, source.Account, s.HookURL(name, token), secret},
		"Enter the URL at Smartlead as the webhook's URL. It is shown this once.")
}

// addSignature gives a source a secret to sign with: a new one, or what the
// operator types, which is not shown back.
func (p *program) addSignature(source auth.Source, typed bool) (auth.Source, string, error) {
	if typed {
		secret, err := p.secret("signing secret of " + source.Name)
		if err != nil {
			return auth.Source{}, "", err
		}
		source, err = source.AddHMACSecret([]byte(secret), p.Now())
		return source, "", err
	}
	random := make([]byte, 32)
	if _, err := io.ReadFull(p.Rand, random); err != nil {
		return auth.Source{}, "", fmt.Errorf("read randomness: %w", err)
	}
	secret := base64.RawURLEncoding.EncodeToString(random)
	source, err := source.AddHMACSecret([]byte(secret), p.Now())
	return source, secret, err
}

// accountKey is the redaction key of the account where it has one, so that the
// fingerprint of one API key is the same through every source.
func (p *program) accountKey(ctx context.Context, s *Stack, source auth.Source) ([]byte, error) {
	entries, err := s.Store.List(ctx, sourcestore.Sources)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		other, err := auth.ParseSource(e.Name, e.Value)
		if err == nil && other.Account == source.Account {
			return other.RedactionKey, nil
		}
	}
	return source.RedactionKey, nil
}

func (p *program) showCredentials(c issued, next string) error {
	if p.json {
		return p.emit(c)
	}
	if c.WebhookURL != "" {
		p.line("%s", c.WebhookURL)
	}
	if c.HMACSecret != "" {
		p.line("signing secret: %s", c.HMACSecret)
	}
	p.say("%s", next)
	p.say("%s", settles)
	return nil
}

func (p *program) sourcesListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the sources; counts, never secrets",
		Example: "  smartleadctl sources list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.listSources(cmd.Context()) },
	}
}

// sourceView is a source as JSON.
type sourceView struct {
	auth.Summary
	Error string `json:"error,omitempty"`
}

func (p *program) listSources(ctx context.Context) error {
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	entries, err := s.Store.List(ctx, sourcestore.Sources)
	if err != nil {
		return err
	}
	t := newTable("NAME", "ACCOUNT", ">TOKENS", "SIGNATURE", ">TRUSTED KEYS", "CREATED", "CHANGED", "~NOTE")
	for _, e := range entries {
		v := sourceView{}
		source, err := auth.ParseSource(e.Name, e.Value)
		if err != nil {
			v.Name, v.Error = e.Name, err.Error()
		} else {
			v.Summary = source.Summary()
		}
		if p.json {
			if err := p.emit(v); err != nil {
				return err
			}
			continue
		}
		t.add(v.Name, v.Account, fmt.Sprint(v.Tokens), signatureText(v), keysText(v), stamp(v.CreatedAt), stamp(v.UpdatedAt), p.sourceNote(v))
	}
	switch {
	case p.json:
		return nil
	case len(entries) == 0:
		p.say("there is no source yet: %s sources add NAME", p.self())
		return nil
	}
	return p.print(t, "")
}

func signatureText(v sourceView) string {
	switch {
	case v.Error != "":
		return ""
	case v.HMACSecrets == 0:
		return "not asked for"
	}
	return count(v.HMACSecrets, "secret", "secrets")
}

func keysText(v sourceView) string {
	switch {
	case v.Error != "":
		return ""
	case v.BodySecrets == 0:
		return "any"
	}
	return fmt.Sprint(v.BodySecrets)
}

func (p *program) sourceNote(v sourceView) string {
	if v.Error != "" {
		return "cannot be read, so its requests get 503: " + v.Error
	}
	var notes []string
	if v.Tokens > 1 {
		notes = append(notes, "rotation under way: sources rotate "+v.Name+" --finish")
	}
	if v.HMACSecrets > 1 {
		notes = append(notes, "rotation of the signing secret under way: sources rotate "+v.Name+" --finish --hmac")
	}
	if v.TrustRequestID {
		notes = append(notes, "X-Request-Id names the event")
	}
	return strings.Join(notes, "; ")
}

// source reads a source that must exist.
func (p *program) source(ctx context.Context, name string) (*Stack, auth.Source, error) {
	s, entry, err := p.sourceEntry(ctx, name)
	if err != nil {
		return nil, auth.Source{}, err
	}
	source, err := auth.ParseSource(name, entry.Value)
	return s, source, err
}

// sourceEntry reads the parameter of a source that must exist, readable or not.
func (p *program) sourceEntry(ctx context.Context, name string) (*Stack, sourcestore.Entry, error) {
	return p.entry(ctx, sourcestore.Sources, name, auth.ValidateName, p.noSource)
}

// entry reads a parameter that must exist.
func (p *program) entry(
	ctx context.Context, kind sourcestore.Kind, name string, validate func(string) error, absent func(string) error,
) (*Stack, sourcestore.Entry, error) {
	if err := validate(name); err != nil {
		return nil, sourcestore.Entry{}, usage("%s: %v", name, err)
	}
	s, err := p.connected(ctx)
	if err != nil {
		return nil, sourcestore.Entry{}, err
	}
	e, err := s.Store.Get(ctx, kind, name)
	if errors.Is(err, sourcestore.ErrNotFound) {
		return nil, sourcestore.Entry{}, absent(name)
	}
	return s, e, err
}

func (p *program) noSource(name string) error {
	return notFound("there is no source %s", name).hint("which there are: %s sources list", p.self())
}

func (p *program) sourcesRemoveCmd() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove NAME", Aliases: []string{"rm"}, Short: "Remove a source: its webhook URL gets 401 from then on",
		Example: "  smartleadctl sources remove acme", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.removeSource(cmd.Context(), args[0], yes) },
	}
	addYes(cmd, &yes)
	return cmd
}

func (p *program) removeSource(ctx context.Context, name string, yes bool) error {
	s, _, err := p.sourceEntry(ctx, name)
	if err != nil {
		return err
	}
	if err := p.confirm(yes, "remove source %s: what Smartlead still posts to it is refused and lost; delete the webhook there first", name); err != nil {
		return err
	}
	err = s.Store.Delete(ctx, sourcestore.Sources, name)
	if errors.Is(err, sourcestore.ErrNotFound) {
		return p.noSource(name)
	}
	if err != nil {
		return err
	}
	return p.finished(name, "source %s is removed; its events stay. %s", name, settles)
}
