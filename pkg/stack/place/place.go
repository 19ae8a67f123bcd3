// Package place says where the parts of a stack are, and builds the clients of a
// local one. A local stack writes it, a person's tools read it; neither knows the
// other.
package place

import (
	"net/url"
	"time"
)

// File is what a local stack writes into its state directory, and removes when it
// stops: a Place as JSON.
const File = "stack.json"

// Place is where the parts of a stack are. Its JSON form is the local stack's ready
// line and its stack.json; it holds the demo token.
type Place struct {
	WebhookURL       string `json:"webhook_url"` // of the local demo source, token included
	DynamoDBEndpoint string `json:"dynamodb_endpoint"`
	SQSEndpoint      string `json:"sqs_endpoint"`
	SSMEndpoint      string `json:"ssm_endpoint"`
	S3Endpoint       string `json:"s3_endpoint"`
	EngineURL        string `json:"engine_url,omitempty"` // of every service of a local stack, where --engine-addr opens it
	Region           string `json:"region"`
	TableName        string `json:"table_name"`
	LiveQueueURL     string `json:"live_queue_url"`
	ReplayQueueURL   string `json:"replay_queue_url"`
	DLQURL           string `json:"dlq_url"`
	LiveQueueARN     string `json:"live_queue_arn"`
	ReplayQueueARN   string `json:"replay_queue_arn"` // of a local stack
	DLQARN           string `json:"dlq_arn"`
	Bucket           string `json:"bucket"`
	ArchiveBucket    string `json:"archive_bucket,omitempty"` // where events are archived; "": nowhere
	ArchivePrefix    string `json:"archive_prefix,omitempty"` // what the keys there begin with
	ArchiveEvery     string `json:"archive_every,omitempty"`  // as time.ParseDuration reads it; "": an hour
	ParameterPrefix  string `json:"parameter_prefix"`
	ParameterKey     string `json:"parameter_key"`           // customer key of the parameters; "": the account's own
	RetentionDays    int    `json:"retention_days"`          // of a delivered event; 0: a stack that does not say
	SweepGrace       string `json:"sweep_grace"`             // as time.ParseDuration reads it; "": the same
	PID              int    `json:"pid"`                     // of a local stack
	SmartleadURL     string `json:"smartlead_url,omitempty"` // of the simulated API beside a local stack

	Retention time.Duration `json:"-"` // RetentionDays, or the default
	Grace     time.Duration `json:"-"` // SweepGrace, or the default
	Every     time.Duration `json:"-"` // ArchiveEvery, or an hour
	APIURL    string        `json:"-"` // scheme and host of the receiver
	Demo      string        `json:"-"` // the local source, and its token
	Token     string        `json:"-"`
}

// HookURL is the address that is entered in Smartlead.
func (p Place) HookURL(source, token string) string {
	return p.APIURL + "/webhooks/" + url.PathEscape(source) + "/" + url.PathEscape(token)
}
