package lambdaio

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// Each path is tried as an HTTP API hands it over: decoded, and by a gateway that
// leaves escapes.
func TestTargetOfAPath(t *testing.T) {
	for path, want := range map[string]target{
		"/webhooks/demo/slr_k":           {place: hook, source: "demo", token: "slr_k"},
		"/webhooks/demo/slr_k/":          {place: hook, source: "demo", token: "slr_k"},
		"/webhooks/demo/slr_k//":         {place: hook, source: "demo", token: "slr_k"},
		"//webhooks/demo/slr_k":          {place: hook, source: "demo", token: "slr_k"},
		"/webhooks//demo///slr_k/":       {place: hook, source: "demo", token: "slr_k"},
		"/webhooks/demo/slr%5Fk":         {place: hook, source: "demo", token: "slr_k"},
		"/webhooks/demo/slr%5fk/":        {place: hook, source: "demo", token: "slr_k"},
		"/%77ebhooks/%64em%6F/slr_%6B":   {place: hook, source: "demo", token: "slr_k"},
		"/webhooks/d%2Demo/a%7Eb%7ec":    {place: hook, source: "d-emo", token: "a~b~c"},
		"/webhooks/demo/50%":             {place: hook, source: "demo", token: "50%"},
		"/webhooks/demo":                 {place: hook, source: "demo"},
		"/webhooks/demo/":                {place: hook, source: "demo"},
		"/webhooks//slr_k":               {place: hook, source: "slr_k"}, // no name of a source: unknown
		"/webhooks/demo/slr_k/more":      {place: astray, source: "demo"},
		"/webhooks":                      {place: astray},
		"/webhook/demo/slr_k":            {place: astray, source: "demo"},
		"/Webhooks/demo/slr_k":           {place: astray, source: "demo"},
		"/v1/webhooks/demo/slr_k":        {place: astray, source: "webhooks"},
		"/errors/demo/slr_k/":            {place: errorHook, source: "demo", token: "slr_k"},
		"/%65rrors/demo":                 {place: errorHook, source: "demo"},
		"/errors":                        {place: nowhere},
		"/errors/demo/slr_k/more":        {place: astray, source: "demo"},
		"/error/demo/slr_k":              {place: astray, source: "demo"},
		"/slr_k":                         {place: astray},
		"/healthz":                       {place: health},
		"//healthz/":                     {place: health},
		"/healthz/more":                  {place: nowhere},
		"/":                              {place: nowhere},
		"":                               {place: nowhere},
		"/wp-admin/webhooks":             {place: nowhere},
		"/robots.txt":                    {place: nowhere},
		"/demo/webhooks/not-a-token/xyz": {place: nowhere},
	} {
		ev := events.APIGatewayV2HTTPRequest{RawPath: path, RouteKey: "$default"}
		ev.RequestContext.HTTP.Method = "GET"
		got := targetOf(ev)
		got.parts = 0
		if got != want {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
}

// A matched route's parameters are read like the path itself.
func TestTargetOfPathParameters(t *testing.T) {
	for token, want := range map[string]string{"slr_k": "slr_k", "slr_k/": "slr_k", "slr%5Fk": "slr_k", "slr%5fk": "slr_k", "": ""} {
		got := targetOf(events.APIGatewayV2HTTPRequest{
			RawPath: "/webhooks/demo/" + token, RouteKey: "ANY /webhooks/{source}/{token}",
			PathParameters: map[string]string{"source": "demo", "token": token},
		})
		if got.place != hook || got.source != "demo" || got.token != want {
			t.Errorf("%q: %+v", token, got)
		}
	}
}
