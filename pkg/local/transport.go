package local

import (
	"bytes"
	"io"
	"net/http"
)

// Transport sends requests whose bodies it owns. The SDK closes a request's
// body as soon as the answer is there; where the engine on the same machine
// answers before the writer has seen the end of the body, that close breaks the
// connection under the answer, and the SDK repeats a request that took effect.
// It is safe for concurrent use.
type Transport struct{ *http.Transport }

// NewTransport returns a transport for engines on this machine.
func NewTransport() Transport {
	return Transport{&http.Transport{MaxIdleConnsPerHost: 64}}
}

// RoundTrip implements http.RoundTripper.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return t.Transport.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return t.Transport.RoundTrip(r)
}
