package auth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Kind is what a secret of a source is for.
type Kind string

// The kinds, in the words of an operator.
const (
	KindToken Kind = "url"
	KindHMAC  Kind = "signing_secret"
	KindBody  Kind = "secret_key"
)

// End is when a secret of a source ends, without the secret.
type End struct {
	Secret Kind      `json:"secret"`
	EndsAt time.Time `json:"ends_at"`
}

// errNoOld is returned where there is no older secret that could end.
var errNoOld = errors.New("there is no older one beside the newest")

// EndOldToken makes every token but the newest end at that time: from then on it is
// refused. The zero time takes the end away. It returns ErrInvalidSource where there is
// no older token.
func (s Source) EndOldToken(end, now time.Time) (Source, error) {
	s = s.touched(now)
	if len(s.Tokens) < 2 {
		return Source{}, fmt.Errorf("%w: tokens: %w", ErrInvalidSource, errNoOld)
	}
	for _, d := range s.Tokens[:len(s.Tokens)-1] {
		s.setEnd(d, end)
	}
	return s, nil
}

// EndOldHMACSecret does for the signing secrets what EndOldToken does for tokens.
func (s Source) EndOldHMACSecret(end, now time.Time) (Source, error) {
	s = s.touched(now)
	if len(s.HMACSecrets) < 2 {
		return Source{}, fmt.Errorf("%w: hmac_secrets: %w", ErrInvalidSource, errNoOld)
	}
	for _, secret := range s.HMACSecrets[:len(s.HMACSecrets)-1] {
		s.setEnd(digestOf(secret), end)
	}
	return s, nil
}

// EndBodySecret makes a secret_key of the list end at that time, and tells whether it is
// on the list. From then on bodies with it are held. The zero time takes the end away.
func (s Source) EndBodySecret(secret string, end, now time.Time) (_ Source, listed bool) {
	s = s.touched(now)
	d := NewDigest(secret)
	if !slices.Contains(s.BodySecrets, d) {
		return s, false
	}
	s.setEnd(d, end)
	return s, true
}

// setEnd changes a map that touched has cloned.
func (s *Source) setEnd(d Digest, end time.Time) {
	if end.IsZero() {
		delete(s.Ends, d)
		return
	}
	if s.Ends == nil {
		s.Ends = map[Digest]time.Time{}
	}
	s.Ends[d] = end.UTC().Truncate(time.Second)
}

// ended tells whether a secret's end has passed. Without a time it has: whoever does not
// say when must not let in what has ended.
func (s Source) ended(d Digest, at time.Time) bool {
	end, ok := s.Ends[d]
	return ok && (at.IsZero() || !at.Before(end))
}

// WithoutEnded returns the source without the secrets whose end has passed. The list of
// trusted secret_keys stays as it is where none would be left: without a list every body
// would be trusted.
func (s Source) WithoutEnded(at time.Time) Source {
	if len(s.Ends) == 0 {
		return s
	}
	s.Tokens = slices.DeleteFunc(slices.Clone(s.Tokens), func(d Digest) bool { return s.ended(d, at) })
	s.HMACSecrets = slices.DeleteFunc(slices.Clone(s.HMACSecrets), func(secret []byte) bool { return s.ended(digestOf(secret), at) })
	if left := slices.DeleteFunc(slices.Clone(s.BodySecrets), func(d Digest) bool { return s.ended(d, at) }); len(left) > 0 {
		s.BodySecrets = left
	}
	s.Ends = s.knownEnds()
	return s
}

// knownEnds are the ends of the secrets that the source has; nil for none.
func (s Source) knownEnds() map[Digest]time.Time {
	var known map[Digest]time.Time
	for d := range s.kinds() {
		if end, ok := s.Ends[d]; ok {
			if known == nil {
				known = map[Digest]time.Time{}
			}
			known[d] = end
		}
	}
	return known
}

// kinds says of each secret of the source what it is for.
func (s Source) kinds() map[Digest]Kind {
	all := make(map[Digest]Kind, len(s.Tokens)+len(s.HMACSecrets)+len(s.BodySecrets))
	for _, d := range s.BodySecrets {
		all[d] = KindBody
	}
	for _, secret := range s.HMACSecrets {
		all[digestOf(secret)] = KindHMAC
	}
	for _, d := range s.Tokens {
		all[d] = KindToken
	}
	return all
}

// ending lists the ends of the source's secrets, the earliest first.
func (s Source) ending() []End {
	kinds := s.kinds()
	var list []End
	for _, d := range slices.SortedFunc(maps.Keys(s.knownEnds()), func(a, b Digest) int {
		return slices.Compare(a[:], b[:])
	}) {
		list = append(list, End{Secret: kinds[d], EndsAt: s.Ends[d]})
	}
	slices.SortStableFunc(list, func(a, b End) int { return a.EndsAt.Compare(b.EndsAt) })
	return list
}

// checkEnds keeps a source from ending altogether: one whose signing secrets have all
// ended would have nothing left to check a signature with.
func (s Source) checkEnds() error {
	var problems []error
	if n := len(s.Tokens); n > 0 && s.ended(s.Tokens[n-1], time.Time{}) {
		problems = append(problems, errors.New("ends: the newest token cannot end"))
	}
	if n := len(s.HMACSecrets); n > 0 && s.ended(digestOf(s.HMACSecrets[n-1]), time.Time{}) {
		problems = append(problems, errors.New("ends: the newest hmac secret cannot end"))
	}
	return errors.Join(problems...)
}

// TrustedKeys are the digests of the secret_keys that the source trusts at that time.
func (s Source) TrustedKeys(at time.Time) []Digest {
	return slices.DeleteFunc(slices.Clone(s.BodySecrets), func(d Digest) bool { return s.ended(d, at) })
}
