package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"
)

// Error is why a request was not authenticated. It is for the log and the
// counters; the caller outside gets the same answer for every cause.
type Error struct {
	cause string
	text  string
}

func (r *Error) Error() string { return r.text }

// Cause returns a short, countable name such as "wrong_token".
func (r *Error) Cause() string { return r.cause }

// Authenticate returns one of these.
var (
	// ErrUnknownSource: no source has this name, or it has no token.
	ErrUnknownSource error = &Error{"unknown_source", "no such source"}
	// errNoToken: the request carries no token.
	errNoToken error = &Error{"no_token", "no token presented"}
	// errToken: the token is none of the source's.
	errToken error = &Error{"wrong_token", "wrong token"}
	// errExpiredToken: the token was one of the source's, and its end date has passed.
	errExpiredToken error = &Error{"expired_token", "this token has ended"}
	// errNoSignature: the source demands a signature and none was sent.
	errNoSignature error = &Error{"no_signature", "signature required and missing"}
	// errSignature: no signature sent fits the body and a secret of the source.
	errSignature error = &Error{"wrong_signature", "wrong signature"}
	// errExpiredSignature: it was made with a secret of the source whose end date has
	// passed.
	errExpiredSignature error = &Error{"expired_signature", "signed with a secret that has ended"}
)

// maxSignatures bounds the signatures tried in one request. A sender in the
// middle of a rotation sends two.
const maxSignatures = 8

// Credentials are what a request presents.
type Credentials struct {
	Token     string // from the path, the query or the Authorization header
	Signature string // X-Smartlead-Signature as sent; several joined by comma or space
	Body      []byte // the raw bytes, before any decoding

	// At is when the request came. Without it everything that has an end has ended.
	At time.Time
}

// Authenticate decides whether the request comes from the source. It returns
// nil, ErrUnknownSource for a source without a token, or another *Error, whose
// cause is "no_token", "wrong_token", "expired_token", "no_signature",
// "wrong_signature" or "expired_signature".
//
// The token is judged first, and the body is hashed only for a caller that has
// one: strangers cannot make us hash megabytes, and a wrong token takes as long
// as an unknown source. Every valid value is compared, in constant time and
// without stopping at a match. It is safe for concurrent use.
func (s Source) Authenticate(c Credentials) error {
	known := matchToken(s.Tokens, c.Token)
	switch {
	case len(s.Tokens) == 0:
		return ErrUnknownSource
	case c.Token == "":
		return errNoToken
	case !known:
		return errToken
	case len(s.Ends) > 0 && s.ended(NewDigest(c.Token), c.At):
		return errExpiredToken
	case len(s.HMACSecrets) == 0 && !s.RequireSignature:
		return nil
	}
	return s.checkSignature(c)
}

// AuthenticateUnknown does for a source that does not exist the work that
// Authenticate does for a wrong token, and returns ErrUnknownSource.
func AuthenticateUnknown(c Credentials) error {
	return Source{}.Authenticate(c)
}

// matchToken compares what is presented with as many digests as a source may
// have, so that the time tells neither how many it has nor whether it exists.
func matchToken(tokens []Digest, presented string) bool {
	sum := NewDigest(presented)
	match := 0
	for i := range max(maxTokens, len(tokens)) {
		var candidate Digest
		exists := 0
		if i < len(tokens) {
			candidate, exists = tokens[i], 1
		}
		match |= subtle.ConstantTimeCompare(sum[:], candidate[:]) & exists
	}
	return match == 1
}

// checkSignature verifies X-Smartlead-Signature. The vendor's pages disagree:
// one shows "sha256=<hex>", one bare hex, neither a timestamp, so both are
// taken and no replay window exists.
func (s Source) checkSignature(c Credentials) error {
	if strings.TrimSpace(c.Signature) == "" {
		return errNoSignature
	}
	presented := parseSignatures(c.Signature)
	match, expired := 0, 0
	for _, secret := range s.HMACSecrets {
		if len(secret) == 0 {
			continue // ParseSource refuses it; were it here all the same, anybody could sign
		}
		of := &match
		if s.ended(digestOf(secret), c.At) {
			of = &expired
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write(c.Body)
		sum := mac.Sum(nil)
		for _, signature := range presented {
			*of |= subtle.ConstantTimeCompare(sum, signature)
		}
	}
	switch {
	case match == 1:
		return nil
	case expired == 1:
		return errExpiredSignature
	}
	return errSignature
}

func parseSignatures(header string) [][]byte {
	fields := strings.FieldsFunc(header, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	var signatures [][]byte
	for _, field := range fields[:min(len(fields), maxSignatures)] {
		if name, rest, ok := strings.Cut(field, "="); ok && strings.EqualFold(name, "sha256") {
			field = rest
		}
		raw, err := hex.DecodeString(field)
		if err == nil && len(raw) == sha256.Size {
			signatures = append(signatures, raw)
		}
	}
	return signatures
}

// Verdict is what the body's own secret says about its sender.
type Verdict string

const (
	// Trusted: the secret is on the source's list, or the source keeps none and requires
	// none.
	Trusted Verdict = "trusted"
	// Untrusted: the secret is missing or not on the list. The event is held.
	Untrusted Verdict = "untrusted"
	// Test: the literal that the provider's dashboard sends with a test event.
	Test Verdict = "test"
)

// dashboardSecret is the secret_key of a test sent from Smartlead's dashboard.
const dashboardSecret = "secretkey"

// ChecksBodies tells whether the source trusts bodies by their secret alone: it keeps a
// list of them, or must have one.
func (s Source) ChecksBodies() bool { return len(s.BodySecrets) > 0 || s.RequireSecretKey }

// WithoutSignature returns a source that asks for no signature, for a request that has
// no body to sign.
func (s Source) WithoutSignature() Source {
	s.HMACSecrets, s.RequireSignature = nil, false
	return s
}

// VerifyBodySecret judges the body's secret_key. A source without a list trusts
// every body, unless it requires one; the dashboard's literal is Test in either case. Letter case
// counts. An empty secret is Untrusted where there is a list, and so is one whose end
// has passed at that time: a list of which all have ended holds every body.
func (s Source) VerifyBodySecret(secret string, at time.Time) Verdict {
	if secret == dashboardSecret {
		return Test
	}
	if !s.ChecksBodies() {
		return Trusted
	}
	sum := NewDigest(secret)
	match := 0
	for _, trusted := range s.BodySecrets {
		if !s.ended(trusted, at) {
			match |= subtle.ConstantTimeCompare(sum[:], trusted[:])
		}
	}
	if match == 1 && secret != "" {
		return Trusted
	}
	return Untrusted
}
