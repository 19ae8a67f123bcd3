package sourcestore

import (
	"context"
	"fmt"
)

// apiKeyName is where the key of Smartlead's API is below the prefix. No function may
// read it.
const apiKeyName = "/smartlead-api-key" //nolint:gosec // its name, not the key

// APIKey keeps the key of Smartlead's API for an operator, as a SecureString. It is safe
// for concurrent use.
type APIKey struct {
	api       API
	parameter string
	keyID     string
}

// NewAPIKey returns the key below prefix, encrypted with a customer key ("": the account's
// own), or an error for a prefix below which nothing can be kept.
func NewAPIKey(api API, prefix, keyID string) (*APIKey, error) {
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	return &APIKey{api: api, parameter: prefix + apiKeyName, keyID: keyID}, nil
}

// Get returns the key. It returns ErrNotFound or webhook.ErrUnavailable, each wrapped.
func (k *APIKey) Get(ctx context.Context) (string, error) {
	found, err := k.api.GetParameter(ctx, k.parameter)
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
