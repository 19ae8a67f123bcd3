package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const base64Prefix = "base64:"

// secretBytes is written as "base64:…".
type secretBytes []byte

func (b secretBytes) MarshalText() ([]byte, error) {
	return []byte(base64Prefix + base64.StdEncoding.EncodeToString(b)), nil
}

func (b *secretBytes) UnmarshalText(text []byte) error {
	encoded, ok := strings.CutPrefix(string(text), base64Prefix)
	if !ok {
		return errors.New(`a secret is written as "base64:…"`)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return errors.New("a secret is not valid base64") // the cause would quote it
	}
	*b = raw
	return nil
}

// stored is the plain form of a source, without its name and revision.
type stored struct {
	Account        string               `json:"account"`
	Tokens         []Digest             `json:"tokens"`
	HMACSecrets    []secretBytes        `json:"hmac_secrets,omitempty"`
	BodySecrets    []Digest             `json:"body_secrets,omitempty"`
	Ends           map[Digest]time.Time `json:"ends,omitempty"`
	RedactionKey   secretBytes          `json:"redaction_key"`
	TrustRequestID bool                 `json:"trust_request_id"`
	SettingsForm
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// ParseSource reads the stored form and validates it. It returns
// ErrInvalidSource, never with a secret in its text. Unknown members are
// refused: a misspelt "hmac_secrets" would silently ask for no signature. An
// absent account means the name.
func ParseSource(name string, form []byte) (Source, error) {
	var f stored
	decoder := json.NewDecoder(bytes.NewReader(form))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return Source{}, fmt.Errorf("%w: %w", ErrInvalidSource, inWords(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Source{}, fmt.Errorf("%w: text after the JSON object", ErrInvalidSource)
	}
	s := Source{
		Name: name, Account: f.Account, Tokens: f.Tokens, BodySecrets: f.BodySecrets, Ends: f.Ends,
		RedactionKey: f.RedactionKey, TrustRequestID: f.TrustRequestID,
		Settings: f.SettingsForm.settings(), CreatedAt: f.CreatedAt, UpdatedAt: f.UpdatedAt,
	}
	if s.Account == "" {
		s.Account = name
	}
	for _, secret := range f.HMACSecrets {
		s.HMACSecrets = append(s.HMACSecrets, secret)
	}
	if err := s.validate(); err != nil {
		return Source{}, err
	}
	return s, nil
}

// inWords names the member instead of the Go type that encoding/json names.
func inWords(err error) error {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return fmt.Errorf("%s has the wrong JSON type", mismatch.Field)
	}
	return err
}

// Stored returns the form that ParseSource reads, secrets included: what Seal
// encrypts. It returns ErrInvalidSource for a source that ParseSource would
// refuse.
func (s Source) Stored() ([]byte, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	f := stored{
		Account: s.Account, Tokens: s.Tokens, BodySecrets: s.BodySecrets, Ends: s.knownEnds(),
		RedactionKey: s.RedactionKey, TrustRequestID: s.TrustRequestID, SettingsForm: s.Settings.form(),
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
	for _, secret := range s.HMACSecrets {
		f.HMACSecrets = append(f.HMACSecrets, secret)
	}
	form, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode source %s: %w", s.Name, err)
	}
	return form, nil
}

// MarshalJSON writes the Summary, so that a source which ends up inside a
// logged or printed value shows no secret. Seal writes the full form.
func (s Source) MarshalJSON() ([]byte, error) { return json.Marshal(s.Summary()) }
