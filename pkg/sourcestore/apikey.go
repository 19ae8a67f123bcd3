package sourcestore

import (
	"context"
	"fmt"
)

// apiKeyName is where the key of Smartlead's API is below the prefix. Of the functions,
// the one that compares may read it.
const apiKeyName = "/smartlead-api-key" //nolint:gosec // its name, not the key

// APIKey keeps the key of Smartlead's API for an operator, as a SecureString. It is safe
// for concurrent use.
type APIKey struct {
	APIKeyReader

	api   API
	keyID string
}

// APIKeyReader reads the key. It caches nothing and is safe for concurrent use.
type APIKeyReader struct {
	read      NamedReader
	parameter string
}

// NewAPIKeyReader returns the key below prefix, or an error for a prefix below which
// nothing can be kept.
func NewAPIKeyReader(api NamedReader, prefix string) (*APIKeyReader, error) {
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	return &APIKeyReader{api, prefix + apiKeyName}, nil
}

// NewAPIKey returns the key below prefix, encrypted with a customer key ("": the account's
// own), or an error for a prefix below which nothing can be kept.
func NewAPIKey(api API, prefix, keyID string) (*APIKey, error) {
	reader, err := NewAPIKeyReader(api, prefix)
	if err != nil {
		return nil, err
	}
	return &APIKey{*reader, api, keyID}, nil
}

// Get returns the key. It returns ErrNotFound or webhook.ErrUnavailable, each wrapped.
func (k *APIKeyReader) Get(ctx context.Context) (string, error) {
	found, err := k.read.GetParameter(ctx, k.parameter)
	if err != nil {
		return "", explain("read", k.parameter, err)
	}
	return found.Value, nil
}

// Put writes the key in place of an earlier one. It returns webhook.ErrUnavailable,
// wrapped, or an error that says what cannot be stored. None holds the key.
func (k *APIKey) Put(ctx context.Context, key string) error {
	if len(key) > maxValue {
		return fmt.Errorf("%s: %d bytes: %w", k.parameter, len(key), errTooLarge)
	}
	return explain("write", k.parameter, k.api.PutParameter(ctx, k.parameter, key, k.keyID, true))
}
