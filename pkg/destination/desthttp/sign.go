package desthttp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

const secretPrefix = "whsec_"

// signingKey decodes a Standard Webhooks secret. The specification asks for 24
// to 64 bytes
// (github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
func signingKey(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return nil, errors.New(`begins with "whsec_"`)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New(`is not base64 after "whsec_"`)
	}
	if len(key) < 24 || len(key) > 64 {
		return nil, errors.New("holds 24 to 64 bytes")
	}
	return key, nil
}

// NewSecret returns a secret of 32 bytes. It returns the error of random.
func NewSecret(random io.Reader) (string, error) {
	var key [32]byte
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(key[:]), nil
}

// signatures returns the value of webhook-signature: one "v1,<base64>" for each
// key, separated by spaces.
func signatures(keys [][]byte, id string, at time.Time, body []byte) string {
	signed := make([]string, len(keys))
	for i, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		signed[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signed, " ")
}
