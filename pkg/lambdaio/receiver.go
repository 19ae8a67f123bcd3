// Package lambdaio translates between the events of AWS and the use cases. It
// decides nothing but the one table from refusals to HTTP statuses.
package lambdaio

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/telemetry"
)

// ReceiverHandler is the signature that Lambda calls for an HTTP API, payload
// format 2.0.
type ReceiverHandler func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// Receiver serves the HTTP contract of the receiver. It never returns an error:
// every failure has its status.
func Receiver(svc *receive.Service, t telemetry.Recorder) ReceiverHandler {
	r := receiver{svc: svc, refusals: newRefusals(t)}
	return func(ctx context.Context, ev events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		r.due(ctx)
		status, body := r.serve(ctx, ev)
		return response(status, body, ev.RequestContext.HTTP.Method), nil
	}
}

type receiver struct {
	svc *receive.Service
	*refusals
}

func (r receiver) serve(ctx context.Context, ev events.APIGatewayV2HTTPRequest) (status int, body any) {
	started := r.Now()
	to := targetOf(ev)
	switch to.place {
	case health:
		return http.StatusOK, message{Status: "ok"}
	case nowhere: // not kept: strangers ask for thousands of paths
		r.whole(ctx, noSuchPath, string(noSuchPath))
		return statusOf(&receive.Error{Kind: receive.NotFound})
	case astray:
		return r.astray(ctx, ev, to, started)
	case hook, errorHook:
	}
	method := ev.RequestContext.HTTP.Method
	if method != http.MethodPost && method != http.MethodGet && method != http.MethodHead {
		return http.StatusMethodNotAllowed, message{Error: "send events with POST"}
	}
	req, err := request(ev, to)
	if err != nil {
		logReceived(ctx, r.refusals, req, receive.Answer{}, err, r.Now().Sub(started))
		return statusOf(err)
	}
	if method != http.MethodPost {
		return r.ready(ctx, req, started)
	}
	if to.place == errorHook {
		return r.report(ctx, req, started)
	}
	answer, err := r.svc.Receive(ctx, req)
	logReceived(ctx, r.refusals, req, answer, err, r.Now().Sub(started))
	if err != nil {
		return statusOf(err)
	}
	return http.StatusOK, results(answer)
}

// astray keeps a request to a URL that looks like a webhook URL and leads nowhere,
// so that its sender's events are missed by somebody. The token, whichever it is,
// is not judged: the answer is the same for a right one.
func (r receiver) astray(ctx context.Context, ev events.APIGatewayV2HTTPRequest, to target, started time.Time) (status int, body any) {
	req, _ := request(ev, to) // of the body only its length counts
	err := r.svc.Astray(ctx, req, to.parts)
	logReceived(ctx, r.refusals, req, receive.Answer{}, err, r.Now().Sub(started))
	return statusOf(err)
}

// report takes an error webhook. What the tool says is not logged.
func (r receiver) report(ctx context.Context, req receive.Request, started time.Time) (status int, body any) {
	answer, err := r.svc.Report(ctx, req)
	if err != nil {
		logReceived(ctx, r.refusals, req, receive.Answer{}, err, r.Now().Sub(started))
		return statusOf(err)
	}
	r.Line(ctx, slog.LevelInfo, "error.reported", nil, slog.String("source", req.SourceName()), slog.String("outcome", string(outcomeCounted)),
		slog.Int("incidents", len(answer.Incidents)), slog.String("request_id", req.RequestID),
		slog.Int64("duration_ms", r.Now().Sub(started).Milliseconds()))
	return http.StatusOK, reportedBody{Status: string(outcomeCounted), Incidents: answer.Incidents}
}

// reportedBody is the answer to an error webhook.
type reportedBody struct {
	Status    string   `json:"status"`
	Incidents []string `json:"incidents"`
}

// ready answers a person who opens the URL in a browser. Only a refusal is
// logged: nothing was received.
func (r receiver) ready(ctx context.Context, req receive.Request, started time.Time) (status int, body any) {
	if err := r.svc.Ready(ctx, req); err != nil {
		logReceived(ctx, r.refusals, req, receive.Answer{}, err, r.Now().Sub(started))
		return statusOf(err)
	}
	return http.StatusOK, message{Status: "ready"}
}

