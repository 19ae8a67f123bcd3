package local

import (
	"crypto/rand"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/gateway"
)

// The identity of the API that the local front pretends to be.
const (
	localAccount = "000000000000"
	localAPI     = "local"
	localStage   = "$default"
)

// apiEvent turns a request into the event that an HTTP API sends to Lambda:
// payload format 2.0, as docs.aws.amazon.com/apigateway/latest/developerguide/
// http-api-develop-integrations-lambda.html describes it. Path and path
// parameters arrive decoded, the query string encoded; header names in lower
// case, duplicates joined by a comma; cookies apart from the headers.
func apiEvent(r *http.Request, routeKey string, parameters map[string]string, body []byte, now time.Time) events.APIGatewayV2HTTPRequest {
	sourceIP := withoutPort(r.RemoteAddr)
	event := events.APIGatewayV2HTTPRequest{
		Version:               "2.0",
		RouteKey:              routeKey,
		RawPath:               r.URL.Path,
		RawQueryString:        r.URL.RawQuery,
		Cookies:               cookies(r.Header),
		Headers:               headers(r, sourceIP, len(body)),
		QueryStringParameters: queryParameters(r.URL.RawQuery),
		PathParameters:        parameters,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey:     routeKey,
			AccountID:    localAccount,
			Stage:        localStage,
			RequestID:    gatewayRequestID(),
			APIID:        localAPI,
			DomainName:   withoutPort(r.Host),
			DomainPrefix: localAPI,
			Time:         now.UTC().Format("02/Jan/2006:15:04:05 -0700"),
			TimeEpoch:    now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method:    r.Method,
				Path:      r.URL.Path,
				Protocol:  r.Proto,
				SourceIP:  sourceIP,
				UserAgent: r.UserAgent(),
			},
		},
	}
	if len(body) > 0 {
		event.IsBase64Encoded = !gateway.AsText(r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding"))
		event.Body = string(body)
		if event.IsBase64Encoded {
			event.Body = base64.StdEncoding.EncodeToString(body)
		}
	}
	return event
}

func headers(r *http.Request, sourceIP string, length int) map[string]string {
	joined := make(map[string]string, len(r.Header)+5)
	for name, values := range r.Header {
		joined[strings.ToLower(name)] = strings.Join(values, ",")
	}
	delete(joined, "cookie")
	delete(joined, "connection") // of this hop only
	if before := joined["x-forwarded-for"]; before != "" {
		sourceIP = before + ", " + sourceIP
	}
	joined["x-forwarded-for"] = sourceIP
	joined["x-forwarded-proto"] = "http"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		joined["x-forwarded-port"] = port
	}
	joined["host"] = r.Host
	joined["content-length"] = strconv.Itoa(length)
	return joined
}

func cookies(header http.Header) []string {
	var all []string
	for _, line := range header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				all = append(all, cookie)
			}
		}
	}
	return all
}

func queryParameters(raw string) map[string]string {
	values, _ := url.ParseQuery(raw) // what can be read of a malformed query
	if len(values) == 0 {
		return nil
	}
	joined := make(map[string]string, len(values))
	for name, all := range values {
		joined[name] = strings.Join(all, ",")
	}
	return joined
}

func withoutPort(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// gatewayRequestID has the form of the ids of API Gateway: 15 characters and
// an equals sign.
func gatewayRequestID() string {
	var random [11]byte
	_, _ = rand.Read(random[:]) // never fails
	return base64.URLEncoding.EncodeToString(random[:])
}
