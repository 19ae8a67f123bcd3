package auth

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

const digestPrefix = "sha256:"

// tokenPrefix begins every token of ours, so that a person, a log filter or a
// secret scanner recognises one.
const tokenPrefix = "slr_"

// LooksLikeToken tells whether text begins as every token of a URL does. It says
// nothing about its being one.
func LooksLikeToken(text string) bool { return strings.HasPrefix(text, tokenPrefix) }

// tokenBytes of randomness are 160 bits: a plain SHA-256 of them at rest cannot
// be reversed by guessing, so no slow password hash is needed on the hot path.
const tokenBytes = 20

// errBadDigest is returned for text that is not "sha256:" and 64 hex digits.
var errBadDigest = errors.New(`not a digest: it looks like "sha256:" and 64 hex digits`)

// Digest is the SHA-256 of a token or of a body secret. What is stored can be
// compared with what is presented and not turned back into it.
type Digest [sha256.Size]byte

// NewDigest returns the digest of a secret, byte for byte: neither trimmed nor
// folded.
func NewDigest(secret string) Digest { return sha256.Sum256([]byte(secret)) }

func digestOf(secret []byte) Digest { return sha256.Sum256(secret) }

// parseDigest reads the text form. It returns errBadDigest, without the text:
// what stands there by mistake may be the secret itself.
func parseDigest(s string) (Digest, error) {
	var d Digest
	digits, ok := strings.CutPrefix(s, digestPrefix)
	if !ok || len(digits) != hex.EncodedLen(len(d)) {
		return Digest{}, errBadDigest
	}
	if _, err := hex.Decode(d[:], []byte(digits)); err != nil {
		return Digest{}, errBadDigest
	}
	return d, nil
}

// String returns the text form, "sha256:<hex>".
func (d Digest) String() string { return digestPrefix + hex.EncodeToString(d[:]) }

// MarshalText returns the text form.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the text form. It returns errBadDigest.
func (d *Digest) UnmarshalText(text []byte) error {
	parsed, err := parseDigest(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// NewToken makes a token of 160 random bits and its digest. The token is safe
// in a URL path, a query and a header: tokenPrefix and 32 lower-case letters
// and digits. It is shown to the operator once; only the digest is kept.
func NewToken(rand io.Reader) (token string, d Digest, err error) {
	random := make([]byte, tokenBytes)
	if _, err := io.ReadFull(rand, random); err != nil {
		return "", Digest{}, fmt.Errorf("read randomness for a token: %w", err)
	}
	token = tokenPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random))
	return token, NewDigest(token), nil
}
