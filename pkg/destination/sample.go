package destination

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Try posts one sample event to a destination, signed as a real one. It is marked:
// flag test_event, account smartleadctl-test, subject "TEST". The filter of the
// destination is not applied. The event is new every time, so that a destination that
// dedupes takes it; random is read for that.
func Try(ctx context.Context, name string, cfg Config, deps Deps, random io.Reader) (webhook.Outcome, webhook.EventID, error) {
	cfg.Filter = Filter{}
	target, err := New(name, cfg, deps)
	if err != nil {
		return webhook.Outcome{}, "", err
	}
	sample, err := sampleEvent(deps.Now(), random)
	if err != nil {
		return webhook.Outcome{}, "", err
	}
	return target.Deliver(ctx, webhook.Delivery{Event: sample, IdempotencyKey: string(sample.ID)}), sample.ID, nil
}

func sampleEvent(now time.Time, random io.Reader) (webhook.Event, error) {
	var id [20]byte
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return webhook.Event{}, fmt.Errorf("read randomness: %w", err)
	}
	now = now.UTC().Truncate(time.Millisecond)
	return webhook.Event{
		Schema: webhook.Schema,
		ID:     webhook.EventID("v1:EMAIL_REPLY:" + base32.StdEncoding.EncodeToString(id[:])),
		Type:   webhook.EmailReply, RawType: "EMAIL_REPLY", Dialect: "help", Account: "smartleadctl-test",
		CampaignID: "0", CampaignName: "TEST by smartleadctl", Source: "smartleadctl-test",
		Lead:       &webhook.Lead{Email: "test@example.com", Name: "TEST"},
		OccurredAt: now, OccurredAtSource: webhook.TimeFromEvent, ReceivedAt: now, Attempt: 1,
		Subject: "TEST: sample event of smartleadctl destinations test",
		Reply:   &webhook.Reply{Text: "This is a test.", From: "test@example.com"},
		Flags:   []string{webhook.FlagTestEvent},
		Raw:     json.RawMessage(`{"test":true}`),
	}, nil
}
