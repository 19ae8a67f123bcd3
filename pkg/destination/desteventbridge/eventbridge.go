// Package desteventbridge puts each event on an event bus of Amazon EventBridge.
package desteventbridge

import (
	"context"
	"encoding/json"
	"strings"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/awsdest"
	"smartlead-receiver/pkg/webhook"
)

// Type is the type "eventbridge".
var Type = destination.Type{
	Name: "eventbridge",
	Help: `puts events on the event bus --arn. The source is
"smartlead", the detail type is the event's type, the detail is the event.`,
	New: func() destination.Settings { return new(Config) },
}

// Limits of a call (docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
// and …/userguide/eb-putevents.html: the sizes of ten entries together are below 1 MB,
// which it was 256 KB before 2026).
const (
	maxEntries = 10
	maxBytes   = 1_000_000
	timeBytes  = 14 // what an entry's time counts
)

const (
	service = "events"
	// source is the member "source" of every event.
	source = "smartlead"
)

var name = awsdest.Name{
	Service: "events", Prefix: "event-bus/", Most: 256,
	Example: "arn:aws:events:us-east-1:123456789012:event-bus/default",
}

// Config is the event bus.
type Config struct{ awsdest.Resource }

// Validate reports an ARN that is none of an event bus.
func (c Config) Validate(report func(field, problem string)) { c.Check(name, report) }

// entry is one of PutEvents.
type entry struct {
	Source, DetailType, Detail, EventBusName string
	Time                                     int64 `json:",omitempty"` // seconds
	Resources                                []string
}

// Open returns a destination of that bus.
func (c Config) Open(_ string, deps destination.Deps) (webhook.Destination, error) {
	bus, _ := awsdest.ParseARN(c.ARN)
	return awsdest.Sender[entry]{
		Most: maxEntries, Bytes: maxBytes, Encode: c.encode,
		Send: func(ctx context.Context, entries []entry) ([]webhook.Outcome, bool) {
			return put(ctx, deps.AWS, bus.Region, entries)
		},
	}, nil
}

// bus names the bus. Engines that stand in for AWS, whose account is that one, know a bus
// by its name alone.
func (c Config) bus() string {
	if a, _ := awsdest.ParseARN(c.ARN); a.Account == "000000000000" {
		return c.name()
	}
	return c.ARN
}

func (c Config) name() string {
	a, _ := awsdest.ParseARN(c.ARN)
	return strings.TrimPrefix(a.Resource, name.Prefix)
}

func (c Config) encode(d webhook.Delivery) (awsdest.Entry[entry], *webhook.Outcome) {
	e := entry{Source: source, DetailType: string(d.Event.Type), EventBusName: c.bus(), Resources: []string{}}
	if at := d.Event.OccurredAt; !at.IsZero() {
		e.Time = at.Unix()
	}
	fixed := timeBytes + len(e.Source) + len(e.DetailType)
	detail, problem := awsdest.Document(d, maxBytes-fixed)
	if problem != nil {
		return awsdest.Entry[entry]{}, problem
	}
	e.Detail = string(detail)
	return awsdest.Entry[entry]{Value: e, Size: fixed + len(detail)}, nil
}

func call(region, operation string, in any) (destination.AWSCall, error) {
	body, err := json.Marshal(in)
	return destination.AWSCall{
		Service: service, Region: region, Target: "AWSEvents." + operation, ContentType: "application/x-amz-json-1.1", Body: body,
	}, err
}

// put makes one call. The results are in the order of the entries.
func put(ctx context.Context, aws destination.AWS, region string, entries []entry) ([]webhook.Outcome, bool) {
	request, err := call(region, "PutEvents", map[string]any{"Entries": entries})
	if err != nil {
		return awsdest.Same(len(entries), awsdest.Unencodable()), true
	}
	answer := awsdest.Call(ctx, aws, request)
	if out, ok := awsdest.Whole(service, answer); !ok {
		return awsdest.Same(len(entries), out), true
	}
	var told struct {
		Entries []struct {
			EventID      string `json:"EventId"`
			ErrorCode    string
			ErrorMessage string
		}
	}
	if json.Unmarshal(answer.Body, &told) != nil || len(told.Entries) != len(entries) {
		return awsdest.Same(len(entries), awsdest.Missing(service, answer.Status)), false
	}
	outcomes := make([]webhook.Outcome, len(entries))
	for i, e := range told.Entries {
		switch {
		case e.ErrorCode != "":
			outcomes[i] = awsdest.Refused(service, e.ErrorCode, e.ErrorMessage)
		case e.EventID == "":
			outcomes[i] = awsdest.Missing(service, answer.Status)
		default:
			outcomes[i] = webhook.Outcome{Result: webhook.ResultDelivered}
		}
	}
	return outcomes, false
}

// CheckExists asks for the bus: EventBridge takes an event for one that is not there, and
// drops it. It is asked by its name first: whoever is of its account may ask for that.
func (c Config) CheckExists(ctx context.Context, deps destination.Deps) error {
	answer, err := c.describe(ctx, deps, c.name())
	var told struct{ Arn string }
	if err == nil && json.Unmarshal(answer.Body, &told) == nil && told.Arn == c.ARN {
		return nil
	}
	if c.bus() != c.ARN {
		return err
	}
	_, err = c.describe(ctx, deps, c.ARN)
	return err
}

func (c Config) describe(ctx context.Context, deps destination.Deps, bus string) (destination.Answer, error) {
	at, _ := awsdest.ParseARN(c.ARN)
	request, err := call(at.Region, "DescribeEventBus", map[string]string{"Name": bus})
	if err != nil {
		return destination.Answer{}, err
	}
	answer := awsdest.Call(ctx, deps.AWS, request)
	return answer, awsdest.Describe(service, answer)
}
