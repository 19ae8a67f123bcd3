package auth

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// keyBytes is the size of an AES-256 key.
const keyBytes = 32

// These bind a ciphertext to what it is for, so that none serves as another.
const (
	sealForm  = "smartlead-receiver source, form 1: "
	sealToken = "smartlead-receiver source, key by token 1: " //nolint:gosec // a purpose, no secret
	sealOwner = "smartlead-receiver source, key by operator 1: "
)

// ErrSealed is returned for a sealed source that the key at hand does not open.
var ErrSealed = errors.New("sealed with another key, or damaged")

// Sealed is the form in which a source rests where the receiver reads it. Its
// stored form is encrypted with a key of its own. That key is there encrypted
// for each token and for the operator: a request opens its source with the
// token that it presents, and whoever reads the store alone has no secret. What
// is none stands beside it. It is safe for concurrent reading.
type Sealed struct {
	Name     string     `json:"name"`
	Revision int        `json:"revision"` // rises by one with every write, also by that of a removal
	Removed  bool       `json:"removed,omitempty"`
	Keys     []tokenKey `json:"keys,omitempty"`
	Owner    []byte     `json:"owner,omitempty"` // the key, for the operator
	Form     []byte     `json:"form,omitempty"`
	Outline  *Outline   `json:"outline,omitempty"` // nil where nothing is known without a key
}

// tokenKey is a source's key, encrypted with one derived from a token.
type tokenKey struct {
	Token Digest `json:"token"`
	Key   []byte `json:"key"`
}

// NewOwnerKey makes the key with which an operator opens every source.
func NewOwnerKey(random io.Reader) ([]byte, error) {
	key := make([]byte, keyBytes)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("read randomness for a key: %w", err)
	}
	return key, nil
}

// ParseSealed reads a Sealed from JSON. It returns ErrInvalidSource.
func ParseSealed(form []byte) (Sealed, error) {
	var s Sealed
	decoder := json.NewDecoder(bytes.NewReader(form))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return Sealed{}, fmt.Errorf("%w: %w", ErrInvalidSource, inWords(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Sealed{}, fmt.Errorf("%w: text after the JSON object", ErrInvalidSource)
	}
	return s, nil
}

// Seal encrypts a source for its tokens and for the operator. It returns
// ErrInvalidSource for a source that ParseSource would refuse, or whose tokens
// were not added by NewSource and AddToken.
func (s Source) Seal(owner []byte) (Sealed, error) {
	form, err := s.Stored()
	if err != nil {
		return Sealed{}, err
	}
	outline := s.Outline()
	sealed := Sealed{Name: s.Name, Revision: s.Revision, Outline: &outline}
	for _, token := range s.Tokens {
		i := slices.IndexFunc(s.keys, func(k tokenKey) bool { return k.Token == token })
		if i < 0 {
			return Sealed{}, fmt.Errorf("%w: a token that the source's key is not encrypted for", ErrInvalidSource)
		}
		sealed.Keys = append(sealed.Keys, s.keys[i])
	}
	if sealed.Owner, err = encrypt(owner, s.key, sealOwner+s.Name); err != nil {
		return Sealed{}, err
	}
	if sealed.Form, err = encrypt(s.key, form, sealForm+s.Name); err != nil {
		return Sealed{}, err
	}
	return sealed, nil
}

// Open opens a source with the operator's key, so that it can be changed and
// sealed again. It returns ErrSealed or ErrInvalidSource.
func (s Sealed) Open(owner []byte) (Source, error) {
	key, err := decrypt(owner, s.Owner, sealOwner+s.Name)
	if err != nil {
		return Source{}, err
	}
	source, err := s.openForm(key)
	if err != nil {
		return Source{}, err
	}
	source.key, source.keys = key, slices.Clone(s.Keys)
	return source, nil
}

// OpenWith opens a source with a token, and tells whether it is one of the
// source's. With another it takes as long as a source that does not exist (the
// zero Sealed), and returns the names of the tokens alone, for Authenticate to
// refuse. It returns ErrSealed or ErrInvalidSource for what a right token
// cannot open.
func (s Sealed) OpenWith(token string) (source Source, ok bool, err error) {
	tokens := make([]Digest, len(s.Keys), max(maxTokens, len(s.Keys))) // as much room for none as for all
	for i, k := range s.Keys {
		tokens[i] = k.Token
	}
	if token == "" || !matchToken(tokens, token) {
		return Source{Name: s.Name, Tokens: tokens}, false, nil
	}
	sum := NewDigest(token)
	for _, k := range s.Keys {
		if subtle.ConstantTimeCompare(k.Token[:], sum[:]) != 1 {
			continue
		}
		wrap, err := tokenWrap(token)
		if err != nil {
			return Source{}, false, err
		}
		key, err := decrypt(wrap, k.Key, sealToken+s.Name)
		if err != nil {
			return Source{}, false, err
		}
		source, err = s.openForm(key)
		return source, err == nil, err
	}
	return Source{}, false, ErrSealed // unreachable: matchToken compared the same digests
}

func (s Sealed) openForm(key []byte) (Source, error) {
	form, err := decrypt(key, s.Form, sealForm+s.Name)
	if err != nil {
		return Source{}, err
	}
	source, err := ParseSource(s.Name, form)
	source.Revision = s.Revision
	return source, err
}

// wrapFor encrypts the source's key for a token.
func wrapFor(name, token string, key []byte) (tokenKey, error) {
	wrap, err := tokenWrap(token)
	if err != nil {
		return tokenKey{}, err
	}
	wrapped, err := encrypt(wrap, key, sealToken+name)
	return tokenKey{Token: NewDigest(token), Key: wrapped}, err
}

// tokenWrap derives a key from a token. The token's digest, which is stored,
// tells nothing of it. A token is 160 random bits, so no slow hash is needed.
func tokenWrap(token string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, []byte(token), nil, sealToken, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return key, nil
}

func newKey() []byte {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
}

func encrypt(key, plain []byte, purpose string) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, []byte(purpose)), nil //nolint:gosec // it makes a random nonce of its own
}

func decrypt(key, sealed []byte, purpose string) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, []byte(purpose))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// newAEAD is AES-256-GCM whose nonces are random and stand before the
// ciphertext: no key here encrypts more than a few thousand values.
func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != keyBytes {
		return nil, ErrSealed
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	return aead, nil
}
