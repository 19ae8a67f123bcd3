package receive

import (
	"strings"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/coding"
	"smartlead-receiver/pkg/smartlead"
)

// Codings are the content codings that a request's body may have, as Accept-Encoding
// lists them.
const Codings = coding.Names

// Request is one inbound HTTP call.
type Request struct {
	Source            string // from the path
	Token             string // from path, query or Authorization
	Signature         string // X-Smartlead-Signature
	ProviderRequestID string // X-Request-Id
	WebhookLevel      string // X-Webhook-Level
	RequestID         string // ours
	Body              []byte // exact bytes, at most what Lambda takes
	ContentEncoding   string // of the body, as sent
	SourceIP          string
	UserAgent         string // as sent
}

// WithoutToken returns the request without its token in the X-Request-Id, which is
// stored and logged. One that holds it goes whole: it may be an identity, and a
// mark in its place would make one event of many.
func (r Request) WithoutToken() Request {
	if r.ProviderRequestID != "" && r.shows(r.ProviderRequestID) {
		r.ProviderRequestID = ""
	}
	return r
}

func (r Request) shows(text string) bool {
	return smartlead.ShowsSecret(text, smartlead.Options{Secrets: []string{r.Token}})
}

// userAgentBytes bounds what is kept of a User-Agent, in bytes.
const userAgentBytes = 120

// userAgent returns the User-Agent without credentials, on one line.
func (r Request) userAgent() string {
	kept := smartlead.Excerpt([]byte(r.UserAgent), userAgentBytes, smartlead.Options{Secrets: []string{r.Token}})
	return strings.Join(strings.Fields(kept), " ")
}

// SourceName returns the source when it can be one, else nothing: in a URL whose
// parts changed places it is the token.
func (r Request) SourceName() string {
	if !validName(r.Source) || r.shows(r.Source) {
		return ""
	}
	return r.Source
}

// LooksLikeToken tells whether a part of a path begins as every token does.
func LooksLikeToken(part string) bool { return auth.LooksLikeToken(part) }
