// Package hook speaks to the webhook URL of a receiver.
package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// TokenVariable names the variable that holds a source's token, so that it stands
// in no process listing.
const TokenVariable = "SMARTLEAD_TOKEN"

// SecretVariable names the variable that holds the secret to sign with.
const SecretVariable = "SMARTLEAD_HMAC_SECRET" //nolint:gosec // a name

// Sign signs a body as a source asks that has a signing secret.
func Sign(req *http.Request, body []byte, secret string) {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	req.Header.Set("X-Smartlead-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
}

// Post posts a JSON body, signed where there is a secret: see Do.
func Post(ctx context.Context, transport http.RoundTripper, address string, body []byte, secret string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("the receiver's address cannot be used") // it holds the token
	}
	req.Header.Set("Content-Type", "application/json")
	if secret != "" {
		Sign(req, body, secret)
	}
	return Do(transport, req)
}

// Steps are what to do at Smartlead with a new URL, between adding a webhook and saving
// it (docs/SMARTLEAD.md has the sources of each).
var Steps = []string{
	"choose the level: user for all campaigns, client, or campaign. A webhook of the user level silences those of clients and campaigns: have that one alone, or none",
	"paste the URL. Whoever has it can post events: treat it as a password",
	"tick the events, all if in doubt, and leave category filters empty",
}

// sendTimeout is that of API Gateway.
const sendTimeout = 30 * time.Second

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 20

// Health asks the receiver whether it is there, and returns what its side's clock says,
// in whole seconds; zero where the answer has no time.
func Health(ctx context.Context, transport http.RoundTripper, base string) (status int, at time.Time, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
	if err != nil {
		return 0, time.Time{}, err
	}
	client := &http.Client{
		Transport: transport, Timeout: sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, time.Time{}, err
	}
	defer resp.Body.Close()
	at, _ = http.ParseTime(resp.Header.Get("Date"))
	return resp.StatusCode, at, nil
}

// Do makes one request and follows no redirect; of the answer it reads 4 MiB at
// most. It never returns an error that names the URL, which holds the token.
func Do(transport http.RoundTripper, req *http.Request) (int, []byte, error) {
	client := &http.Client{
		Transport: transport, Timeout: sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req) //nolint:gosec // the operator names the address
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, answer, err
}
