package desthttp_test

import (
	"errors"
	"flag"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthttp"
)

func TestConfigNamesEachProblem(t *testing.T) {
	types := destination.Types{desthttp.Type}
	for name, c := range map[string]struct{ config, want string }{
		"no settings":       {`{}`, "config.url: is needed"},
		"wrong JSON type":   {`{"url":47110815}`, "config.url: has the wrong JSON type"},
		"another scheme":    {`{"url":"ftp://topsecret/x"}`, "config.url: begins with"},
		"no host":           {`{"url":"https:///topsecret"}`, "config.url: has no host"},
		"unparsable URL":    {`{"url":"https://x/%topsecret"}`, "config.url: cannot be parsed"},
		"fragment":          {`{"url":"https://x/#topsecret"}`, "config.url: has a fragment"},
		"secret, no prefix": {`{"url":"https://x","secrets":["topsecret"]}`, "config.secrets[0]: begins with"},
		"secret, short":     {`{"url":"https://x","secrets":["` + secret('a') + `","whsec_dG9wc2VjcmV0"]}`, "config.secrets[1]: holds 24 to 64 bytes"},
		"secret, no base64": {`{"url":"https://x","secrets":["whsec_topsecret!"]}`, "config.secrets[0]: is not base64"},
		"empty secret":      {`{"url":"https://x","secrets":[""]}`, "config.secrets[0]: begins with"},
		"many secrets":      {`{"url":"https://x","secrets":["` + strings.Repeat(secret('a')+`","`, desthttp.MaxSecrets) + secret('a') + `"]}`, "config.secrets: at most 4"},
		"timeout, no unit":  {`{"url":"https://x","timeout":"10"}`, "config.timeout: a duration looks like"},
		"timeout, long":     {`{"url":"https://x","timeout":"2m"}`, "config.timeout: 100ms to 1m0s"},
		"timeout, negative": {`{"url":"https://x","timeout":"-1s"}`, "config.timeout: 100ms to 1m0s"},
		"header of ours":    {`{"url":"https://x","headers":{"Webhook-Id":"topsecret"}}`, "config.headers.Webhook-Id: is set by the delivery"},
		"host header":       {`{"url":"https://x","headers":{"Host":"topsecret"}}`, "config.headers.Host: is set by the delivery"},
		"header injection":  {`{"url":"https://x","headers":{"X":"topsecret\r\nY: z"}}`, "config.headers.X: holds a control character"},
		"header name":       {`{"url":"https://x","headers":{"X Y":"z"}}`, "config.headers: a name holds a character"},
		"many headers":      {`{"url":"https://x","headers":{` + headers(desthttp.MaxHeaders+1) + `}}`, "config.headers: at most 20"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := types.Parse([]byte(`{"type":"http","config":` + c.config + `}`))
			if !errors.Is(err, destination.ErrConfig) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one that holds %q", err, c.want)
			}
			for _, value := range []string{"topsecret", "47110815"} {
				if strings.Contains(err.Error(), value) {
					t.Errorf("the error quotes a value: %v", err)
				}
			}
		})
	}
}

func headers(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = `"X-` + strings.Repeat("a", i+1) + `":"b"`
	}
	return strings.Join(list, ",")
}

func TestFlagsSetTheConfig(t *testing.T) {
	var got desthttp.Config
	flags := flag.NewFlagSet("http", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	got.Flags(flags)
	err := flags.Parse([]string{"--url", "https://crm.example/in", "--timeout", "1m", "--header", "X-Team: a:b ", "--header", "X-Other:c", "--allow-http", "--allow-private"})
	want := desthttp.Config{
		URL: "https://crm.example/in", Timeout: destination.Duration(time.Minute),
		Headers:   map[string]string{"X-Team": "a:b", "X-Other": "c"},
		AllowHTTP: true, AllowPrivate: true,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, error %v\nwant %+v", got.Summary(), err, want.Summary())
	}
	for _, refused := range [][]string{{"--header", "X-Team"}, {"--timeout", "10"}} {
		if err := flags.Parse(refused); err == nil {
			t.Errorf("%v is accepted", refused)
		}
	}
}

func TestSummaryShowsNoCredential(t *testing.T) {
	got := desthttp.Config{
		URL: "https://u:passw0rd@crm.example:8443/path?k=query", Secrets: []string{secret('a'), secret('b')},
		Timeout: destination.Duration(time.Second), Headers: map[string]string{"X-B": "v", "Authorization": "v"},
	}.Summary()
	want := map[string]any{
		"host": "https://crm.example:8443", "secrets": 2, "timeout": destination.Duration(time.Second),
		"headers": []string{"Authorization", "X-B"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
