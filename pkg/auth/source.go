// Package auth decides who may post: sources and their secrets. It knows
// neither HTTP nor where sources are kept.
//
// Two values of each secret may be valid at once, so that each can be rotated
// without losing an event. Everything fails closed: a source without a token
// does not exist, and an empty secret is refused when a source is read.
package auth

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// Limits of one source. Sealed it must stay below a few KB, so that one small
// read serves a request.
const (
	maxTokens      = 2
	maxHMACSecrets = 2
	maxBodySecrets = 8 // an allow-list, not only a rotation: several API keys of one account

	maxHMACSecretBytes = 256
	minRedactionKey    = 16
	maxRedactionKey    = 64
	newRedactionKey    = 32
)

// ErrInvalidSource is returned, wrapped with every problem found, for a source
// that must not be used.
var ErrInvalidSource = errors.New("invalid source")

// Source is a configured sender: one Smartlead account, client or campaign.
// Slices are ordered from the oldest to the newest. A Source is a value: the
// methods that change one return a copy that shares nothing with the original,
// and reading one is safe for concurrent use.
type Source struct {
	Name           string
	Account        string   // sources of one Smartlead account share it
	Tokens         []Digest // 1 to maxTokens
	HMACSecrets    [][]byte // none: no signature is asked for
	BodySecrets    []Digest // none: every body is trusted
	RedactionKey   []byte   // keys the fingerprints that replace credentials in stored bodies
	TrustRequestID bool     // X-Request-Id names the event of a body without one

	Settings

	// Ends says of some of the secrets above, by their digest, from when on they are
	// refused. The newest token and the newest HMAC secret never end.
	Ends map[Digest]time.Time

	CreatedAt time.Time
	UpdatedAt time.Time

	// Revision counts the writes of the source in its store. A write must have
	// seen the one before it; 0 is a source that was never written.
	Revision int

	key  []byte     // encrypts the stored form
	keys []tokenKey // key, for each of Tokens
}

// NewSource makes a source with its first token and a redaction key. An empty
// account means the name. It returns ErrInvalidSource for a bad name or
// account, and the error of rand.
func NewSource(name, account string, rand io.Reader, now time.Time) (s Source, token string, err error) {
	if account == "" {
		account = name
	}
	token, _, err = NewToken(rand)
	if err != nil {
		return Source{}, "", err
	}
	key := make([]byte, newRedactionKey)
	if _, err := io.ReadFull(rand, key); err != nil {
		return Source{}, "", fmt.Errorf("read randomness for a redaction key: %w", err)
	}
	s = Source{
		Name: name, Account: account,
		RedactionKey: key, CreatedAt: now.UTC(),
	}
	if s, err = s.AddToken(token, now); err != nil {
		return Source{}, "", err
	}
	if err := s.validate(); err != nil {
		return Source{}, "", err
	}
	return s, token, nil
}

// validate checks every rule and returns nil, or ErrInvalidSource with all
// problems. No problem quotes a secret.
func (s Source) validate() error {
	problems := []error{ValidateName(s.Name)}
	if err := ValidateName(s.Account); err != nil {
		problems = append(problems, fmt.Errorf("account: %w", err))
	}
	problems = append(problems,
		checkDigests("tokens", s.Tokens, maxTokens),
		checkDigests("body_secrets", s.BodySecrets, maxBodySecrets),
		s.checkEnds(), s.Settings.validate())
	if len(s.Tokens) == 0 {
		problems = append(problems, errors.New("tokens: at least one is needed"))
	}
	if len(s.HMACSecrets) > maxHMACSecrets {
		problems = append(problems, fmt.Errorf("hmac_secrets: at most %d", maxHMACSecrets))
	}
	for i, secret := range s.HMACSecrets {
		if err := checkHMACSecret(secret); err != nil {
			problems = append(problems, fmt.Errorf("hmac_secrets[%d]: %w", i, err))
		}
	}
	if n := len(s.RedactionKey); n < minRedactionKey || n > maxRedactionKey {
		problems = append(problems, fmt.Errorf("redaction_key: %d to %d bytes are needed", minRedactionKey, maxRedactionKey))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidSource, err)
	}
	return nil
}

func checkDigests(field string, digests []Digest, most int) error {
	if len(digests) > most {
		return fmt.Errorf("%s: at most %d", field, most)
	}
	for i, d := range digests {
		if d == (Digest{}) || d == NewDigest("") {
			return fmt.Errorf("%s[%d]: the digest of nothing", field, i)
		}
	}
	return nil
}

func checkHMACSecret(secret []byte) error {
	switch {
	case len(secret) == 0:
		return errors.New("empty: anybody could sign")
	case len(secret) > maxHMACSecretBytes:
		return fmt.Errorf("longer than %d bytes", maxHMACSecretBytes)
	}
	return nil
}

// ErrBadName is returned for a name that a source, an account or a destination
// cannot have.
var ErrBadName = errors.New("a name is 1 to 63 of a-z, 0-9 and -, and does not begin with -")

// ValidateName checks the name of a source or an account: it becomes part of a
// URL, a parameter's name and the ledger's keys. Lower case only, so that one
// account has one spelling.
func ValidateName(name string) error {
	if name == "" || len(name) > 63 || name[0] == '-' {
		return ErrBadName
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return ErrBadName
		}
	}
	return nil
}

