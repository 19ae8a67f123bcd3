package receive

import (
	"context"
	"errors"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/smartlead"
)

func validName(name string) bool { return auth.ValidateName(name) == nil }

// authenticate decides who sends, from token and signature. A source that does
// not exist costs the same work as a wrong token.
func (s *Service) authenticate(ctx context.Context, req Request) (auth.Source, error) {
	return s.verifySource(ctx, req, auth.Source.Authenticate)
}

// authenticateToken decides it from the token alone, for a request that has no
// body to sign.
func (s *Service) authenticateToken(ctx context.Context, req Request) (auth.Source, error) {
	return s.verifySource(ctx, req, func(src auth.Source, c auth.Credentials) error {
		return src.WithoutSignature().Authenticate(c)
	})
}

func (s *Service) verifySource(ctx context.Context, req Request, check func(auth.Source, auth.Credentials) error) (auth.Source, error) {
	c := auth.Credentials{Token: req.Token, Signature: req.Signature, Body: req.Body, At: s.Now()}
	src, err := auth.Source{}, auth.ErrUnknownSource
	if validName(req.Source) {
		ctx, cancel := context.WithTimeout(ctx, s.policy.SecretsTimeout)
		defer cancel()
		src, err = s.Sources.Source(ctx, req.Source, req.Token)
	}
	switch {
	case errors.Is(err, auth.ErrUnknownSource):
		err = auth.AuthenticateUnknown(c)
	case err != nil:
		return auth.Source{}, &Error{Kind: Unavailable, Cause: "secrets_unreadable", Err: err}
	default:
		err = check(src, c)
	}
	if err != nil {
		cause := "unauthorized"
		if r, ok := errors.AsType[*auth.Error](err); ok {
			cause = r.Cause()
		}
		return auth.Source{}, &Error{Kind: Unauthorized, Cause: cause, Err: err}
	}
	return src, nil
}

func (s *Service) options(src auth.Source, req Request) smartlead.Options {
	return smartlead.Options{
		Account: src.Account, RedactionKey: src.RedactionKey, Secrets: []string{req.Token}, Outside: true,
	}
}

// excerptBytes bounds what the audit keeps of a body that is not JSON, in bytes.
const excerptBytes = 2048
