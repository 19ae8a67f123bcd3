// Package destsns publishes each event to a topic of Amazon SNS.
package destsns

import (
	"context"
	"encoding/xml"
	"net/url"
	"strconv"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/awsdest"
	"smartlead-receiver/pkg/webhook"
)

// Type is the type "sns".
var Type = destination.Type{
	Name: "sns",
	Help: `publishes events to the topic --arn. Their attributes (type,
account, campaign_id …) are there for the filters of subscriptions.`,
	New: func() destination.Settings { return new(Config) },
}

// maxEntries is that of a call; a message and a batch have the same limit of bytes
// (docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html).
const maxEntries = 10

const service = "sns"

var name = awsdest.Name{Service: "sns", Most: 256, Example: "arn:aws:sns:us-east-1:123456789012:events"}

// Config is the topic.
type Config struct{ awsdest.Messages }

// Validate reports every broken rule.
func (c Config) Validate(report func(field, problem string)) { c.CheckMessages(name, report) }

// Open returns a destination of that topic.
func (c Config) Open(_ string, deps destination.Deps) (webhook.Destination, error) {
	return awsdest.Sender[awsdest.Message]{
		Most: maxEntries, Bytes: c.Bytes(), Encode: c.Encode,
		Send: func(ctx context.Context, messages []awsdest.Message) ([]webhook.Outcome, bool) {
			return c.publish(ctx, deps.AWS, messages)
		},
	}, nil
}

// call speaks the query protocol (smithy.io/2.0/aws/protocols/aws-query-protocol.html).
func (c Config) call(operation string, in url.Values) destination.AWSCall {
	topic, _ := awsdest.ParseARN(c.ARN)
	in.Set("Action", operation)
	in.Set("Version", "2010-03-31")
	in.Set("TopicArn", c.ARN)
	return destination.AWSCall{
		Service: service, Region: topic.Region, ContentType: "application/x-www-form-urlencoded", Body: []byte(in.Encode()),
	}
}

// publish makes one call. One message goes alone, by the operation that every engine knows.
func (c Config) publish(ctx context.Context, aws destination.AWS, messages []awsdest.Message) ([]webhook.Outcome, bool) {
	in := url.Values{}
	if len(messages) == 1 {
		set(in, "", messages[0])
		return []webhook.Outcome{one(awsdest.Call(ctx, aws, c.call("Publish", in)))}, false
	}
	for i, m := range messages {
		entry := "PublishBatchRequestEntries.member." + strconv.Itoa(i+1) + "."
		in.Set(entry+"Id", strconv.Itoa(i))
		set(in, entry, m)
	}
	answer := awsdest.Call(ctx, aws, c.call("PublishBatch", in))
	if out, ok := awsdest.Whole(service, answer); !ok {
		return awsdest.Same(len(messages), out), true
	}
	var told struct {
		Successful []struct {
			ID string `xml:"Id"`
		} `xml:"PublishBatchResult>Successful>member"`
		Failed []struct {
			ID          string `xml:"Id"`
			Code        string
			Message     string
			SenderFault bool
		} `xml:"PublishBatchResult>Failed>member"`
	}
	if xml.Unmarshal(answer.Body, &told) != nil {
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

// set writes a message below a path.
func set(in url.Values, path string, m awsdest.Message) {
	in.Set(path+"Message", m.Body)
	if m.Group != "" {
		in.Set(path+"MessageGroupId", m.Group)
		in.Set(path+"MessageDeduplicationId", m.Dedupe)
	}
	for i, a := range m.Attributes {
		attribute := path + "MessageAttributes.entry." + strconv.Itoa(i+1) + "."
		in.Set(attribute+"Name", a.Name)
		in.Set(attribute+"Value.DataType", "String")
		in.Set(attribute+"Value.StringValue", a.Value)
	}
}

// one is the outcome of a message that went alone.
func one(answer destination.Answer) webhook.Outcome {
	out, ok := awsdest.Whole(service, answer)
	if !ok {
		return out
	}
	var told struct {
		MessageID string `xml:"PublishResult>MessageId"`
	}
	if xml.Unmarshal(answer.Body, &told) != nil || told.MessageID == "" {
		return awsdest.Missing(service, answer.Status)
	}
	return webhook.Outcome{Result: webhook.ResultDelivered}
}

// CheckExists asks for the topic.
func (c Config) CheckExists(ctx context.Context, deps destination.Deps) error {
	return awsdest.Describe(service, awsdest.Call(ctx, deps.AWS, c.call("GetTopicAttributes", url.Values{})))
}
