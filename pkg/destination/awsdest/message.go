package awsdest

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

// Sizes of a message of SNS or SQS, in bytes. Every topic and queue takes the smaller;
// one whose MaximumMessageSize was raised takes the larger (AWS, "Amazon SQS message
// quotas", "Amazon SNS API: Publish").
const (
	DefaultMessage = 256 << 10
	MaxMessage     = 1 << 20
	minMessage     = 4 << 10
)

// Messages is the configuration of a topic or a queue.
type Messages struct {
	Resource
	// MaxBytes is the MaximumMessageSize of the topic or queue. Zero means DefaultMessage.
	MaxBytes int `json:"max_bytes,omitempty"`
}

// CheckMessages reports every broken rule of a topic or a queue.
func (m Messages) CheckMessages(n Name, report func(field, problem string)) {
	m.Check(n, report)
	if m.MaxBytes != 0 && (m.MaxBytes < minMessage || m.MaxBytes > MaxMessage) {
		report("max_bytes", fmt.Sprintf("%d to %d", minMessage, MaxMessage))
	}
}

// Bytes is how many a message and a batch may have.
func (m Messages) Bytes() int {
	if m.MaxBytes == 0 {
		return DefaultMessage
	}
	return m.MaxBytes
}

// Summary shows the ARN and the size.
func (m Messages) Summary() map[string]any {
	shown := m.Resource.Summary()
	if m.MaxBytes != 0 {
		shown["max_bytes"] = m.MaxBytes
	}
	return shown
}

// Flags declares --arn and --max-bytes.
func (m *Messages) Flags(flags *flag.FlagSet) {
	m.Resource.Flags(flags)
	flags.IntVar(&m.MaxBytes, "max-bytes", m.MaxBytes, "`bytes` of a message that the topic or queue takes (default 262144)")
}

// Attribute is an attribute of a message, of the type String.
type Attribute struct{ Name, Value string }

const attributeBytes = len("String")

// Message is an event as a topic or a queue gets it.
type Message struct {
	Body       string
	Attributes []Attribute
	Group      string // of a FIFO topic or queue only
	Dedupe     string
}

// maxAttribute bounds the value of an attribute that comes from the payload, in bytes.
const maxAttribute = 100

// Encode writes an event as a message. Filters of subscriptions read its attributes, so
// that none needs to look into the body.
func (m Messages) Encode(d webhook.Delivery) (Entry[Message], *webhook.Outcome) {
	e := d.Event
	message := Message{}
	size := 0
	for _, a := range []Attribute{
		{"event_id", string(e.ID)}, {"idempotency_key", d.IdempotencyKey}, {"type", string(e.Type)},
		{"account", e.Account}, {"campaign_id", e.CampaignID}, {"client_id", e.ClientID}, {"attempt", strconv.Itoa(e.Attempt)},
	} {
		value := strings.TrimSpace(a.Value)
		if a.Name != "idempotency_key" {
			value = destination.Clean(value, maxAttribute)
		}
		if value != "" { // neither service takes an empty one
			message.Attributes = append(message.Attributes, Attribute{a.Name, value})
			size += len(a.Name) + attributeBytes + len(value)
		}
	}
	if m.FIFO() {
		message.Group, message.Dedupe = group(e), dedupe(d.IdempotencyKey)
	}
	body, problem := Document(d, m.Bytes()-size)
	if problem != nil {
		return Entry[Message]{}, problem
	}
	message.Body = string(body)
	return Entry[Message]{Value: message, Size: size + len(body)}, nil
}

// group is what keeps its order: what is known of a lead in a campaign, or of the
// campaign. An address is not shown.
func group(e webhook.Event) string {
	of := e.Account + "\n" + e.CampaignID + "\n"
	if e.Lead != nil {
		of += e.Lead.Email
	}
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:16])
}

// maxDedupe is the length of a deduplication id, in characters.
const maxDedupe = 128

func dedupe(key string) string {
	if len(key) <= maxDedupe && strings.Trim(key, printable) == "" {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// printable are what a deduplication id may hold
// (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
const printable = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// Told is what a service says of one entry of a batch. It names entries by their ids, in
// no order.
type Told struct {
	ID, Code, Message string
	Sender            bool // the fault is the request's
	Failed            bool
}

// Sort returns an outcome for each of n entries, whose ids are their indexes.
func Sort(service string, n, status int, all []Told) []webhook.Outcome {
	outcomes := Same(n, Missing(service, status))
	for _, t := range all {
		i, err := strconv.Atoi(t.ID)
		switch {
		case err != nil || i < 0 || i >= n:
		case t.Failed:
			outcomes[i] = Refused(service, t.Code, t.Message)
			if !t.Sender { // the service's own fault, whatever it calls it
				outcomes[i].Result = webhook.ResultRetry
			}
		default:
			outcomes[i] = webhook.Outcome{Result: webhook.ResultDelivered}
		}
	}
	return outcomes
}
