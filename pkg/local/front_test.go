package local

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func ok(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	return events.APIGatewayV2HTTPResponse{
		StatusCode: 200, Headers: map[string]string{"Content-Type": "application/json"}, Body: `{"ok":true}`,
	}, nil
}

// newFront serves a front and returns its URL.
func newFront(t *testing.T, handler HTTPHandler, timeout time.Duration) string {
	t.Helper()
	front := NewFront(handler, timeout, quiet)
	front.now = func() time.Time { return time.Date(2026, 3, 4, 17, 29, 11, 618e6, time.UTC) }
	server := httptest.NewServer(front)
	t.Cleanup(server.Close)
	return server.URL
}

// do sends one request on a connection of its own.
func do(t *testing.T, method, url string, body io.Reader, header http.Header) (int, string, http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}

// The whole event of one request, as its JSON travels to Lambda. What differs
// from run to run is replaced.
func TestFrontBuildsTheEventOfAnHTTPAPI(t *testing.T) {
	var got events.APIGatewayV2HTTPRequest
	url := newFront(t, func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		got = event
		return ok(ctx, event)
	}, time.Second)
	host := strings.TrimPrefix(url, "http://")
	_, _, header := do(t, "POST", url+"/webhooks/acme%20x/t%2Fk?a=1&b=%2B+x&a=2", strings.NewReader(`{"event_type":"EMAIL_SENT"}`), http.Header{
		"Content-Type":    {"application/json; charset=utf-8"},
		"X-Twice":         {"one", "two"},
		"X-Request-Id":    {"provider-1"},
		"Cookie":          {"a=1; b=2", "c=3"},
		"User-Agent":      {"Smartlead/1"},
		"X-Forwarded-For": {"203.0.113.9"},
	})
	if id := got.RequestContext.RequestID; len(id) != 16 || id != header.Get("Apigw-Requestid") {
		t.Errorf("request id %q, answered %q", id, header.Get("Apigw-Requestid"))
	}
	got.RequestContext.RequestID = "REQUEST_ID"
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte(host), []byte("HOST:PORT"))
	_, port, _ := strings.Cut(host, ":")
	text = append(bytes.ReplaceAll(text, []byte(`"`+port+`"`), []byte(`"PORT"`)), '\n')
	golden := "testdata/apigateway-event.json"
	if *update {
		if err := os.WriteFile(golden, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("event:\n%s\nwant:\n%s", text, want)
	}
}

func TestFrontPassesBodiesAsAPIGatewayDoes(t *testing.T) {
	cases := map[string]struct {
		contentType string
		body        string
		text        string // the event's body when it is text
		encoded     bool
	}{
		"JSON":                   {contentType: "application/json", body: `{"a":1}`, text: `{"a":1}`},
		"JSON with a charset":    {contentType: "Application/JSON; charset=utf-8", body: "{}", text: "{}"},
		"a malformed parameter":  {contentType: "application/json; charset", body: "{}", text: "{}"},
		"plain text":             {contentType: "text/plain", body: "x", text: "x"},
		"XML":                    {contentType: "application/xml", body: "<x/>", text: "<x/>"},
		"JavaScript":             {contentType: "application/javascript", body: "x", text: "x"},
		"bytes that are no text": {contentType: "application/json", body: "\"\xff\"", text: "\"\uFFFD\""},
		"no type":                {body: `{"a":1}`, encoded: true},
		"a form":                 {contentType: "application/x-www-form-urlencoded", body: "a=1", encoded: true},
		"a +json type":           {contentType: "application/cloudevents+json", body: "{}", encoded: true},
		"bytes":                  {contentType: "application/octet-stream", body: "\x00\xff", encoded: true},
		"no body":                {contentType: "application/octet-stream"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got events.APIGatewayV2HTTPRequest
			url := newFront(t, func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
				got = event
				return ok(ctx, event)
			}, time.Second)
			header := http.Header{}
			if c.contentType != "" {
				header.Set("Content-Type", c.contentType)
			}
			do(t, "POST", url+"/webhooks/demo/token", strings.NewReader(c.body), header)
			want := c.text
			if c.encoded {
				want = base64.StdEncoding.EncodeToString([]byte(c.body))
			}
			if got.Body != want || got.IsBase64Encoded != c.encoded {
				t.Errorf("body %q, base64 %t; want %q, %t", got.Body, got.IsBase64Encoded, want, c.encoded)
			}
		})
	}
}

func TestFrontRoutes(t *testing.T) {
	cases := []struct {
		method, path string
		route        string
		source       string
		token        string
	}{
		{"POST", "/webhooks/demo/tok", "ANY /webhooks/{source}/{token}", "demo", "tok"},
		{"GET", "/webhooks/demo/tok", "ANY /webhooks/{source}/{token}", "demo", "tok"},
		{"DELETE", "/webhooks/a%2Fb/c%25", "ANY /webhooks/{source}/{token}", "a/b", "c%"},
		{"POST", "/webhooks/demo?token=x", "ANY /webhooks/{source}", "demo", ""},
		{"GET", "/healthz", "GET /healthz", "", ""},
		{"POST", "/healthz", "$default", "", ""},
		{"HEAD", "/healthz", "$default", "", ""},
		{"POST", "/webhooks/demo/", "$default", "", ""},
		{"POST", "/webhooks//tok", "$default", "", ""},
		{"POST", "/webhooks/demo/tok/more", "$default", "", ""},
		{"POST", "/webhooks", "$default", "", ""},
		{"POST", "/Webhooks/demo/tok", "$default", "", ""},
		{"GET", "/", "$default", "", ""},
	}
	for _, c := range cases {
		var got *events.APIGatewayV2HTTPRequest
		url := newFront(t, func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
			got = &event
			return ok(ctx, event)
		}, time.Second)
		status, _, _ := do(t, c.method, url+c.path, nil, nil)
		if got == nil {
			t.Errorf("%s %s: function not called, %d", c.method, c.path, status)
			continue
		}
		if got.RouteKey != c.route || got.RequestContext.RouteKey != c.route ||
			got.RawPath == "" || got.PathParameters["source"] != c.source || got.PathParameters["token"] != c.token {
			t.Errorf("%s %s: route %q, parameters %v", c.method, c.path, got.RouteKey, got.PathParameters)
		}
	}
}

