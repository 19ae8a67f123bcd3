package desthttp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

// answer is what came back from one HTTP attempt: a status, or an error.
type answer struct {
	status     int
	retryAfter []string // header lines, as sent
	excerpt    string   // of the body, safe to show
	err        error    // no answer at all
}

// decide is the one place where the outcome of an HTTP delivery is decided.
//
//   - 2xx is delivered.
//   - 408, 425, 429, 5xx and every failure below HTTP may pass: retry.
//   - 3xx is permanent: redirects are not followed, because the event would go
//     where nobody configured it to go. The operator enters the new URL.
//   - 401, 403 and 404 are permanent like every other 4xx. An operator fixes
//     them, by a key or a URL; until then a retry cannot succeed, and a dead
//     dead letter says so at once instead of after hours. A redrive brings it back.
func decide(a answer, host string, now time.Time) webhook.Outcome {
	if a.err != nil {
		class, text := classify(a.err)
		return webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: class, Error: host + ": " + text}
	}
	out := webhook.Outcome{Status: a.status}
	switch {
	case a.status >= 200 && a.status < 300:
		out.Result = webhook.ResultDelivered
		return out
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooEarly,
		a.status == http.StatusTooManyRequests, a.status >= 500:
		out.Result = webhook.ResultRetry
		out.RetryAfter = longestRetryAfter(a.retryAfter, now)
	default:
		out.Result = webhook.ResultPermanent
	}
	out.ErrorClass = "http_" + strconv.Itoa(a.status)
	text := fmt.Sprintf("%s answered %d", host, a.status)
	if name := http.StatusText(a.status); name != "" {
		text += " " + name
	}
	if hint := hints[a.status]; hint != "" {
		text += " (" + hint + ")"
	} else if a.status >= 300 && a.status < 400 {
		text += " (redirects are not followed: configure the final URL)"
	}
	if a.excerpt != "" {
		text += ": " + a.excerpt
	}
	out.Error = text
	return out
}

// hints say what an operator can do about a status.
var hints = map[int]string{
	http.StatusUnauthorized:          "check the destination's credentials",
	http.StatusForbidden:             "check the destination's credentials",
	http.StatusNotFound:              "check the destination's URL",
	http.StatusGone:                  "the endpoint was removed",
	http.StatusRequestEntityTooLarge: "the destination takes no event of this size",
}

// classify names a failure below HTTP. The text is ours: the library's may hold
// the URL with its credentials.
func classify(err error) (class, text string) {
	var (
		dns       *net.DNSError
		timeout   net.Error
		badCert   *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled", "the attempt was cut off because the worker stopped"
	case errors.As(err, &dns):
		return "dns", "the host name could not be resolved"
	case errors.As(err, &badCert), errors.As(err, &authority), errors.As(err, &hostname):
		return "tls", "the certificate could not be verified"
	case errors.As(err, &record), errors.As(err, &alert):
		return "tls", "no TLS connection could be made"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "tls", "the server does not speak TLS on this port"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout", "no answer in time; the event may have arrived"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection_refused", "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection_reset", "the connection was reset; the event may have arrived"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable", "the host cannot be reached from here"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection_closed", "the connection was closed without an answer; the event may have arrived"
	}
	return "network", "the request failed: " + innermost(err)
}

// innermost drops what url.Error adds, which is the URL. Text that still holds
// one is not shown.
func innermost(err error) string {
	var outer *url.Error
	for errors.As(err, &outer) {
		err = outer.Err
	}
	if text := err.Error(); !strings.Contains(text, "://") {
		return text
	}
	return "no further detail"
}

// longestRetryAfter returns what is asked for: of several lines, which proxies leave,
// the longest, so that nobody is asked too early.
func longestRetryAfter(lines []string, now time.Time) time.Duration {
	var longest time.Duration
	for _, line := range lines {
		longest = max(longest, parseRetryAfter(line, now))
	}
	return longest
}

// parseRetryAfter reads seconds or an HTTP date (RFC 9110, 10.2.3). A fraction of a
// second, which some send, is rounded up; what is past, and anything else, is no wish.
// The result is between zero and destination.MaxRetryAfter.
func parseRetryAfter(line string, now time.Time) time.Duration {
	line = strings.TrimSpace(line)
	if line != "" && strings.Trim(line, "0123456789.") == "" {
		seconds, err := strconv.ParseFloat(line, 64)
		switch {
		case err == nil && seconds <= destination.MaxRetryAfter.Seconds():
			return time.Duration(math.Ceil(seconds)) * time.Second
		case err == nil, errors.Is(err, strconv.ErrRange):
			return destination.MaxRetryAfter
		}
		return 0
	}
	at, err := http.ParseTime(line)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), destination.MaxRetryAfter)
}
