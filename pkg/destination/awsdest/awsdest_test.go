package awsdest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/awsdest"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/webhook"
)

func TestAnARNThatNamesNoSuchResourceIsRefusedInOneLine(t *testing.T) {
	for _, c := range []struct{ typ, arn, want string }{
		{"eventbridge", "arn:aws:events:us-east-1:123456789012:event-bus/default", ""},
		{"eventbridge", "arn:aws-us-gov:events:us-gov-west-1:123456789012:event-bus/a.b_c-D", ""},
		{"eventbridge", "", "config.arn: is needed, such as arn:aws:events:"},
		{"eventbridge", "default", "config.arn: is an ARN such as"},
		{"eventbridge", "arn:aws:events:us-east-1:123456789012:rule/default", "config.arn: is an ARN such as"},
		{"eventbridge", "arn:aws:events:us-east-1:123456789012:event-bus/", "config.arn: is an ARN such as"},
		{"eventbridge", "arn:aws:sqs:us-east-1:123456789012:event-bus/x", "config.arn: is an ARN such as"},
		{"eventbridge", "arn:aws:events::123456789012:event-bus/x", "config.arn: is an ARN such as"},
		{"eventbridge", "arn:aws:events:us-east-1.evil.example/#:123456789012:event-bus/x", "config.arn: is an ARN such as"},
		{"eventbridge", "arn:aws:events:us-east-1:12345678901:event-bus/x", "config.arn: is an ARN such as"},
		{"eventbridge", "arn:aws:events:us-east-1:123456789012:event-bus/" + strings.Repeat("x", 257), "config.arn: has a name of at most 256 characters"},
		{"sqs", "arn:aws:sqs:us-east-1:123456789012:a.fifo", ""},
		{"sqs", "https://sqs.us-east-1.amazonaws.com/123456789012/a", "config.arn: is an ARN such as arn:aws:sqs:"},
		{"sqs", "arn:aws:sqs:us-east-1:123456789012:a/../b c", "config.arn: is an ARN such as"},
		{"sqs", `arn:aws:sqs:us-east-1:123456789012:a","max_bytes":"1`, "config.max_bytes: has the wrong JSON type"},
		{"sqs", `arn:aws:sqs:us-east-1:123456789012:a","max_bytes":1048577,"arn":"arn:aws:sqs:us-east-1:123456789012:a`, "config.max_bytes: 4096 to 1048576"},
		{"sns", "arn:aws:sns:eu-central-1:123456789012:events", ""},
		{"firehose", "arn:aws:firehose:us-east-1:123456789012:deliverystream/x", ""},
		{"firehose", "arn:aws:firehose:us-east-1:123456789012:x", "config.arn: is an ARN such as arn:aws:firehose:"},
	} {
		_, err := registry.Types.Parse([]byte(`{"type":"` + c.typ + `","config":{"arn":"` + c.arn + `"}}`))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s %s: %v", c.typ, c.arn, err)
		case c.want != "" && (!errors.Is(err, destination.ErrConfig) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s %s: %v, want one line with %q", c.typ, c.arn, err, c.want)
		}
	}
}

func TestAFIFOQueueKeepsALeadsEventsTogether(t *testing.T) {
	m := awsdest.Messages{Resource: awsdest.Resource{ARN: "arn:aws:sqs:us-east-1:123456789012:a.fifo"}}
	encode := func(campaign, lead, key string) awsdest.Message {
		entry, problem := m.Encode(webhook.Delivery{IdempotencyKey: key, Event: webhook.Event{
			ID: webhook.EventID(key), Account: "main", CampaignID: campaign, Lead: &webhook.Lead{Email: lead},
		}})
		if problem != nil {
			t.Fatal(problem)
		}
		return entry.Value
	}
	const key = "v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567~2#1"
	a := encode("7", "tom@acme.example", key)
	if a.Dedupe != key || a.Group == "" || strings.Contains(a.Group, "tom") || len(a.Group) > 128 {
		t.Errorf("group %q, deduplication id %q", a.Group, a.Dedupe)
	}
	if b := encode("7", "tom@acme.example", "x"); b.Group != a.Group {
		t.Error("two events of a lead are in two groups")
	}
	if b := encode("7", "ann@acme.example", "x"); b.Group == a.Group {
		t.Error("two leads are in one group")
	}
	for _, odd := range []string{strings.Repeat("x", 129), "a b", "ä"} {
		if got := encode("7", "", odd).Dedupe; got == odd || len(got) != 64 || got == encode("7", "", odd+"x").Dedupe {
			t.Errorf("deduplication id %q of the key %q", got, odd)
		}
	}
	m.ARN = strings.TrimSuffix(m.ARN, ".fifo")
	if a := encode("7", "tom@acme.example", key); a.Dedupe != "" || a.Group != "" {
		t.Errorf("a plain queue is given %q, %q, which it refuses", a.Group, a.Dedupe)
	}
}

