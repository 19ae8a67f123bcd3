package local

import (
	"net/url"
	"strings"
)

// catchAll is the route that takes what no other route takes.
const catchAll = "$default"

// Routes are the route keys of the HTTP API, as the template declares them.
func Routes() []string {
	return []string{
		"ANY /webhooks/{source}/{token}",
		"ANY /webhooks/{source}",
		"ANY /errors/{source}/{token}",
		"ANY /errors/{source}",
		"GET /healthz",
		catchAll,
	}
}

// route is one route key, split.
type route struct {
	key      string
	method   string
	segments []string
}

func parseRoutes(keys []string) []route {
	routes := make([]route, 0, len(keys))
	for _, key := range keys {
		method, path, _ := strings.Cut(key, " ")
		routes = append(routes, route{key: key, method: method, segments: strings.Split(path, "/")})
	}
	return routes
}

// match tells whether the route takes the request, and the decoded path
// parameters. A parameter is exactly one segment and never empty; a trailing
// slash is another path.
func (r route) match(method, escapedPath string) (map[string]string, bool) {
	if r.method != "ANY" && r.method != method {
		return nil, false
	}
	segments := strings.Split(escapedPath, "/")
	if len(segments) != len(r.segments) {
		return nil, false
	}
	var parameters map[string]string
	for i, pattern := range r.segments {
		segment, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, false
		}
		if !strings.HasPrefix(pattern, "{") {
			if segment != pattern {
				return nil, false
			}
			continue
		}
		if segment == "" {
			return nil, false
		}
		if parameters == nil {
			parameters = map[string]string{}
		}
		parameters[strings.Trim(pattern, "{}")] = segment
	}
	return parameters, true
}
