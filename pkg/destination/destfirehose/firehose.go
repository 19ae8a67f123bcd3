// Package destfirehose puts each event as a line into a delivery stream of Amazon Data
// Firehose.
package destfirehose

import (
	"context"
	"encoding/json"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/awsdest"
	"smartlead-receiver/pkg/webhook"
)

// Type is the type "firehose".
var Type = destination.Type{
	Name: "firehose",
	Help: `puts events into the delivery stream --arn, a line
of JSON each. A line may come twice: dedupe by idempotency_key.`,
	New: func() destination.Settings { return new(Config) },
}

// Limits of a call (docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html):
// 500 records of 1,000 KB each, 4 MB together, before they are base64.
const (
	maxRecords = 500
	maxRecord  = 1_000_000
	maxBytes   = 4_000_000
)

const service = "firehose"

var name = awsdest.Name{
	Service: "firehose", Prefix: "deliverystream/", Most: 64,
	Example: "arn:aws:firehose:us-east-1:123456789012:deliverystream/events",
}

// Config is the delivery stream.
type Config struct{ awsdest.Resource }

// Validate reports an ARN that is none of a delivery stream.
func (c Config) Validate(report func(field, problem string)) { c.Check(name, report) }

type record struct{ Data []byte }

// Open returns a destination of that stream.
func (c Config) Open(_ string, deps destination.Deps) (webhook.Destination, error) {
	return awsdest.Sender[record]{
		Most: maxRecords, Bytes: maxBytes, Encode: encode,
		Send: func(ctx context.Context, records []record) ([]webhook.Outcome, bool) {
			return c.put(ctx, deps.AWS, records)
		},
	}, nil
}

func encode(d webhook.Delivery) (awsdest.Entry[record], *webhook.Outcome) {
	text, problem := awsdest.Document(d, maxRecord-1)
	if problem != nil {
		return awsdest.Entry[record]{}, problem
	}
	return awsdest.Entry[record]{Value: record{append(text, '\n')}, Size: len(text) + 1}, nil
}

func (c Config) call(operation string, in map[string]any) (destination.AWSCall, error) {
	stream, _ := awsdest.ParseARN(c.ARN)
	in["DeliveryStreamName"] = stream.Resource[len(name.Prefix):]
	body, err := json.Marshal(in)
	return destination.AWSCall{
		Service: service, Region: stream.Region, Target: "Firehose_20150804." + operation,
		ContentType: "application/x-amz-json-1.1", Body: body,
	}, err
}

// put makes one call. The results are in the order of the records.
func (c Config) put(ctx context.Context, aws destination.AWS, records []record) ([]webhook.Outcome, bool) {
	request, err := c.call("PutRecordBatch", map[string]any{"Records": records})
	if err != nil {
		return awsdest.Same(len(records), awsdest.Unencodable()), true
	}
	answer := awsdest.Call(ctx, aws, request)
	if out, ok := awsdest.Whole(service, answer); !ok {
		return awsdest.Same(len(records), out), true
	}
	var told struct {
		RequestResponses []struct {
			RecordID     string `json:"RecordId"`
			ErrorCode    string
			ErrorMessage string
		}
	}
	if json.Unmarshal(answer.Body, &told) != nil || len(told.RequestResponses) != len(records) {
		return awsdest.Same(len(records), awsdest.Missing(service, answer.Status)), false
	}
	outcomes := make([]webhook.Outcome, len(records))
	for i, r := range told.RequestResponses {
		switch {
		case r.ErrorCode != "":
			outcomes[i] = awsdest.Refused(service, r.ErrorCode, r.ErrorMessage)
		case r.RecordID == "":
			outcomes[i] = awsdest.Missing(service, answer.Status)
		default:
			outcomes[i] = webhook.Outcome{Result: webhook.ResultDelivered}
		}
	}
	return outcomes, false
}

// CheckExists asks for the stream.
func (c Config) CheckExists(ctx context.Context, deps destination.Deps) error {
	request, err := c.call("DescribeDeliveryStream", map[string]any{"Limit": 1})
	if err != nil {
		return err
	}
	return awsdest.Describe(service, awsdest.Call(ctx, deps.AWS, request))
}
