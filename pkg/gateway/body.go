// Package gateway says what an HTTP API of API Gateway does to a request's body before
// a function sees it.
package gateway

import (
	"mime"
	"strings"
	"unicode/utf8"
)

// Passed returns the body as the function gets it, and how many bytes were replaced.
// What is passed as text loses each byte that is not UTF-8: U+FFFD takes its place.
func Passed(contentType, contentEncoding string, body []byte) (passed []byte, replaced int) {
	if !AsText(contentType, contentEncoding) || utf8.Valid(body) {
		return body, 0
	}
	passed = make([]byte, 0, len(body)+64)
	for len(body) > 0 {
		r, n := utf8.DecodeRune(body)
		if r == utf8.RuneError && n == 1 {
			replaced++
		}
		passed, body = utf8.AppendRune(passed, r), body[n:]
	}
	return passed, replaced
}

// AsText tells whether a body is passed as text. Everything else is base64, so that its
// bytes stay: a missing type, forms and "+json" types too. AWS documents that binary
// types are encoded, not which they are; the list is what was measured there
// (github.com/ministackorg/ministack/pull/766). That a body with a content coding is
// base64 whatever its type is what AWS documents for load balancers
// (docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html);
// of an HTTP API it is an assumption: docs/RELIABILITY.md says how to check it.
func AsText(contentType, contentEncoding string) bool {
	if contentEncoding != "" && !strings.EqualFold(contentEncoding, "identity") {
		return false
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		mediaType, _, _ = strings.Cut(contentType, ";")
		mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	}
	switch mediaType {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(mediaType, "text/")
}
