package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

const source = "bench"

// bodyBytes is the size of a reply with the mail that it answers.
const bodyBytes = 4002

// payload is a reply as Smartlead sends it; n tells one from another. It has the size
// that is asked for, or a little more where that is less than a reply takes.
func payload(n, size int) []byte {
	at := fmt.Sprintf("2026-03-04T17:%02d:%02d.%03d+00:00", n/60000%60, n/1000%60, n%1000)
	words := func(bytes int) string {
		const text = "Thank you for the note about the pricing of the second quarter; could we speak on Tuesday at %d past nine? Our team has %d people in %d places, and the budget is settled in March. "
		var b strings.Builder
		for i := 0; b.Len() < bytes; i++ {
			fmt.Fprintf(&b, text, (n+i*7)%60, (n*31+i*13)%997, (n*17+i*5)%89)
		}
		return b.String()[:max(bytes, 0)]
	}
	reply := map[string]any{
		"webhook_id": 90017, "webhook_name": "All events",
		"webhook_url": "https://abc123.execute-api.us-east-1.amazonaws.com/webhooks/bench/placeholder",
		"event_type":  "EMAIL_REPLY", "campaign_id": 4100001, "campaign_name": "Spring outreach", "campaign_status": "ACTIVE",
		"client_id": nil, "stats_id": fmt.Sprintf("5b1f7a52-0c3e-4d9a-9a41-%012x", n), "sequence_number": 2,
		"from_email": "mira@outbound.example", "to_email": "tom@acme.example.com", "to_name": "Tom Example",
		"subject": "Re: A short call", "secret_key": "0f8fad5b-d9cb-469f-a165-70867728950e",
		"metadata":         map[string]any{"webhook_created_at": "2026-01-09T07:15:42.551Z"},
		"sl_email_lead_id": "3120045671", "sl_email_lead_map_id": 3511002233, "sl_lead_email": "tom@acme.example.com",
		"app_url":         "https://app.smartlead.example/app/master-inbox?leadMap=3511002233",
		"event_timestamp": at, "time_replied": at, "message_id": fmt.Sprintf("<reply-%d@acme.example.com>", n),
		"sent_message": map[string]any{
			"message_id": fmt.Sprintf("<sent-%d@outbound.example>", n), "time": "2026-03-03T08:00:01.000+00:00",
			"html": "<div>" + words(500) + "</div>", "text": words(500),
		},
		"leadCorrespondence": map[string]any{
			"targetLeadEmail": "tom@acme.example.com", "replyReceivedFrom": "tom@acme.example.com", "repliedCompanyDomain": "SameCompany",
		},
		"cc_emails": []any{}, "preview_text": words(120), "reply_category": nil,
	}
	form := func(rest int) []byte {
		reply["reply_message"] = map[string]any{
			"message_id": reply["message_id"], "time": at, "html": "<div>" + words(rest/2) + "</div>", "text": words(rest - rest/2),
		}
		out, err := json.Marshal(reply)
		if err != nil {
			panic(err) // a map of texts and numbers
		}
		return out
	}
	return form(max(size-len(form(0)), 0))
}

// request is the event of an HTTP API that carries a body.
func request(token string, body []byte) []byte {
	path := "/webhooks/" + source + "/" + token
	ev := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "ANY /webhooks/{source}/{token}", RawPath: path,
		Headers: map[string]string{
			"accept": "*/*", "content-length": fmt.Sprint(len(body)), "content-type": "application/json",
			"host": "abc123.execute-api.us-east-1.amazonaws.com", "user-agent": "Smartlead/1.0",
			"x-amzn-trace-id": "Root=1-69a86e97-3d1a5f7c2b9e4d6f8a0c1e2b", "x-forwarded-for": "203.0.113.24",
			"x-forwarded-port": "443", "x-forwarded-proto": "https", "x-request-id": "5d0c2a8e-7f41-4c1b-9d36-0a4be1f7c201",
		},
		PathParameters: map[string]string{"source": source, "token": token},
		Body:           string(body),
	}
	ev.RequestContext.AccountID, ev.RequestContext.APIID, ev.RequestContext.Stage = "123456789012", "abc123", "$default"
	ev.RequestContext.RouteKey, ev.RequestContext.RequestID = ev.RouteKey, "JKJaXmPLvHcESHA="
	ev.RequestContext.DomainName, ev.RequestContext.DomainPrefix = "abc123.execute-api.us-east-1.amazonaws.com", "abc123"
	ev.RequestContext.Time, ev.RequestContext.TimeEpoch = "04/Mar/2026:17:29:12 +0000", 1772645352004
	ev.RequestContext.HTTP = events.APIGatewayV2HTTPRequestContextHTTPDescription{
		Method: "POST", Path: path, Protocol: "HTTP/1.1", SourceIP: "203.0.113.24", UserAgent: "Smartlead/1.0",
	}
	return must(json.Marshal(ev))
}

// array is one request with n replies, the first of them the one with that number.
func array(first, n int) []byte {
	members := make([]json.RawMessage, n)
	for i := range members {
		members[i] = payload(first+i, bodyBytes)
	}
	return must(json.Marshal(members))
}

// batch is the event of a queue with messages that are received for the first time.
func batch(messages []string) []byte {
	var ev events.SQSEvent
	for i, body := range messages {
		ev.Records = append(ev.Records, events.SQSMessage{
			MessageId: fmt.Sprintf("059f36b4-87a3-44ab-83d2-%012d", i), ReceiptHandle: fmt.Sprintf("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a%d", i),
			Body: body, EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:123456789012:bench-live", AWSRegion: "us-east-1",
			Attributes: map[string]string{
				"ApproximateReceiveCount": "1", "SentTimestamp": "1772645352004", "SenderId": "AIDAIENQZJOLO23YVJ4VO",
				"ApproximateFirstReceiveTimestamp": "1772645352005",
			},
			MessageAttributes: map[string]events.SQSMessageAttribute{},
		})
	}
	return must(json.Marshal(ev))
}

func must(form []byte, err error) []byte {
	if err != nil {
		panic(err) // our own types
	}
	return form
}