// Attributes are made of the payload: neither service takes an empty one, or more than ten.
func TestAttributesAreWhatAServiceTakes(t *testing.T) {
	entry, problem := awsdest.Messages{}.Encode(webhook.Delivery{IdempotencyKey: "k", Event: webhook.Event{
		ID: "e", Type: webhook.EmailOpen, CampaignID: "\x00\u202e " + strings.Repeat("7", 300), ClientID: "\x01", Attempt: 2, Subject: "\ufffe\uffff",
	}})
	if problem != nil {
		t.Fatal(problem)
	}
	got := map[string]string{}
	for _, a := range entry.Value.Attributes {
		got[a.Name] = a.Value
	}
	if _, there := got["client_id"]; there || got["attempt"] != "2" || got["type"] != "EMAIL_OPEN" || got["idempotency_key"] != "k" ||
		len(got["campaign_id"]) > 100 || !strings.HasPrefix(got["campaign_id"], "777") || len(got) > 10 {
		t.Errorf("attributes %v", got)
	}
	if strings.ContainsAny(entry.Value.Body, "\ufffe\uffff") || !strings.Contains(entry.Value.Body, `\ufffe\uffff`) {
		t.Errorf("the body holds characters that XML may not: %q", entry.Value.Body)
	}
}

func TestWhatARefusalSaysAnOperatorCanActOn(t *testing.T) {
	for code, c := range map[string]struct {
		result webhook.Result
		words  string
	}{
		"AccessDeniedException":                      {webhook.ResultPermanent, "DestinationArns"},
		"KMSAccessDenied":                            {webhook.ResultPermanent, "the key that encrypts it"},
		"AWS.SimpleQueueService.NonExistentQueue":    {webhook.ResultPermanent, "check the destination's ARN"},
		"ThrottlingException":                        {webhook.ResultRetry, "ThrottlingException"},
		"KMSThrottling":                              {webhook.ResultRetry, "KMSThrottling"},
		"InternalFailure":                            {webhook.ResultRetry, "InternalFailure"},
		"ExpiredToken":                               {webhook.ResultRetry, "ExpiredToken"},
		"AWS.SimpleQueueService.InternalError":       {webhook.ResultRetry, "InternalError"},
		"NotAuthorizedForDetailTypeException":        {webhook.ResultPermanent, "DestinationArns"},
		"MalformedDetail":                            {webhook.ResultPermanent, "MalformedDetail"},
		"AWS.SimpleQueueService.BatchRequestTooLong": {webhook.ResultPermanent, "larger than this resource takes"},
		"": {webhook.ResultRetry, "without a code"},
	} {
		if out := awsdest.Refused("sqs", code, "m\nm"); out.Result != c.result || !strings.Contains(out.Error, c.words) || !strings.HasSuffix(out.Error, ": m m") {
			t.Errorf("%s: %+v, want %s with %q", code, out, c.result, c.words)
		}
	}
	if out := awsdest.Sort("sqs", 1, 200, []awsdest.Told{{ID: "0", Code: "Odd", Failed: true}}); out[0].Result != webhook.ResultRetry {
		t.Errorf("a fault of the service's own: %+v, want another attempt", out[0])
	}
}

func TestARefusalOfTheWholeCall(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   webhook.Outcome
	}{
		{400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"gone"}`, webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: "QueueDoesNotExist"}},
		{400, `{"__type":"ThrottlingException:http://x/"}`, webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "ThrottlingException"}},
		{429, `{"__type":"Odd"}`, webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "Odd", RetryAfter: 9 * time.Second}},
		{503, `<ErrorResponse><Error><Type>Receiver</Type><Code>Odd</Code><Message>later</Message></Error></ErrorResponse>`, webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "Odd", RetryAfter: 9 * time.Second}},
		{404, `<ErrorResponse><Error><Code>NotFound</Code><Message>Topic does not exist</Message></Error></ErrorResponse>`, webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: "NotFound"}},
		{400, `{"__type":"` + strings.Repeat("x", 500) + `"}`, webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: "http_400"}},
		{502, `<html>`, webhook.Outcome{Result: webhook.ResultRetry, ErrorClass: "http_502", RetryAfter: 9 * time.Second}},
	} {
		out, ok := awsdest.Whole("sqs", destination.Answer{Status: c.status, Body: []byte(c.body), RetryAfter: []string{"9"}})
		if ok || out.Status != c.status || out.Result != c.want.Result || out.ErrorClass != c.want.ErrorClass || out.RetryAfter != c.want.RetryAfter {
			t.Errorf("%d %.60s: %+v, want %+v", c.status, c.body, out, c.want)
		}
	}
}
