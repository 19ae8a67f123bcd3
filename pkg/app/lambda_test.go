package app

import (
	"slices"
	"strings"
	"testing"
)

// lambdaSets is what Lambda sets in every function.
var lambdaSets = map[string]string{
	"AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_SESSION_TOKEN": "session", "AWS_REGION": "eu-central-1",
}

func with(more map[string]string) func(string) string {
	return func(name string) string {
		if v, found := more[name]; found {
			return v
		}
		return lambdaSets[name]
	}
}

func TestSurroundings(t *testing.T) {
	tests := map[string]struct {
		set  map[string]string
		want []string
	}{
		"as Lambda sets them": {nil, []string{"dynamodb.eu-central-1.amazonaws.com:443", "sqs.eu-central-1.amazonaws.com:443"}},
		"another region": {map[string]string{"AWS_REGION": "cn-north-1"},
			[]string{"dynamodb.cn-north-1.amazonaws.com.cn:443", "sqs.cn-north-1.amazonaws.com.cn:443"}},
		"validated cryptography": {map[string]string{"AWS_REGION": "us-east-1", "AWS_USE_FIPS_ENDPOINT": "true"},
			[]string{"dynamodb-fips.us-east-1.amazonaws.com:443", "sqs-fips.us-east-1.amazonaws.com:443"}},
		"an engine for one service": {map[string]string{"AWS_ENDPOINT_URL_SQS": "https://127.0.0.1:9", "AWS_ENDPOINT_URL": "http://127.0.0.1:8"},
			[]string{"127.0.0.1:9"}}, // the other one is not reached over TLS
		"an engine for all services": {map[string]string{"AWS_ENDPOINT_URL": "https://127.0.0.1:8"},
			[]string{"127.0.0.1:8", "127.0.0.1:8"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HTTPS_PROXY", "")
			t.Setenv("https_proxy", "")
			for name, value := range tt.set { // the SDK's clients look there themselves
				t.Setenv(name, value)
			}
			shared, err := surroundings(with(tt.set))
			if err != nil {
				t.Fatal(err)
			}
			if got := Connect(shared).hosts(t.Context()); !slices.Equal(got, tt.want) {
				t.Errorf("connections go to %q, want %q", got, tt.want)
			}
			got, err := shared.Credentials.Retrieve(t.Context())
			if err != nil || got.AccessKeyID != "ASIAEXAMPLE" || got.SecretAccessKey != "example" || got.SessionToken != "session" {
				t.Errorf("credentials of %q, %v", got.AccessKeyID, err)
			}
		})
	}
}

// The SDK's clients read these names of the process, too.
func TestAnEngineForAllServices(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:8")
	t.Setenv("AWS_ENDPOINT_URL_SQS", "https://127.0.0.1:9")
	t.Setenv("HTTPS_PROXY", "")
	shared, err := surroundings(with(map[string]string{"AWS_ENDPOINT_URL": "https://127.0.0.1:8", "AWS_ENDPOINT_URL_SQS": "https://127.0.0.1:9"}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Connect(shared).hosts(t.Context()), []string{"127.0.0.1:8", "127.0.0.1:9"}; !slices.Equal(got, want) {
		t.Errorf("connections go to %q, want %q", got, want)
	}
}

func TestSurroundingsMissing(t *testing.T) {
	for name := range lambdaSets {
		if name == "AWS_SESSION_TOKEN" { // of temporary credentials only
			continue
		}
		_, err := surroundings(with(map[string]string{name: ""}))
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "ASIA") {
			t.Errorf("without %s: %v, want an error that names it", name, err)
		}
	}
}

func TestAProxyIsNotBypassed(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	shared, err := surroundings(with(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := Connect(shared).hosts(t.Context()); len(got) != 0 {
		t.Errorf("connections are opened to %q beside the proxy", got)
	}
}
