// Package destlog writes one line an event into the worker's log, so that a
// fresh deployment does something visible.
package destlog

import (
	"context"
	"flag"
	"log/slog"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

// Type is the type "log".
var Type = destination.Type{
	Name:   "log",
	Help:   "writes events to the worker's log.",
	NoTest: "there is nothing to post to",
	New:    func() destination.Settings { return new(Config) },
}

// Config is empty: there is nothing to set.
type Config struct{}

// Validate finds nothing.
func (*Config) Validate(func(field, problem string)) {}

// Flags declares none.
func (*Config) Flags(*flag.FlagSet) {}

// String is empty: the type says where events go.
func (*Config) String() string { return "" }

// Summary is empty.
func (*Config) Summary() map[string]any { return nil }

// Open returns a destination that writes to the logger of deps.
func (*Config) Open(name string, deps destination.Deps) (webhook.Destination, error) {
	return &logger{name: name, log: deps.Logger}, nil
}

// logger names the event and never shows a mail's text or a lead's address.
type logger struct {
	name string
	log  *slog.Logger
}

func (l *logger) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	e := d.Event
	attrs := []slog.Attr{
		slog.String("event_id", string(e.ID)),
		slog.String("type", string(e.Type)),
		slog.String("source", e.Source),
		slog.Int("attempt", e.Attempt),
		slog.String("outcome", string(webhook.ResultDelivered)),
		slog.String("destination", l.name),
		slog.String("account", e.Account),
		slog.Int("generation", e.Generation),
	}
	if e.CampaignID != "" {
		attrs = append(attrs, slog.String("campaign_id", e.CampaignID))
	}
	if !e.OccurredAt.IsZero() {
		attrs = append(attrs, slog.Time("occurred_at", e.OccurredAt.UTC().Truncate(time.Millisecond)))
	}
	if len(e.Flags) > 0 {
		attrs = append(attrs, slog.Any("flags", e.Flags))
	}
	l.log.LogAttrs(ctx, slog.LevelInfo, "event.delivered", attrs...)
	return webhook.Outcome{Result: webhook.ResultDelivered}
}
