// Package owndestination is the example of docs/DESTINATIONS.md: a type of destination that
// sends a notification to a topic of a server of ntfy (docs.ntfy.sh/publish).
package owndestination

import (
	"context"
	"flag"
	"net/http"
	"net/url"
	"strings"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

// Type is the line of the registry.
var Type = destination.Type{
	Name: "ntfy",
	Help: "sends a notification to --topic-url for each event.",
	New:  func() destination.Settings { return new(Config) },
}

// Config is what an operator sets. What shows it has value receivers, so that neither a
// Config nor a pointer to one prints the topic, which is all that protects it.
type Config struct {
	TopicURL string `json:"topic_url"`
}

// Validate reports every broken rule, and quotes no value.
func (c Config) Validate(report func(field, problem string)) {
	if u, err := url.Parse(c.TopicURL); err != nil || u.Scheme != "https" || u.Host == "" || len(u.Path) < 2 {
		report("topic_url", "is an address such as https://ntfy.sh/TOPIC")
	}
}

// Flags declares --topic-url.
func (c *Config) Flags(flags *flag.FlagSet) {
	flags.StringVar(&c.TopicURL, "topic-url", c.TopicURL, "`address` of the topic")
}

// String shows the host.
func (c Config) String() string {
	u, err := url.Parse(c.TopicURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// GoString keeps %#v from printing the topic.
func (c Config) GoString() string { return c.String() }

// Summary shows the host.
func (c Config) Summary() map[string]any { return map[string]any{"host": c.String()} }

// Open builds the destination.
func (c Config) Open(_ string, deps destination.Deps) (webhook.Destination, error) {
	return sender{c, destination.NewClient(deps, 10*time.Second), deps.Now}, nil
}

type sender struct {
	Config
	client *destination.Client
	now    func() time.Time
}

// Deliver sends one event. The same key on every attempt is what the other side drops a
// repeat by.
func (s sender) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	text := string(d.Event.Type)
	if d.Event.Lead != nil {
		text += " of " + d.Event.Lead.Email
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.TopicURL, strings.NewReader(text))
	if err != nil {
		return destination.Decide(destination.Answer{Err: err}, s.String(), s.now())
	}
	request.Header.Set("Idempotency-Key", d.IdempotencyKey)
	return destination.Decide(s.client.Do(ctx, request), s.String(), s.now())
}