// AddToken makes token the newest and drops the oldest beyond maxTokens: what
// was valid stays valid until the next rotation. Adding a known token makes it
// the newest. It returns ErrInvalidSource for an empty token.
func (s Source) AddToken(token string, now time.Time) (Source, error) {
	if token == "" {
		return Source{}, fmt.Errorf("%w: an empty token", ErrInvalidSource)
	}
	s = s.touched(now)
	if s.key == nil {
		s.key = newKey()
	}
	wrapped, err := wrapFor(s.Name, token, s.key)
	if err != nil {
		return Source{}, err
	}
	s.Tokens = pushDigest(s.Tokens, wrapped.Token, maxTokens)
	delete(s.Ends, wrapped.Token)
	s.keys = append(slices.DeleteFunc(s.keys, func(k tokenKey) bool { return k.Token == wrapped.Token }), wrapped)
	return s, nil
}

// KeepNewestToken withdraws every token but the newest, at once: for a token
// that became known to others.
func (s Source) KeepNewestToken(now time.Time) Source {
	s = s.touched(now)
	s.Tokens = s.Tokens[max(0, len(s.Tokens)-1):]
	return s
}

// AddHMACSecret makes secret the newest and drops the oldest beyond
// maxHMACSecrets. From the first on, a request without a signature is refused.
// It returns ErrInvalidSource for an empty or overlong secret.
func (s Source) AddHMACSecret(secret []byte, now time.Time) (Source, error) {
	if err := checkHMACSecret(secret); err != nil {
		return Source{}, fmt.Errorf("%w: hmac secret: %w", ErrInvalidSource, err)
	}
	s = s.touched(now)
	s.HMACSecrets = append(s.HMACSecrets, slices.Clone(secret))
	delete(s.Ends, digestOf(secret))
	s.HMACSecrets = s.HMACSecrets[max(0, len(s.HMACSecrets)-maxHMACSecrets):]
	return s, nil
}

// TrustBodySecret puts a secret_key on the list and drops the oldest beyond
// maxBodySecrets. From the first on, other bodies are held. It returns
// ErrInvalidSource for an empty secret and for the dashboard's literal, which
// is everybody's.
func (s Source) TrustBodySecret(secret string, now time.Time) (Source, error) {
	if secret == "" || secret == dashboardSecret {
		return Source{}, fmt.Errorf("%w: this body secret cannot be trusted: it is empty or the dashboard's", ErrInvalidSource)
	}
	s = s.touched(now)
	s.BodySecrets = pushDigest(s.BodySecrets, NewDigest(secret), maxBodySecrets)
	delete(s.Ends, NewDigest(secret))
	return s, nil
}

// UntrustBodySecret takes a secret_key off the list, and tells whether it was on it.
// When none is left, every body is trusted.
func (s Source) UntrustBodySecret(secret string, now time.Time) (_ Source, listed bool) {
	before := len(s.BodySecrets)
	s = s.touched(now)
	gone := NewDigest(secret)
	s.BodySecrets = slices.DeleteFunc(s.BodySecrets, func(known Digest) bool { return known == gone })
	return s, len(s.BodySecrets) < before
}

func pushDigest(digests []Digest, d Digest, most int) []Digest {
	digests = slices.DeleteFunc(digests, func(known Digest) bool { return known == d })
	digests = append(digests, d)
	return digests[max(0, len(digests)-most):]
}

// touched returns a copy that shares no memory with s, without what has ended.
func (s Source) touched(now time.Time) Source {
	s = s.WithoutEnded(now)
	s.Ends = maps.Clone(s.Ends)
	s.Tokens = slices.Clone(s.Tokens)
	s.BodySecrets = slices.Clone(s.BodySecrets)
	s.RedactionKey = slices.Clone(s.RedactionKey)
	s.keys = slices.Clone(s.keys)
	secrets := make([][]byte, len(s.HMACSecrets))
	for i, secret := range s.HMACSecrets {
		secrets[i] = slices.Clone(secret)
	}
	s.HMACSecrets = secrets
	s.UpdatedAt = now.UTC()
	return s
}

// Summary is what may be shown of a source: counts, never secrets.
type Summary struct {
	Name           string `json:"name"`
	Account        string `json:"account"`
	Tokens         int    `json:"tokens"`
	HMACSecrets    int    `json:"hmac_secrets"`
	BodySecrets    int    `json:"body_secrets"`
	TrustRequestID bool   `json:"trust_request_id"`
	SettingsForm
	Ends      []End     `json:"ends,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Summary returns what may be shown.
func (s Source) Summary() Summary {
	return Summary{
		Name: s.Name, Account: s.Account,
		Tokens: len(s.Tokens), HMACSecrets: len(s.HMACSecrets), BodySecrets: len(s.BodySecrets),
		TrustRequestID: s.TrustRequestID, SettingsForm: s.Settings.form(), Ends: s.ending(), CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
}

// String shows counts, never secrets.
func (s Source) String() string {
	return fmt.Sprintf("source %s (account %s, %d tokens, %d hmac secrets, %d body secrets)",
		s.Name, s.Account, len(s.Tokens), len(s.HMACSecrets), len(s.BodySecrets))
}

// GoString keeps %#v from printing secrets.
func (s Source) GoString() string { return s.String() }

// LogValue shows counts, never secrets.
func (s Source) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("name", s.Name), slog.String("account", s.Account),
		slog.Int("tokens", len(s.Tokens)), slog.Int("hmac_secrets", len(s.HMACSecrets)),
		slog.Int("body_secrets", len(s.BodySecrets)))
}