// statusOf is the one place that maps a refusal to a status. What is our own
// failure is a 5xx: a 4xx may end the provider's retries.
func statusOf(err error) (int, any) {
	refusal, ok := errors.AsType[*receive.Error](err)
	if !ok {
		return http.StatusInternalServerError, message{Error: "internal error: send the request again"}
	}
	switch refusal.Kind {
	case receive.Unauthorized:
		return http.StatusUnauthorized, message{Error: "unauthorized"}
	case receive.BadBody:
		return http.StatusBadRequest, message{Error: refusal.Public}
	case receive.TooLarge:
		return http.StatusRequestEntityTooLarge, message{Error: refusal.Public}
	case receive.Unsupported:
		return http.StatusUnsupportedMediaType, message{Error: refusal.Public}
	case receive.NotFound:
		return http.StatusNotFound, message{Error: "there is nothing at this path; a webhook URL is /webhooks/SOURCE/TOKEN"}
	case receive.Unavailable:
		return http.StatusServiceUnavailable, message{Error: "not stored: send the request again"}
	case receive.Internal:
	}
	return http.StatusInternalServerError, message{Error: "internal error: send the request again"}
}

// request reads the exact bytes and the credentials of an event. It returns a
// *receive.Error for a body that is not what its encoding says, and the rest of
// the request all the same, for its line.
func request(ev events.APIGatewayV2HTTPRequest, to target) (receive.Request, error) {
	req := receive.Request{
		Source:            to.source,
		Token:             token(ev, to),
		Signature:         ev.Headers["x-smartlead-signature"],
		ProviderRequestID: ev.Headers["x-request-id"],
		WebhookLevel:      ev.Headers["x-webhook-level"],
		ContentEncoding:   ev.Headers["content-encoding"],
		RequestID:         ev.RequestContext.RequestID,
		SourceIP:          ev.RequestContext.HTTP.SourceIP,
		UserAgent:         ev.RequestContext.HTTP.UserAgent,
		Body:              []byte(ev.Body),
	}
	// The token goes before the text is cut: a part of it would not be recognised.
	req = req.WithoutToken()
	req.ProviderRequestID = telemetry.Clean(req.ProviderRequestID, 200)
	if ev.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(ev.Body)
		if err != nil {
			return req, &receive.Error{Kind: receive.BadBody, Cause: "base64", Public: "the body is not what its encoding says", Err: err}
		}
		req.Body = body
	}
	return req, nil
}

// token takes the first of: the path, the query, the Authorization header.
func token(ev events.APIGatewayV2HTTPRequest, to target) string {
	if to.token != "" {
		return to.token
	}
	if t := ev.QueryStringParameters["token"]; t != "" {
		return t
	}
	scheme, t, ok := strings.Cut(ev.Headers["authorization"], " ")
	if ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(t)
	}
	return ""
}

type message struct {
	Status string `json:"status,omitempty"`
	Error  string `json:"error,omitempty"`
}

type resultsBody struct {
	Results []resultBody `json:"results"`
}

type resultBody struct {
	EventID string `json:"event_id,omitempty"`
	Status  string `json:"status"`
	Error   string `json:"error,omitempty"`
}

func results(a receive.Answer) resultsBody {
	out := resultsBody{Results: make([]resultBody, 0, len(a.Results))}
	for _, r := range a.Results {
		out.Results = append(out.Results, resultBody{EventID: string(r.EventID), Status: string(r.Status), Error: r.Reason})
	}
	return out
}

// retryAfter is what a 503 asks for, in seconds: about as long as a brief failure
// of a store lasts.
const retryAfter = "30"

func response(status int, body any, method string) events.APIGatewayV2HTTPResponse {
	out := events.APIGatewayV2HTTPResponse{
		StatusCode: status,
		Headers:    map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"},
	}
	if status == http.StatusServiceUnavailable {
		out.Headers["Retry-After"] = retryAfter
	}
	if status == http.StatusUnsupportedMediaType { // RFC 9110, section 15.5.16
		out.Headers["Accept-Encoding"] = receive.Codings
	}
	if status == http.StatusMethodNotAllowed {
		out.Headers["Allow"] = "POST, GET, HEAD"
	}
	if method == http.MethodHead {
		return out
	}
	b, err := json.Marshal(body)
	if err != nil { // our own types: it cannot fail
		b = []byte(`{"error":"internal error"}`)
	}
	out.Body = string(b)
	return out
}
