package lambdaio

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/pkg/webhook"
)

func TestStatusOfEachRefusal(t *testing.T) {
	want := map[receive.Kind]int{
		receive.Unauthorized: 401, receive.BadBody: 400, receive.TooLarge: 413, receive.NotFound: 404, receive.Unsupported: 415, receive.Unavailable: 503, receive.Internal: 500, "new kind": 500,
	}
	for _, kind := range append(slices.Clone(receive.Kinds), "new kind") {
		if got, _ := statusOf(&receive.Error{Kind: kind, Cause: "x", Err: errors.New("secret detail")}); got != want[kind] {
			t.Errorf("%s: got %d, want %d", kind, got, want[kind])
		}
	}
	status, body := statusOf(errors.New("secret detail"))
	if m, ok := body.(message); status != 500 || !ok || m.Error == "secret detail" {
		t.Errorf("an unknown error: %d %v", status, body)
	}
}

func TestOurFailureAsksForTheRequestAgain(t *testing.T) {
	status, body := statusOf(&receive.Error{Kind: receive.Unavailable, Cause: "not_durable"})
	r := response(status, body, http.MethodPost)
	if r.Headers["Retry-After"] == "" || r.Headers["Content-Type"] != "application/json" {
		t.Errorf("%+v", r)
	}
}

func TestRequestKeepsTheExactBytes(t *testing.T) {
	raw := "{\"a\":\"\xff\x00\"}"
	req, err := request(events.APIGatewayV2HTTPRequest{Body: base64.StdEncoding.EncodeToString([]byte(raw)), IsBase64Encoded: true}, target{})
	if err != nil || string(req.Body) != raw {
		t.Errorf("%q %v", req.Body, err)
	}
	req, err = request(events.APIGatewayV2HTTPRequest{Body: raw}, target{})
	if err != nil || string(req.Body) != raw {
		t.Errorf("%q %v", req.Body, err)
	}
	_, err = request(events.APIGatewayV2HTTPRequest{Body: "not base64!", IsBase64Encoded: true}, target{})
	if status, _ := statusOf(err); status != 400 {
		t.Errorf("broken base64: %d", status)
	}
}

