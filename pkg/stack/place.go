// Package stack connects to a receiver: a deployed one by the outputs of its
// CloudFormation stack, a local one by the file that it writes. It builds the
// adapters and use cases that a person's tools need. It decides nothing, and no
// function links it.
package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"smartlead-receiver/pkg/config"
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
	Region           string `json:"region"`
	TableName        string `json:"table_name"`
	LiveQueueURL     string `json:"live_queue_url"`
	ReplayQueueURL   string `json:"replay_queue_url"`
	DLQURL           string `json:"dlq_url"`
	LiveQueueARN     string `json:"live_queue_arn"`
	ReplayQueueARN   string `json:"replay_queue_arn"` // of a local stack
	DLQARN           string `json:"dlq_arn"`
	Bucket           string `json:"bucket"`
	ParameterPrefix  string `json:"parameter_prefix"`
	RetentionDays    int    `json:"retention_days"` // of a delivered event; 0: a stack that does not say
	SweepGrace       string `json:"sweep_grace"`    // as time.ParseDuration reads it; "": the same
	PID              int    `json:"pid"`            // of a local stack

	Retention time.Duration `json:"-"` // RetentionDays, or the default
	Grace     time.Duration `json:"-"` // SweepGrace, or the default
	APIURL    string        `json:"-"` // scheme and host of the receiver
	Demo      string        `json:"-"` // the local source, and its token
	Token     string        `json:"-"`
}

// HookURL is the address that is entered in Smartlead.
func (p Place) HookURL(source, token string) string {
	return p.APIURL + "/webhooks/" + url.PathEscape(source) + "/" + url.PathEscape(token)
}

// readLocal reads where a local stack is. It returns *Error.
func readLocal(stateDir string) (Place, error) {
	path := filepath.Join(stateDir, File)
	content, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrNotExist) {
		return Place{}, &Error{Reason: NotRunning, Name: path}
	}
	if err != nil {
		return Place{}, fmt.Errorf("read the local stack's address: %w", err)
	}
	var place Place
	if err := json.Unmarshal(content, &place); err != nil {
		return Place{}, &Error{Reason: BadFile, Name: path, Err: err}
	}
	hook, err := url.Parse(place.WebhookURL)
	if err != nil || hook.Host == "" {
		return Place{}, &Error{Reason: NoWebhookURL, Name: path}
	}
	place.APIURL = hook.Scheme + "://" + hook.Host
	parts := strings.Split(strings.Trim(hook.Path, "/"), "/")
	if len(parts) == 3 {
		place.Demo, place.Token = parts[1], parts[2]
	}
	return place, nil
}

// readTimes reads the stack's own times, so that what an operator moves is kept
// and swept like what the functions move. A stack that was deployed before it
// said them has the defaults.
func (p *Place) readTimes() error {
	p.Retention, p.Grace = config.DefaultRetentionDays*config.Day, config.DefaultGrace
	if p.RetentionDays < 0 {
		return fmt.Errorf("the stack's retention of %d days cannot be", p.RetentionDays)
	}
	if p.RetentionDays > 0 {
		p.Retention = time.Duration(p.RetentionDays) * config.Day
	}
	if p.SweepGrace == "" {
		return nil
	}
	grace, err := time.ParseDuration(p.SweepGrace)
	if err != nil {
		return fmt.Errorf("the stack's sweep grace %q cannot be read: %w", p.SweepGrace, err)
	}
	if grace <= 0 {
		return fmt.Errorf("the stack's sweep grace %q cannot be read", p.SweepGrace)
	}
	p.Grace = grace
	return nil
}
