package local

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

const (
	// maxGatewayBody is the largest body that an HTTP API takes.
	maxGatewayBody = 10 << 20
	// maxInvocation is the largest event or response of a synchronous
	// invocation: Lambda's 6 MB, for the JSON, not the body inside it.
	maxInvocation = 6 << 20
)

// What API Gateway itself answers.
const (
	badRequest    = `{"message":"Bad Request"}`
	tooLarge      = `{"message":"Request Entity Too Large"}`
	internalError = `{"message":"Internal Server Error"}`
)

// Front is the HTTP API: it turns each request into an event, invokes the
// function and turns its response back. Any number of requests run at a time.
// A client that goes away does not end the invocation.
type Front struct {
	handler HTTPHandler
	routes  []route
	timeout time.Duration
	log     *slog.Logger
	now     func() time.Time
}

// NewFront returns a front for the routes of Routes; timeout is the function's.
func NewFront(handler HTTPHandler, timeout time.Duration, log *slog.Logger) *Front {
	return &Front{handler: handler, routes: parseRoutes(Routes()), timeout: timeout, log: log, now: time.Now}
}

// ServeHTTP implements http.Handler. What the function may not see is answered
// as API Gateway does: 413 for a body or an event
// over the limits, 500 for a function that fails, panics, overruns its timeout
// or answers nonsense.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, parameters := f.match(r)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxGatewayBody))
	if err != nil {
		var over *http.MaxBytesError
		if errors.As(err, &over) {
			answer(w, http.StatusRequestEntityTooLarge, tooLarge)
			return
		}
		answer(w, http.StatusBadRequest, badRequest)
		return
	}
	event, fits, err := onTheWire(apiEvent(r, key, parameters, body, f.now()))
	if err != nil {
		f.fail(w, key, "", err)
		return
	}
	if !fits {
		answer(w, http.StatusRequestEntityTooLarge, tooLarge)
		return
	}
	requestID := event.RequestContext.RequestID
	w.Header().Set("Apigw-Requestid", requestID)
	var response events.APIGatewayV2HTTPResponse
	err = invoke(context.WithoutCancel(r.Context()), f.timeout, "receiver", func(ctx context.Context) error {
		var err error
		response, err = f.handler(ctx, event)
		return err
	})
	if err != nil {
		f.fail(w, key, requestID, err)
		return
	}
	if err := write(w, response); err != nil {
		f.fail(w, key, requestID, err)
	}
}

func (f *Front) match(r *http.Request) (string, map[string]string) {
	for _, candidate := range f.routes {
		if parameters, ok := candidate.match(r.Method, r.URL.EscapedPath()); ok {
			return candidate.key, parameters
		}
	}
	return catchAll, nil
}

// fail logs the cause by the route key, since the path holds the token.
func (f *Front) fail(w http.ResponseWriter, routeKey, requestID string, err error) {
	f.log.Error("function failed", "function", "receiver", "route", routeKey, "request_id", requestID, "error", err.Error())
	answer(w, http.StatusInternalServerError, internalError)
}

// onTheWire passes the event through JSON, as it travels to Lambda, and tells
// whether it fits into an invocation. Bytes that are no UTF-8 in a text body
// are replaced there.
func onTheWire(event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPRequest, bool, error) {
	wire, err := json.Marshal(event)
	if err != nil {
		return event, false, err
	}
	if len(wire) > maxInvocation {
		return event, false, nil
	}
	var received events.APIGatewayV2HTTPRequest
	err = json.Unmarshal(wire, &received)
	return received, true, err
}

// write turns the function's response into HTTP. MultiValueHeaders do not
// exist in format 2.0 and are ignored there, as here.
func write(w http.ResponseWriter, response events.APIGatewayV2HTTPResponse) error {
	if response.StatusCode < 200 || response.StatusCode > 599 {
		return errors.New("no valid status code: " + strconv.Itoa(response.StatusCode))
	}
	body := []byte(response.Body)
	if response.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(response.Body)
		if err != nil {
			return errors.New("the response's body is not base64")
		}
		body = decoded
	}
	header := w.Header()
	header.Set("Content-Type", "text/plain;charset=UTF-8")
	for name, value := range response.Headers {
		header.Set(name, value)
	}
	for _, cookie := range response.Cookies {
		header.Add("Set-Cookie", cookie)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(body) // the client may be gone
	return nil
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client may be gone
}