// TestTokenIsNotLogged: neither from a header nor from a URL whose parts changed
// places, also where it is cut.
func TestTokenIsNotLogged(t *testing.T) {
	const token = "slr_abcdefghijklmnopqrstuvwxyz234567"
	for name, ev := range map[string]events.APIGatewayV2HTTPRequest{
		"header":         {PathParameters: map[string]string{"source": "demo", "token": token}, Headers: map[string]string{"x-request-id": token}},
		"header, cut":    {PathParameters: map[string]string{"source": "demo", "token": token}, Headers: map[string]string{"x-request-id": strings.Repeat("x", 180) + token}},
		"changed places": {PathParameters: map[string]string{"source": token, "token": "demo"}},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := request(ev, targetOf(ev))
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			to := newRefusals(recorder(&log))
			answer := receive.Answer{Results: []receive.Result{{Status: receive.Accepted}}}
			logReceived(t.Context(), to, req, answer, nil, 0)
			logReceived(t.Context(), to, req, receive.Answer{}, &receive.Error{Kind: receive.Unauthorized, Cause: "wrong_token"}, 0)
			if log.Len() == 0 || strings.Contains(log.String(), token[:12]) {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

// recorder writes as a function does, without what masks.
func recorder(to io.Writer) telemetry.Recorder {
	return telemetry.Recorder{Log: slog.New(slog.NewJSONHandler(to, nil)), Namespace: "test", Now: time.Now}
}

func TestTokenIsTakenFromPathThenQueryThenHeader(t *testing.T) {
	ev := events.APIGatewayV2HTTPRequest{Headers: map[string]string{"authorization": "bearer  header"}}
	for _, want := range []string{"header", "query", "path"} {
		switch want {
		case "query":
			ev.QueryStringParameters = map[string]string{"token": "query"}
		case "path":
			ev.PathParameters = map[string]string{"source": "demo", "token": "path"}
		}
		if got := token(ev, targetOf(ev)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := token(events.APIGatewayV2HTTPRequest{Headers: map[string]string{"authorization": "Basic abc"}}, target{}); got != "" {
		t.Errorf("another scheme: %q", got)
	}
}

func TestLaneIsToldByTheQueuesName(t *testing.T) {
	w := worker{replayQueue: "https://sqs.eu-west-1.amazonaws.com/1/stack-Replay"}
	for arn, want := range map[string]string{
		"arn:aws:sqs:eu-west-1:1:stack-Replay": "replay", "arn:aws:sqs:eu-west-1:1:stack-Live": "live",
		"arn:aws:sqs:eu-west-1:1:Replay": "live", "": "live",
	} {
		if got := w.lane(events.SQSMessage{EventSourceARN: arn}); string(got) != want {
			t.Errorf("%q: got %s, want %s", arn, got, want)
		}
	}
}

// nobody is a store of senders without any; it keeps only how many refusals came.
type nobody struct{ kept *int }

func (nobody) Source(context.Context, string, string) (auth.Source, error) {
	return auth.Source{}, auth.ErrUnknownSource
}

func (n nobody) RecordRejectedRequest(context.Context, webhook.RejectedRequest) error {
	*n.kept++
	return nil
}

func TestServe(t *testing.T) {
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		line                     string // outcome of the line; empty: none, and nothing is kept
	}{
		{"health", "GET", "/healthz", "", 200, ""},
		{"another method", "PUT", "/webhooks/demo/x", "e30=", 405, ""},
		{"another method, not what its encoding says", "PUT", "/webhooks/demo/x", "not base64!", 405, ""},
		{"POST of a stranger", "POST", "/webhooks/demo/x", "e30=", 401, "unauthorized"},
		{"POST, not what its encoding says", "POST", "/webhooks/demo/x", "not base64!", 400, "bad_body"},
		{"GET of a stranger", "GET", "/webhooks/demo/x", "", 401, "unauthorized"},
		{"HEAD of a stranger", "HEAD", "/webhooks/demo/x", "", 401, "unauthorized"},
		{"GET, not what its encoding says", "GET", "/webhooks/demo/x", "not base64!", 400, "bad_body"},
		{"health, with a slash", "GET", "/healthz/", "", 200, ""},
		{"POST to the health check", "POST", "/healthz", "e30=", 404, ""},
		{"POST of a stranger, with a slash", "POST", "/webhooks/demo/x/", "e30=", 401, "unauthorized"},
		{"POST with a part too many", "POST", "/webhooks/demo/x/more", "e30=", 404, "not_found"},
		{"GET with a part too many", "GET", "/webhooks/demo/x/more", "", 404, "not_found"},
		{"POST without a source", "POST", "/webhooks/", "e30=", 404, "not_found"},
		{"POST to a misspelt path", "POST", "/webhook/demo/x", "not base64!", 404, "not_found"},
		{"a token in another path", "POST", "/api/slr_x", "e30=", 404, "not_found"},
		{"a scanner", "GET", "/.env", "", 404, ""},
		{"a scanner's POST", "POST", "/wp-login.php", "not base64!", 404, ""},
		{"the root", "HEAD", "/", "", 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept := 0
			svc := receive.New(receive.Ports{Sources: nobody{}, RejectedRequests: nobody{&kept}, Now: time.Now}, receive.DefaultPolicy)
			var log bytes.Buffer
			handler := Receiver(svc, recorder(&log))
			ev := events.APIGatewayV2HTTPRequest{RawPath: c.path, Body: c.body, IsBase64Encoded: true}
			ev.RequestContext.HTTP.Method = c.method
			got, err := handler(t.Context(), ev)
			if err != nil || got.StatusCode != c.status {
				t.Errorf("got %d, want %d: %v", got.StatusCode, c.status, err)
			}
			if (got.Body == "") != (c.method == http.MethodHead) {
				t.Errorf("the body of the answer to %s is %q", c.method, got.Body)
			}
			var line struct{ Outcome string }
			if log.Len() > 0 {
				if err := json.Unmarshal(log.Bytes(), &line); err != nil {
					t.Fatalf("%s: %v", log.String(), err)
				}
			}
			if line.Outcome != c.line {
				t.Errorf("the line says %q, want %q", line.Outcome, c.line)
			}
			// What request itself refuses is in the log alone.
			if want := c.line != "" && c.line != "bad_body"; (kept > 0) != want {
				t.Errorf("kept %d refusals, want any: %t", kept, want)
			}
		})
	}
}
