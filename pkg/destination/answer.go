package destination

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

	"smartlead-receiver/pkg/exchange"
	"smartlead-receiver/pkg/webhook"
)

// Answer is what came back from one HTTP attempt (exchange.Answer).
type Answer = exchange.Answer

// Decide is the one place where the outcome of an HTTP delivery is decided.
//
//   - 2xx is delivered.
//   - 408, 425, 429, 5xx and every failure below HTTP may pass: retry. That holds for a
//     refused address as well: a name may be given a right one again within minutes,
//     and an event that died of a mistake in DNS would wait for an operator.
//   - 3xx is permanent: redirects are not followed, because the event would go
//     where nobody configured it to go. The operator enters the new URL.
//   - 401, 403 and 404 are permanent like every other 4xx. An operator fixes
//     them, by a key or a URL; until then a retry cannot succeed, and a dead
//     letter says so at once instead of after hours. A redrive brings it back.
func Decide(a Answer, host string, now time.Time) webhook.Outcome {
	if a.Err != nil {
		class, text := classify(a.Err, host)
		return webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: class, Error: host + ": " + text}
	}
	out := webhook.Outcome{Status: a.Status}
	switch {
	case a.Status >= 200 && a.Status < 300:
		out.Result = webhook.ResultDelivered
		return out
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly,
		a.Status == http.StatusTooManyRequests, a.Status >= 500:
		out.Result = webhook.ResultRetry
		out.RetryAfter = LongestRetryAfter(a.RetryAfter, now)
	default:
		out.Result = webhook.ResultPermanent
	}
	out.ErrorClass = "http_" + strconv.Itoa(a.Status)
	text := fmt.Sprintf("%s answered %d", host, a.Status)
	if name := http.StatusText(a.Status); name != "" {
		text += " " + name
	}
	if hint := hints[a.Status]; hint != "" {
		text += " (" + hint + ")"
	} else if a.Status >= 300 && a.Status < 400 {
		text += " (redirects are not followed: configure the final URL)"
	}
	if a.Excerpt != "" {
		text += ": " + a.Excerpt
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
// the URL with its credentials. Host is that of the URL, with its port.
func classify(err error, host string) (class, text string) {
	var (
		refused *AddressError
		dns     *net.DNSError
		timeout net.Error
	)
	if errors.Is(err, context.Canceled) {
		return "canceled", "the attempt was cut off because the worker stopped"
	}
	if errors.Is(err, exchange.ErrEndless) {
		return ClassBadAnswer, "the answer has no end that was waited for; the event may have arrived"
	}
	if errors.As(err, &refused) {
		return "address_refused", "leads to " + refused.Address.String() + ", which is " + RefusedText(refused)
	}
	if errors.As(err, &dns) {
		return "dns", unresolved(dns, nameOf(host))
	}
	if text := untrusted(err, nameOf(host)); text != "" {
		return "tls", text
	}
	switch {
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

// nameOf is a host without its port.
func nameOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// unresolved says why a name has no address.
func unresolved(err *net.DNSError, name string) string {
	switch {
	case err.IsNotFound:
		return "the name " + name + " does not exist; check the destination's URL and its DNS"
	case err.IsTimeout:
		return "the name " + name + " could not be looked up: no name server answered in time"
	}
	return "the name " + name + " could not be looked up: the name server failed"
}

// untrusted says what is wrong with TLS, "" where that is not what failed.
func untrusted(err error, name string) string {
	var (
		badCert   *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	of := "the certificate of " + name
	switch {
	case errors.As(err, &hostname):
		return of + " is for " + issuedFor(hostname.Certificate)
	case errors.As(err, &authority):
		return of + " comes from an authority that is not trusted"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return of + " " + outOfDate(invalid)
	case errors.As(err, &badCert), errors.As(err, &invalid):
		return of + " could not be verified"
	case errors.As(err, &record), errors.As(err, &alert):
		return "no TLS connection could be made"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "the server does not speak TLS on this port"
	}
	return ""
}

// outOfDate says which end of its time a certificate is beyond. The library reports
// both under one reason.
func outOfDate(e x509.CertificateInvalidError) string {
	if strings.Contains(e.Detail, "is before") {
		return "is not valid before " + e.Cert.NotBefore.UTC().Format(time.DateOnly)
	}
	return "expired on " + e.Cert.NotAfter.UTC().Format(time.DateOnly)
}

// maxNames bounds what is shown of the names in a certificate, which is its owner's
// text: in bytes.
const maxNames = 80

func issuedFor(c *x509.Certificate) string {
	if c == nil || len(c.DNSNames) == 0 {
		return "another name"
	}
	return Clean(strings.Join(c.DNSNames, ", "), maxNames)
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

// LongestRetryAfter returns what is asked for: of several lines, which proxies leave,
// the longest, so that nobody is asked too early.
func LongestRetryAfter(lines []string, now time.Time) time.Duration {
	var longest time.Duration
	for _, line := range lines {
		longest = max(longest, parseRetryAfter(line, now))
	}
	return longest
}

// parseRetryAfter reads seconds or an HTTP date (RFC 9110, 10.2.3). A fraction of a
// second, which some send, is rounded up; what is past, and anything else, is no wish.
// The result is between zero and MaxRetryAfter.
func parseRetryAfter(line string, now time.Time) time.Duration {
	line = strings.TrimSpace(line)
	if line != "" && strings.Trim(line, "0123456789.") == "" {
		seconds, err := strconv.ParseFloat(line, 64)
		switch {
		case err == nil && seconds <= MaxRetryAfter.Seconds():
			return time.Duration(math.Ceil(seconds)) * time.Second
		case err == nil, errors.Is(err, strconv.ErrRange):
			return MaxRetryAfter
		}
		return 0
	}
	at, err := http.ParseTime(line)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), MaxRetryAfter)
}

// RefusedText says what an address is, and how it is allowed if it may be.
func RefusedText(e *AddressError) string {
	if !e.Allowed {
		return e.Kind + ", where no destination may be"
	}
	return e.Kind + "; allow it with --allow-private"
}
