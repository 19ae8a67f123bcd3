package sourcestore

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// erasureKeyName is where the key is under which it is recorded who was erased. Of the
// functions, the one that makes events may read it.
const erasureKeyName = "/erasure-key"

// ErasureKeyReader reads that key. It caches nothing and is safe for concurrent use.
type ErasureKeyReader struct {
	read      NamedReader
	parameter string
}

// NewErasureKeyReader returns the key below prefix, or an error for a prefix below which
// nothing can be kept.
func NewErasureKeyReader(api NamedReader, prefix string) (ErasureKeyReader, error) {
	return ErasureKeyReader{api, prefix + erasureKeyName}, checkPrefix(prefix)
}

// ErasureKey returns the key. It returns ErrNotFound or webhook.ErrUnavailable, each
// wrapped, or an error for what is no key.
func (r ErasureKeyReader) ErasureKey(ctx context.Context) ([]byte, error) {
	found, err := r.read.GetParameter(ctx, r.parameter)
	if err != nil {
		return nil, explain("read", r.parameter, err)
	}
	key, err := base64.StdEncoding.DecodeString(found.Value)
	if err != nil || len(key) != sha256.Size {
		return nil, fmt.Errorf("%s: %w: no key", r.parameter, errInvalid) // the cause would quote it
	}
	return key, nil
}

// ErasureKey returns the key under which it is recorded who was erased: whoever reads the
// table alone cannot try addresses. Where it is not kept yet, or no more, it is derived
// from the operator's key, which is made where there is none, and kept: so the loss of one
// of the two loses no record. The errors are those of ErasureKeyReader.
func (s *Sources) ErasureKey(ctx context.Context) ([]byte, error) {
	kept := s.KeptErasureKey()
	key, err := kept.ErasureKey(ctx)
	if !errors.Is(err, ErrNotFound) {
		return key, err
	}
	owner, err := s.ownerKey(ctx)
	if errors.Is(err, ErrNotFound) {
		owner, err = s.newOwnerKey(ctx)
	}
	if err != nil {
		return nil, err
	}
	if key, err = hkdf.Key(sha256.New, owner, nil, "smartlead-receiver record v1", sha256.Size); err != nil {
		return nil, err
	}
	err = s.b.Parameters.PutParameter(ctx, kept.parameter, base64.StdEncoding.EncodeToString(key), s.b.KeyID, false)
	if err := explain("write", kept.parameter, err); err != nil && !errors.Is(err, ErrExists) {
		return nil, err
	}
	return kept.ErasureKey(ctx)
}

// KeptErasureKey reads the key where it is kept, and makes none: for a question by the way,
// which shall write nothing.
func (s *Sources) KeptErasureKey() ErasureKeyReader {
	return ErasureKeyReader{s.b.Parameters, s.b.Prefix + erasureKeyName}
}
