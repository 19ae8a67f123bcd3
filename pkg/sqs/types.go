// Package sqs has the inputs and outputs of the operations of SQS that the queues use, as
// far as they use them, and their JSON. Types and members are named as in the SDK's
// packages of SQS, which describe every operation when a process starts: no function links
// those.
package sqs

// SendMessageBatchRequestEntry is a message to send.
type SendMessageBatchRequestEntry struct {
	Id           *string
	MessageBody  *string
	DelaySeconds int32
}

// SendMessageBatchInput sends up to ten messages.
type SendMessageBatchInput struct {
	QueueUrl *string
	Entries  []SendMessageBatchRequestEntry
}

// SendMessageBatchResultEntry is a message that was accepted.
type SendMessageBatchResultEntry struct {
	Id               *string
	MessageId        *string
	MD5OfMessageBody *string
}

// BatchResultErrorEntry is a part of a batch that failed.
type BatchResultErrorEntry struct {
	Id          *string
	Code        *string
	Message     *string
	SenderFault bool
}

// SendMessageBatchOutput says what became of each message.
type SendMessageBatchOutput struct {
	Successful []SendMessageBatchResultEntry
	Failed     []BatchResultErrorEntry
}

// MessageSystemAttributeName names what SQS knows of a message.
type MessageSystemAttributeName string

// These are names of what SQS knows of a message.
const (
	MessageSystemAttributeNameSentTimestamp           MessageSystemAttributeName = "SentTimestamp"
	MessageSystemAttributeNameApproximateReceiveCount MessageSystemAttributeName = "ApproximateReceiveCount"
)

// ReceiveMessageInput takes up to ten messages.
type ReceiveMessageInput struct {
	QueueUrl                    *string
	MessageSystemAttributeNames []MessageSystemAttributeName
	MaxNumberOfMessages         int32
	VisibilityTimeout           int32
	WaitTimeSeconds             int32
}

// Message is a message that was taken.
type Message struct {
	MessageId     *string
	ReceiptHandle *string
	Body          *string
	MD5OfBody     *string
	Attributes    map[string]string
}

// ReceiveMessageOutput has the messages that were taken.
type ReceiveMessageOutput struct{ Messages []Message }

// DeleteMessageBatchRequestEntry is a message to delete.
type DeleteMessageBatchRequestEntry struct {
	Id            *string
	ReceiptHandle *string
}

// DeleteMessageBatchInput deletes up to ten messages.
type DeleteMessageBatchInput struct {
	QueueUrl *string
	Entries  []DeleteMessageBatchRequestEntry
}

// DeleteMessageBatchResultEntry is a message that is deleted.
type DeleteMessageBatchResultEntry struct{ Id *string }

// DeleteMessageBatchOutput says what became of each message.
type DeleteMessageBatchOutput struct {
	Successful []DeleteMessageBatchResultEntry
	Failed     []BatchResultErrorEntry
}

// ChangeMessageVisibilityInput says in how many seconds a message is seen again.
type ChangeMessageVisibilityInput struct {
	QueueUrl          *string
	ReceiptHandle     *string
	VisibilityTimeout int32
}

// ChangeMessageVisibilityOutput says that it is so.
type ChangeMessageVisibilityOutput struct{}

// ChangeMessageVisibilityBatchRequestEntry is the same for one message of several.
type ChangeMessageVisibilityBatchRequestEntry struct {
	Id                *string
	ReceiptHandle     *string
	VisibilityTimeout int32
}

// ChangeMessageVisibilityBatchInput is the same for up to ten messages.
type ChangeMessageVisibilityBatchInput struct {
	QueueUrl *string
	Entries  []ChangeMessageVisibilityBatchRequestEntry
}

// ChangeMessageVisibilityBatchResultEntry is a message for which it is so.
type ChangeMessageVisibilityBatchResultEntry struct{ Id *string }

// ChangeMessageVisibilityBatchOutput says what became of each message.
type ChangeMessageVisibilityBatchOutput struct {
	Successful []ChangeMessageVisibilityBatchResultEntry
	Failed     []BatchResultErrorEntry
}

// QueueAttributeName names what SQS knows of a queue.
type QueueAttributeName string

// These are names of what SQS knows of a queue.
const (
	QueueAttributeNameApproximateNumberOfMessages           QueueAttributeName = "ApproximateNumberOfMessages"
	QueueAttributeNameApproximateNumberOfMessagesNotVisible QueueAttributeName = "ApproximateNumberOfMessagesNotVisible"
	QueueAttributeNameApproximateNumberOfMessagesDelayed    QueueAttributeName = "ApproximateNumberOfMessagesDelayed"
	QueueAttributeNameMessageRetentionPeriod                QueueAttributeName = "MessageRetentionPeriod"
)

// GetQueueAttributesInput asks what SQS knows of a queue.
type GetQueueAttributesInput struct {
	QueueUrl       *string
	AttributeNames []QueueAttributeName
}

// GetQueueAttributesOutput is what SQS knows of a queue.
type GetQueueAttributesOutput struct{ Attributes map[string]string }
