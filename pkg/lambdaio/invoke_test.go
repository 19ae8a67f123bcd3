package lambdaio_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"smartlead-receiver/pkg/lambdaio"
)

var _ lambda.Handler = lambdaio.ReceiverHandler(nil)

// Each event is read as the runtime would read it.
func TestEventsAreReadAsTheRuntimeReadsThem(t *testing.T) {
	forms := map[string]string{
		"no body":         `{"version":"2.0","isBase64Encoded":true}`,
		"empty body":      `{"body":"","version":"2.0"}`,
		"null":            `{"body":null,"headers":null,"version":"2.0"}`,
		"escapes":         `{"body":"\u00e4\"\\\/\n\ud83d\ude00 ä","rawPath":"/\u00e4"}`,
		"half a pair":     `{"body":"a\ud800b"}`,
		"not UTF-8":       "{\"body\":\"a\xffb\",\"rawPath\":\"/\xff\"}",
		"two bodies":      `{"body":"a","body":"b"}`,
		"another case":    `{"Body":"a"}`,
		"body in another": `{"requestContext":{"body":"a"},"body":"b"}`,
		"null in objects": `{"requestContext":null,"pathParameters":{"source":null},"cookies":null,"isBase64Encoded":null,"version":null}`,
		"empty objects":   `{"headers":{},"requestContext":{"http":{}},"stageVariables":{},"cookies":[]}`,
		"a header twice":  `{"headers":{"a":"1","a":"2"}}`,
		"null at the top": `null`,
		"a case within":   `{"requestContext":{"HTTP":{"Method":"GET"}},"body":"b"}`,
		"all of it": `{"version":"2.0","routeKey":"r","rawPath":"/p","rawQueryString":"q","cookies":["a=b"],"headers":{"h":"1"},"queryStringParameters":{"q":"1"},
			"pathParameters":{"source":"s"},"stageVariables":{"v":"1"},"requestContext":{"routeKey":"r","accountId":"1","stage":"s","requestId":"i","apiId":"a",
			"domainName":"d","domainPrefix":"p","time":"t","timeEpoch":1,"http":{"method":"POST","path":"/p","protocol":"HTTP/1.1","sourceIp":"::1","userAgent":"u"},
			"authentication":{"clientCert":{"subjectDN":"s"}},"authorizer":{"iam":{"accountId":"1"}}},"body":"b","isBase64Encoded":false}`,
		"white space":     " {\n \"body\" : \"b\" , \"rawPath\" : \"/\" } ",
		"everything else": `{"unknown":{"body":[1]},"body":"b","requestContext":{"timeEpoch":1772645352004,"authorizer":{"jwt":{"claims":{"sub":"1"},"scopes":null}}}}`,
	}
	files, err := filepath.Glob("../../events/receiver-*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d events, %v", len(files), err)
	}
	for _, file := range files {
		form, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		forms[filepath.Base(file)] = string(form)
	}
	for name, form := range forms {
		var want, got events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal([]byte(form), &want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		h := lambdaio.ReceiverHandler(func(_ context.Context, ev events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
			got = ev
			return events.APIGatewayV2HTTPResponse{}, nil
		})
		if _, err := h.Invoke(t.Context(), []byte(form)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, got, want)
		}
	}
}

func TestInvokeAnswersAndFailsAsTheHandler(t *testing.T) {
	failure := errors.New("failure")
	h := lambdaio.ReceiverHandler(func(_ context.Context, ev events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if ev.Body == "" {
			return events.APIGatewayV2HTTPResponse{}, failure
		}
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "<" + ev.Body + ">"}, nil
	})
	out, err := h.Invoke(t.Context(), []byte(`{"body":"1"}`))
	if want := `"body":"\u003c1\u003e"`; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("got %s, %v, want %s", out, err, want)
	}
	if _, err := h.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, failure) {
		t.Errorf("the handler's error became %v", err)
	}
	for _, form := range []string{``, `{`, `[]`, `{"body":"a"`, `{"body":"a","headers":1}`, `{"body":"a"}}`, `{"body":1}`, `{"headers":{"a":1}}`, `{"requestContext":{"timeEpoch":"1"}}`, `{"requestContext":{"http":[]}}`, `{"isBase64Encoded":"true"}`, `{"cookies":{}}`} {
		if out, err := h.Invoke(t.Context(), []byte(form)); err == nil || errors.Is(err, failure) {
			t.Errorf("%q was read: %s, %v", form, out, err)
		}
	}
}
