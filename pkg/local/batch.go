package local

import (
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// event builds the event of an SQS event source from received messages.
func (p *Poller) event(messages []types.Message) events.SQSEvent {
	records := make([]events.SQSMessage, 0, len(messages))
	for _, message := range messages {
		records = append(records, events.SQSMessage{
			MessageId:              aws.ToString(message.MessageId),
			ReceiptHandle:          aws.ToString(message.ReceiptHandle),
			Body:                   aws.ToString(message.Body),
			Md5OfBody:              aws.ToString(message.MD5OfBody),
			Md5OfMessageAttributes: aws.ToString(message.MD5OfMessageAttributes),
			Attributes:             message.Attributes,
			MessageAttributes:      messageAttributes(message.MessageAttributes),
			EventSourceARN:         p.Queue.ARN,
			EventSource:            "aws:sqs",
			AWSRegion:              Region,
		})
	}
	return events.SQSEvent{Records: records}
}

func messageAttributes(attributes map[string]types.MessageAttributeValue) map[string]events.SQSMessageAttribute {
	mapped := make(map[string]events.SQSMessageAttribute, len(attributes))
	for name, value := range attributes {
		mapped[name] = events.SQSMessageAttribute{
			StringValue:      value.StringValue,
			BinaryValue:      value.BinaryValue,
			StringListValues: []string{},
			BinaryListValues: [][]byte{},
			DataType:         aws.ToString(value.DataType),
		}
	}
	return mapped
}
