package destination

import (
	"context"
	"log/slog"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// logDestination writes one line an event, so that a fresh deployment does
// something visible. It names the event and never shows a mail's text or a
// lead's address.
type logDestination struct {
	name   string
	logger *slog.Logger
}

func newLog(name string, _ Config, deps Deps) (Destination, error) {
	return &logDestination{name: name, logger: deps.Logger}, nil
}

func (l *logDestination) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
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
	l.logger.LogAttrs(ctx, slog.LevelInfo, "event.delivered", attrs...)
	return webhook.Outcome{Result: webhook.ResultDelivered}
}
