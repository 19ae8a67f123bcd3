// Package erasure records which leads were erased, without their addresses: each record is
// named by a digest of the address, under a key that the table does not have. Whoever has
// the key answers whether an address was erased, and nobody can list them.
//
// An answer is never guessed. Beside the records stands which keys they are named under:
// where that is another than the key at hand, a record that is not found says nothing.
package erasure

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Documents keeps small pieces of state. A version is a fencing token: a writer that was
// overtaken gets webhook.ErrChanged and has changed nothing.
type Documents interface {
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
	ListDocuments(ctx context.Context, kind string, limit int) ([]webhook.Document, error)
}

// Key is secret: with it alone can somebody tell whether an address was erased.
type Key interface {
	ErasureKey(ctx context.Context) ([]byte, error)
}

const (
	// kind is the partition of the records.
	kind = "forgotten"
	// keysName is the document that says under which keys they are named. A digest is no
	// such name.
	keysName = "keys"
	// maxRaces bounds how often it is written anew because somebody else wrote it.
	maxRaces = 8
)

// ErrOtherKey: records are named under another key than the one at hand, so that nobody
// can say of an address without a record that it was not erased.
var ErrOtherKey = errors.New("who was erased is recorded under another key than the one that is kept")

// Records are safe for concurrent use.
type Records struct {
	Documents Documents
	Key       Key
}

// WasErased tells whether an address was erased, or is being erased. It returns an error
// where that cannot be told: ErrOtherKey, webhook.ErrUnavailable or that of the key, each
// wrapped.
func (r Records) WasErased(ctx context.Context, address string) (bool, error) {
	_, _, err := r.Load(ctx, address)
	if errors.Is(err, webhook.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Load returns the record of an address and its version. It returns webhook.ErrNotFound
// for one that was never erased, and otherwise what WasErased returns.
func (r Records) Load(ctx context.Context, address string) (body []byte, version int, err error) {
	key, err := r.key(ctx)
	if err != nil {
		return nil, 0, err
	}
	body, version, err = r.Documents.LoadDocument(ctx, kind, nameOf(key, address))
	if !errors.Is(err, webhook.ErrNotFound) {
		return body, version, err
	}
	known, _, keysErr := r.keys(ctx)
	switch {
	case keysErr != nil:
		return nil, 0, keysErr
	case len(known) > 0 && !onlyOf(known, key):
		return nil, 0, ErrOtherKey
	}
	return nil, 0, err
}

// Save writes the record of an address, whose version must be the one seen (0: there is
// none). It returns webhook.ErrChanged, having changed nothing, where it is not.
//
// Which key it is named under is noted before: so a record is never there whose key is not
// known.
func (r Records) Save(ctx context.Context, address string, body []byte, seen int, now time.Time) error {
	key, err := r.key(ctx)
	if err != nil {
		return err
	}
	if err := r.note(ctx, key, now); err != nil {
		return err
	}
	return r.Documents.SaveDocument(ctx, kind, nameOf(key, address), body, seen, now, time.Time{})
}

func (r Records) key(ctx context.Context) ([]byte, error) {
	key, err := r.Key.ErasureKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("the key of the records of who was erased: %w", err)
	}
	return key, nil
}

// keys are the marks of the keys that records are named under.
func (r Records) keys(ctx context.Context) (marks []string, version int, err error) {
	body, version, err := r.Documents.LoadDocument(ctx, kind, keysName)
	if errors.Is(err, webhook.ErrNotFound) {
		records, err := r.Documents.ListDocuments(ctx, kind, 1)
		if err == nil && len(records) > 0 {
			err = ErrOtherKey // the marks are lost, or being written at this moment
		}
		return nil, 0, err
	}
	if err != nil {
		return nil, 0, err
	}
	var k struct{ Keys []string }
	if err := json.Unmarshal(body, &k); err != nil || len(k.Keys) == 0 {
		return nil, version, ErrOtherKey // nobody can tell which
	}
	return k.Keys, version, nil
}

// note writes that records are named under a key.
func (r Records) note(ctx context.Context, key []byte, now time.Time) error {
	for range maxRaces {
		known, version, err := r.keys(ctx)
		if errors.Is(err, ErrOtherKey) {
			known, err = []string{"unreadable"}, nil
		}
		if err != nil || slices.Contains(known, markOf(key)) {
			return err
		}
		body, err := json.Marshal(map[string]any{"keys": append(known, markOf(key))})
		if err != nil {
			return fmt.Errorf("encode under which key is recorded who was erased: %w", err)
		}
		if err = r.Documents.SaveDocument(ctx, kind, keysName, body, version, now, time.Time{}); !errors.Is(err, webhook.ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("under which key is recorded who was erased: %w again and again", webhook.ErrChanged)
}

func onlyOf(marks []string, key []byte) bool { return len(marks) == 1 && marks[0] == markOf(key) }

// nameOf is a digest of the address.
func nameOf(key []byte, address string) string {
	return digest(key, kind+"\x00"+strings.ToLower(strings.TrimSpace(address)))
}

// markOf tells one key from another, and tells nothing of it.
func markOf(key []byte) string { return digest(key, "which key it is")[:16] }

func digest(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}
