package app

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	endpoint "github.com/aws/smithy-go/endpoints"
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
			in, err := readSurroundings(with(tt.set))
			if err != nil {
				t.Fatal(err)
			}
			at, err := in.endpoints()
			if err != nil {
				t.Fatal(err)
			}
			if got := hosts(at.dynamodb, at.sqs); !slices.Equal(got, tt.want) {
				t.Errorf("connections go to %q, want %q", got, tt.want)
			}
			got, err := in.credentials.Retrieve(t.Context())
			if err != nil || got.AccessKeyID != "ASIAEXAMPLE" || got.SecretAccessKey != "example" || got.SessionToken != "session" {
				t.Errorf("credentials of %q, %v", got.AccessKeyID, err)
			}
		})
	}
}

func TestAnEngineForAllServices(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "")
	in, err := readSurroundings(with(map[string]string{"AWS_ENDPOINT_URL": "https://127.0.0.1:8", "AWS_ENDPOINT_URL_SQS": "https://127.0.0.1:9"}))
	if err != nil {
		t.Fatal(err)
	}
	at, err := in.endpoints()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hosts(at.dynamodb, at.sqs, at.s3, at.ssm), []string{"127.0.0.1:8", "127.0.0.1:9", "127.0.0.1:8", "127.0.0.1:8"}; !slices.Equal(got, want) {
		t.Errorf("connections go to %q, want %q", got, want)
	}
}

func TestSurroundingsMissing(t *testing.T) {
	for name := range lambdaSets {
		if name == "AWS_SESSION_TOKEN" { // of temporary credentials only
			continue
		}
		_, err := readSurroundings(with(map[string]string{name: ""}))
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "ASIA") {
			t.Errorf("without %s: %v, want an error that names it", name, err)
		}
	}
}

func TestAProxyIsNotBypassed(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	if got := hosts(url.URL{Scheme: "https", Host: "dynamodb.us-east-1.amazonaws.com"}); len(got) != 0 {
		t.Errorf("connections are opened to %q beside the proxy", got)
	}
}

// The endpoints are those of the SDK, in a region of each partition.
func TestEndpointsAreThoseOfTheSDK(t *testing.T) {
	regions := []string{
		"us-east-1", "us-east-2", "eu-central-1", "ap-southeast-5", "cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1",
		"us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1",
	}
	for _, region := range regions {
		for _, fips := range []bool{false, true} {
			in, err := readSurroundings(with(map[string]string{"AWS_REGION": region, "AWS_USE_FIPS_ENDPOINT": strconv.FormatBool(fips)}))
			if err != nil {
				t.Fatal(err)
			}
			got, err := in.endpoints()
			if err != nil {
				t.Fatal(err)
			}
			for service, pair := range map[string]struct {
				got  url.URL
				want func() (endpoint.Endpoint, error)
			}{
				"DynamoDB": {got.dynamodb, func() (endpoint.Endpoint, error) {
					return dynamodb.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), dynamodb.EndpointParameters{Region: &region, UseFIPS: &fips})
				}},
				"SQS": {got.sqs, func() (endpoint.Endpoint, error) {
					return sqs.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), sqs.EndpointParameters{Region: &region, UseFIPS: &fips})
				}},
				"S3": {got.s3, func() (endpoint.Endpoint, error) {
					return s3.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), s3.EndpointParameters{Region: &region, UseFIPS: &fips})
				}},
				"SSM": {got.ssm, func() (endpoint.Endpoint, error) {
					return ssm.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), ssm.EndpointParameters{Region: &region, UseFIPS: &fips})
				}},
			} {
				want, err := pair.want()
				if fips && err != nil {
					continue // the partition has none
				}
				if err != nil {
					t.Fatal(err)
				}
				if pair.got.String() != want.URI.String() {
					t.Errorf("%s in %s, fips %t: %s, want %s", service, region, fips, pair.got.String(), want.URI.String())
				}
			}
		}
	}
}