func TestFrontRefusesWhatIsTooLarge(t *testing.T) {
	jsonType := http.Header{"Content-Type": {"application/json"}}
	cases := map[string]struct {
		body   string
		header http.Header
		want   int
	}{
		"beyond API Gateway":                     {strings.Repeat("x", maxGatewayBody+1), jsonType, 413},
		"text beyond an invocation":              {strings.Repeat("x", maxInvocation), jsonType, 413},
		"text that escaping makes too large":     {strings.Repeat("\n", maxInvocation*2/3), jsonType, 413},
		"text just within":                       {strings.Repeat("x", maxInvocation-4096), jsonType, 200},
		"bytes that base64 makes too large":      {strings.Repeat("x", maxInvocation*3/4), nil, 413},
		"bytes that stay below 4.5 MB in base64": {strings.Repeat("x", maxInvocation*3/4-4096), nil, 200},
	}
	for name, c := range cases {
		url := newFront(t, ok, 5*time.Second)
		status, body, _ := do(t, "POST", url+"/webhooks/demo/token", strings.NewReader(c.body), c.header)
		if status != c.want || c.want == 413 && body != tooLarge {
			t.Errorf("%s: %d %q, want %d", name, status, body, c.want)
		}
	}
}

func TestFrontTurnsResponsesIntoHTTP(t *testing.T) {
	type response = events.APIGatewayV2HTTPResponse
	cases := map[string]struct {
		response response
		err      error
		panics   bool
		status   int
		body     string
		header   http.Header
	}{
		"a JSON answer": {
			response: response{StatusCode: 503, Body: "{}", Headers: map[string]string{"content-type": "application/json", "retry-after": "30"}},
			status:   503, body: "{}", header: http.Header{"Content-Type": {"application/json"}, "Retry-After": {"30"}},
		},
		"base64":         {response: response{StatusCode: 200, Body: "aGk=", IsBase64Encoded: true}, status: 200, body: "hi"},
		"no type":        {response: response{StatusCode: 200, Body: "x"}, status: 200, body: "x", header: http.Header{"Content-Type": {"text/plain;charset=UTF-8"}}},
		"cookies":        {response: response{StatusCode: 204, Cookies: []string{"a=1", "b=2"}}, status: 204, header: http.Header{"Set-Cookie": {"a=1", "b=2"}}},
		"no status":      {response: response{Body: "x"}, status: 500, body: internalError},
		"broken base64":  {response: response{StatusCode: 200, Body: "%", IsBase64Encoded: true}, status: 500, body: internalError},
		"an error":       {err: errors.New("secret detail"), status: 500, body: internalError},
		"a panic":        {panics: true, status: 500, body: internalError},
		"an overrun":     {err: context.DeadlineExceeded, status: 500, body: internalError},
		"a late success": {response: response{StatusCode: 299}, status: 500, body: internalError},
	}
	for name, c := range cases {
		url := newFront(t, func(ctx context.Context, _ events.APIGatewayV2HTTPRequest) (response, error) {
			if c.panics {
				panic("secret detail")
			}
			if name == "a late success" {
				<-ctx.Done()
			}
			return c.response, c.err
		}, 100*time.Millisecond)
		status, body, header := do(t, "POST", url+"/webhooks/demo/token", nil, nil)
		if status != c.status || body != c.body {
			t.Errorf("%s: %d %q, want %d %q", name, status, body, c.status, c.body)
		}
		for key, values := range c.header {
			if got := header[key]; strings.Join(got, "|") != strings.Join(values, "|") {
				t.Errorf("%s: %s = %q, want %q", name, key, got, values)
			}
		}
	}
}

func TestFrontInvokesLikeLambda(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	result := make(chan error, 1)
	url := newFront(t, func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		lc, found := lambdacontext.FromContext(ctx)
		deadline, bounded := ctx.Deadline()
		close(began)
		<-release
		switch {
		case !found || len(lc.AwsRequestID) != 36:
			result <- errors.New("no request id")
		case !bounded || time.Until(deadline) > 5*time.Second:
			result <- errors.New("no deadline")
		default:
			result <- ctx.Err() // the client is gone by now
		}
		return ok(ctx, event)
	}, 5*time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/webhooks/demo/token", nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if response, err := http.DefaultTransport.RoundTrip(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	<-began
	cancel()
	<-gone
	sleep(t.Context(), 20*time.Millisecond)
	close(release)
	if err := <-result; err != nil {
		t.Error(err)
	}
}
