package sources

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
)

type addOptions struct {
	account        string
	hmac           bool
	hmacStdin      bool
	trustRequestID bool
}

func addCmd(s *session.Session) *cobra.Command {
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
		RunE: func(cmd *cobra.Command, args []string) error { return add(cmd.Context(), s, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.account, "account", "", "Smartlead account of the source (default: NAME)")
	f.BoolVar(&o.hmac, "hmac", false, "require a signature, and make its secret (shown once)")
	f.BoolVar(&o.hmacStdin, "hmac-stdin", false, "require a signature, with the secret read from stdin or typed")
	f.BoolVar(&o.trustRequestID, "trust-request-id", false, "X-Request-Id names the event (only where the sender guarantees it)")
	return cmd
}

// urlSettles says when running functions know of a new token: one that they do not know
// makes them look anew, unless they looked a moment ago (test/burst holds the time).
const urlSettles = "The URL works within five seconds."

// issued is what is shown of a source once.
type issued struct {
	Name       string `json:"name"`
	Account    string `json:"account"`
	WebhookURL string `json:"webhook_url,omitempty"`
	HMACSecret string `json:"hmac_secret,omitempty"`
}

func add(ctx context.Context, s *session.Session, name string, o addOptions) error {
	if err := auth.ValidateName(name); err != nil {
		return problem.Usage("%s: %v", name, err)
	}
	source, token, err := auth.NewSource(name, o.account, s.Rand, s.Now())
	if errors.Is(err, auth.ErrInvalidSource) {
		return problem.Usage("--account %s: %v", o.account, auth.ErrBadName)
	}
	if err != nil {
		return err
	}
	source.TrustRequestID = o.trustRequestID
	secret := ""
	if o.hmac || o.hmacStdin {
		if source, secret, err = addSignature(s, source, o.hmacStdin); err != nil {
			return err
		}
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	if source.RedactionKey, err = accountKey(ctx, st, source); err != nil {
		return err
	}
	err = st.Sources.PutSource(ctx, source)
	if errors.Is(err, sourcestore.ErrExists) {
		return problem.Failed(nil, "source %s exists already", name).
			Hint("a new URL for it: %s sources rotate %s", s.Self(), name).Hint("all sources: %s sources list", s.Self())
	}
	if err := written(s, name, err); err != nil {
		return err
	}
	err = showCredentials(s, issued{name, source.Account, st.HookURL(name, token), secret}, "The URL is shown this once.")
	if err == nil && !s.JSON {
		sayHowToEnter(s, name)
	}
	return err
}

// addSignature gives a source a secret to sign with: a new one, or what the
// operator types, which is not shown back.
func addSignature(s *session.Session, source auth.Source, typed bool) (auth.Source, string, error) {
	if typed {
		secret, err := s.Secret("signing secret of " + source.Name)
		if err != nil {
			return auth.Source{}, "", err
		}
		source, err = source.AddHMACSecret([]byte(secret), s.Now())
		return source, "", err
	}
	random := make([]byte, 32)
	if _, err := io.ReadFull(s.Rand, random); err != nil {
		return auth.Source{}, "", fmt.Errorf("read randomness: %w", err)
	}
	secret := base64.RawURLEncoding.EncodeToString(random)
	source, err := source.AddHMACSecret([]byte(secret), s.Now())
	return source, secret, err
}

// accountKey is the redaction key of the account where it has one, so that the
// fingerprint of one API key is the same through every source.
func accountKey(ctx context.Context, st *stack.Stack, source auth.Source) ([]byte, error) {
	listed, err := st.Sources.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, other := range listed {
		if other.Err == nil && other.Source.Account == source.Account {
			return other.Source.RedactionKey, nil
		}
	}
	return source.RedactionKey, nil
}

func showCredentials(s *session.Session, c issued, next string) error {
	if s.JSON {
		return s.Emit(c)
	}
	if c.WebhookURL != "" {
		s.Line("%s", c.WebhookURL)
	}
	if c.HMACSecret != "" {
		s.Line("signing secret: %s", c.HMACSecret)
	}
	s.Say("%s", next)
	if c.HMACSecret == "" {
		s.Say("%s", urlSettles)
		return nil
	}
	s.Say("%s", wording.Settles)
	return nil
}
