// Package hook speaks to the webhook URL of a receiver.
package hook

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// TokenVariable names the variable that holds a source's token, so that it stands
// in no process listing.
const TokenVariable = "SMARTLEAD_TOKEN"

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
