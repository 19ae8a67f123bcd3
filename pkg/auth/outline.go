package auth

import (
	"errors"
	"fmt"
)

// ErrNoOutline is returned for a sealed source that says nothing of itself without a key.
var ErrNoOutline = errors.New("nothing of the source is known without its key")

// Outline is what is no secret of a source. It rests beside the sealed form, in the same
// item and so of the same revision, for whoever makes events in the source's name and has
// no key. Whoever takes requests never goes by it.
type Outline struct {
	Account        string `json:"account"`
	TrustRequestID bool   `json:"trust_request_id,omitempty"`
	SettingsForm
}

// Outline returns what is no secret of a source.
func (s Source) Outline() Outline {
	return Outline{Account: s.Account, TrustRequestID: s.TrustRequestID, SettingsForm: s.Settings.form()}
}

// Outlined returns a source with what is no secret of it and nothing else, so that nothing
// authenticates against it. It returns ErrNoOutline, or ErrInvalidSource for what no
// source can have.
func (s Sealed) Outlined() (Source, error) {
	if s.Outline == nil {
		return Source{}, ErrNoOutline
	}
	o := Source{
		Name: s.Name, Revision: s.Revision, Account: s.Outline.Account,
		TrustRequestID: s.Outline.TrustRequestID, Settings: s.Outline.settings(),
	}
	if err := errors.Join(ValidateName(o.Name), ValidateName(o.Account), o.Settings.validate()); err != nil {
		return Source{}, fmt.Errorf("%w: %w", ErrInvalidSource, err)
	}
	return o, nil
}
