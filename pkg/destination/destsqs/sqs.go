// Package destsqs sends each event to a queue of Amazon SQS.
package destsqs

import (
	"context"
	"encoding/json"
	"strconv"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/awsdest"
	"smartlead-receiver/pkg/webhook"
)

// Type is the type "sqs".
var Type = destination.Type{
	Name: "sqs",
	Help: `sends events to the queue --arn. A FIFO queue takes those of
each lead in a campaign one after the other, and drops one that comes again within
five minutes.`,
	New: func() destination.Settings { return new(Config) },
}

// maxEntries is that of a call; a message and a batch have the same limit of bytes
// (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html).
const maxEntries = 10

const service = "sqs"

var name = awsdest.Name{Service: "sqs", Most: 80, Example: "arn:aws:sqs:us-east-1:123456789012:events"}

// Config is the queue.
type Config struct{ awsdest.Messages }

// Validate reports every broken rule.
func (c Config) Validate(report func(field, problem string)) { c.CheckMessages(name, report) }

type attribute struct{ DataType, StringValue string }

type entry struct {
	ID                     string `json:"Id"`
	MessageBody            string
	MessageAttributes      map[string]attribute
	MessageGroupID         string `json:"MessageGroupId,omitempty"`
	MessageDeduplicationID string `json:"MessageDeduplicationId,omitempty"`
}

// Open returns a destination of that queue.
func (c Config) Open(_ string, deps destination.Deps) (webhook.Destination, error) {
	return awsdest.Sender[awsdest.Message]{
		Most: maxEntries, Bytes: c.Bytes(), Encode: c.Encode,
		Send: func(ctx context.Context, messages []awsdest.Message) ([]webhook.Outcome, bool) {
			return c.send(ctx, deps.AWS, messages)
		},
	}, nil
}

// call names the queue by an address: its path counts, and SQS is asked where the region
// says (AWS, "Amazon SQS queue and message identifiers").
func (c Config) call(operation string, in map[string]any) (destination.AWSCall, error) {
	queue, _ := awsdest.ParseARN(c.ARN)
	in["QueueUrl"] = "https://sqs." + queue.Region + ".amazonaws.com/" + queue.Account + "/" + queue.Resource
	body, err := json.Marshal(in)
	return destination.AWSCall{
		Service: service, Region: queue.Region, Target: "AmazonSQS." + operation, ContentType: "application/x-amz-json-1.0", Body: body,
	}, err
}

func (c Config) send(ctx context.Context, aws destination.AWS, messages []awsdest.Message) ([]webhook.Outcome, bool) {
	entries := make([]entry, len(messages))
	for i, m := range messages {
		entries[i] = entry{ID: strconv.Itoa(i), MessageBody: m.Body, MessageGroupID: m.Group, MessageDeduplicationID: m.Dedupe}
		entries[i].MessageAttributes = make(map[string]attribute, len(m.Attributes))
		for _, a := range m.Attributes {
			entries[i].MessageAttributes[a.Name] = attribute{"String", a.Value}
		}
	}
	request, err := c.call("SendMessageBatch", map[string]any{"Entries": entries})
	if err != nil {
		return awsdest.Same(len(messages), awsdest.Unencodable()), true
	}
	answer := awsdest.Call(ctx, aws, request)
	if out, ok := awsdest.Whole(service, answer); !ok {
		return awsdest.Same(len(messages), out), true
	}
	var told struct {
		Successful []struct {
			ID string `json:"Id"`
		}
		Failed []struct {
			ID            string `json:"Id"`
			Code, Message string
			SenderFault   bool
		}
	}
	if json.Unmarshal(answer.Body, &told) != nil {
		return awsdest.Same(len(messages), awsdest.Missing(service, answer.Status)), false
	}
	var all []awsdest.Told
	for _, s := range told.Successful {
		all = append(all, awsdest.Told{ID: s.ID})
	}
	for _, f := range told.Failed {
		all = append(all, awsdest.Told{ID: f.ID, Code: f.Code, Message: f.Message, Sender: f.SenderFault, Failed: true})
	}
	return awsdest.Sort(service, len(messages), answer.Status, all), false
}

// CheckExists asks for the queue.
func (c Config) CheckExists(ctx context.Context, deps destination.Deps) error {
	request, err := c.call("GetQueueAttributes", map[string]any{"AttributeNames": []string{"MaximumMessageSize"}})
	if err != nil {
		return err
	}
	return awsdest.Describe(service, awsdest.Call(ctx, deps.AWS, request))
}
