package lambdaio

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/receive"
)

// place is where a request's path leads.
type place int

const (
	nowhere place = iota // no path of ours: a scanner, as a rule
	astray               // looks like a webhook URL and is none
	hook
	errorHook // where tools report errors
	health
)

// target is what a path names.
type target struct {
	place         place
	source, token string
	parts         int
}

// targetOf reads the path of a request. The routes of the HTTP API match a path
// segment by segment and hand over decoded parameters; whatever they do not
// match comes by $default with the path alone. So a URL with a slash at its end,
// with doubled slashes, or with escapes that a gateway in between left as they
// are is read here, the same way for both.
//
// A token in the place of anything else never counts as a source: names have
// no underscore, and tokens begin with a word that has one.
func targetOf(ev events.APIGatewayV2HTTPRequest) target {
	if source := ev.PathParameters["source"]; source != "" {
		return target{place: routeOf(ev), source: segment(source), token: segment(ev.PathParameters["token"])}
	}
	parts := segments(ev.RawPath)
	t := target{parts: len(parts)}
	switch {
	case len(parts) == 1 && parts[0] == "healthz":
		if m := ev.RequestContext.HTTP.Method; m == http.MethodGet || m == http.MethodHead {
			t.place = health
		}
	case len(parts) == 2 && parts[0] == "webhooks":
		t.place, t.source = hook, parts[1]
	case len(parts) == 3 && parts[0] == "webhooks":
		t.place, t.source, t.token = hook, parts[1], parts[2]
	case len(parts) == 2 && parts[0] == errorPath:
		t.place, t.source = errorHook, parts[1]
	case len(parts) == 3 && parts[0] == errorPath:
		t.place, t.source, t.token = errorHook, parts[1], parts[2]
	case meansUs(parts):
		t.place = astray
		if len(parts) > 1 {
			t.source = parts[1]
		}
	}
	return t
}

// errorPath begins the path of an error webhook.
const errorPath = "errors"

// routeOf says where a route with a source leads: its key says it, and the path where
// there is none.
func routeOf(ev events.APIGatewayV2HTTPRequest) place {
	_, path, found := strings.Cut(ev.RouteKey, " ")
	if !found {
		path = ev.RawPath
	}
	if parts := segments(path); len(parts) > 0 && parts[0] == errorPath {
		return errorHook
	}
	return hook
}

// meansUs tells a webhook URL that somebody entered wrongly from what scanners ask
// for: it begins with webhook, or a token of ours stands in it.
func meansUs(parts []string) bool {
	for i, part := range parts {
		if receive.LooksLikeToken(part) || i == 0 && strings.HasPrefix(strings.ToLower(part), "webhook") {
			return true
		}
	}
	return false
}

// segments splits a path; what is between two slashes counts only if there is
// something.
func segments(path string) []string {
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" {
			parts = append(parts, segment(part))
		}
	}
	return parts
}

// segment drops slashes around a segment, and decodes what is still escaped in
// it, in either letter case.
func segment(part string) string {
	part = strings.Trim(part, "/")
	if plain, err := url.PathUnescape(part); err == nil {
		return plain
	}
	return part
}
