package awswire_test

import (
	"net/http"
	"net/url"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"smartlead-receiver/pkg/app/awswire"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/sqs"
)

// Lambda counts by this header how long a chain of sends and invocations is, and X-Ray
// joins them by it (docs/AWS.md): a message carries it on as with the SDK.
func TestAMessageCarriesTheTraceOfItsInvocationOn(t *testing.T) {
	s := newService(t)
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	wire := awswire.NewSQS(awswire.Config{
		Region: "eu-central-1", Credentials: secret, Retryer: retryer, HTTP: connecting(),
		TraceID: func() string { return os.Getenv("_X_AMZN_TRACE_ID") },
	}, *at)
	in := &sqs.SendMessageBatchInput{QueueUrl: aws.String(s.URL + "/0/q"), Entries: []sqs.SendMessageBatchRequestEntry{
		{Id: aws.String("0"), MessageBody: aws.String("m")},
	}}
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "worker")
	for trace, want := range map[string]string{
		"": "",
		"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:a1b2c3d4:15": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:a1b2c3d4:15",
		"a b\n": "a%20b%0A",
	} {
		t.Setenv("_X_AMZN_TRACE_ID", trace)
		for who, api := range map[string]queue.API{"SDK": bySDK(t, s.URL).queue, "wire": wire} {
			s.play(answer{status: http.StatusBadRequest, body: "{}"})
			if _, err := api.SendMessageBatch(t.Context(), in); err == nil {
				t.Fatal("a refusal is no error")
			}
			got := s.requests()
			if len(got) != 1 || got[0].header.Get("X-Amzn-Trace-Id") != want {
				t.Errorf("%s sends %q for %q, want %q", who, got[0].header.Get("X-Amzn-Trace-Id"), trace, want)
			}
		}
	}
}
