package awswire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"smartlead-receiver/pkg/app/awswire"
)

// unsigned are headers that no signature covers.
var unsigned = []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"}

// judge signs each request anew by the SDK's signer, for the same time.
type judge struct {
	t       *testing.T
	service string
	seen    int
}

func (j *judge) Do(req *http.Request) (*http.Response, error) {
	j.t.Helper()
	j.seen++
	at, err := time.Parse("20060102T150405Z", req.Header.Get("X-Amz-Date"))
	if err != nil {
		j.t.Fatal(err)
	}
	var body []byte
	if req.Body != nil {
		if body, err = io.ReadAll(req.Body); err != nil {
			j.t.Fatal(err)
		}
	}
	sum := sha256.Sum256(body)
	again := req.Clone(j.t.Context())
	for _, name := range unsigned {
		again.Header.Del(name)
	}
	by, err := secret.Retrieve(j.t.Context())
	if err != nil {
		j.t.Fatal(err)
	}
	err = v4.NewSigner().SignHTTP(j.t.Context(), by, again, hex.EncodeToString(sum[:]), j.service, "eu-central-1", at, func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = j.service == "s3"
	})
	if err != nil {
		j.t.Fatal(err)
	}
	for _, name := range unsigned {
		if got, want := req.Header.Get(name), again.Header.Get(name); got != want || got == "" {
			j.t.Errorf("%s of %s: %s\n%q, want\n%q", name, j.service, req.URL, got, want)
		}
	}
	return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(nil))}, nil
}

func TestSignaturesAreThoseOfTheSDK(t *testing.T) {
	for _, base := range []string{"https://service.eu-central-1.example", "http://127.0.0.1:8000", "http://engine.example/a%20base/p+q"} {
		at, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		judges := map[string]*judge{}
		config := func(service string) awswire.Config {
			judges[service] = &judge{t: t, service: service}
			return awswire.Config{
				Region: "eu-central-1", Credentials: secret, Retryer: retryer, HTTP: judges[service],
				TraceID: func() string { return "Root=1-5759e988-bd862e3fe1be46a994272793" },
			}
		}
		c := clients{
			API: awswire.NewDynamoDB(config("dynamodb"), *at), queue: awswire.NewSQS(config("sqs"), *at),
			ssm: awswire.NewSSM(config("ssm"), *at), s3: awswire.NewS3(config("s3"), *at, true),
		}
		for seed := range uint64(20) {
			for name, do := range newGenerator(seed).calls() {
				if _, err := do(context.Background(), c); err == nil {
					t.Fatalf("%s: a refusal is no error", name)
				}
			}
		}
		for service, j := range judges {
			if j.seen < 20 {
				t.Errorf("%s: %d requests", service, j.seen)
			}
		}
	}
}
