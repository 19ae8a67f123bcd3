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

// Try delivers one sample event of a type to a destination, signed as a real one. It is marked:
// flag test_event, account smartleadctl-test, subject "TEST". The filter of the
// destination is not applied. The event is new every time, so that a destination that
// dedupes takes it; random is read for that. It returns the sample, too.
func Try(ctx context.Context, name string, cfg Config, deps Deps, typ webhook.Type, random io.Reader) (webhook.Outcome, webhook.Event, error) {
	cfg.Filter = Filter{}
	target, err := New(name, cfg, deps)
	if err != nil {
		return webhook.Outcome{}, webhook.Event{}, err
	}
	sample, err := sampleEvent(deps.Now(), typ, random)
	if err != nil {
		return webhook.Outcome{}, webhook.Event{}, err
	}
	return target.Deliver(ctx, webhook.Delivery{Event: sample, IdempotencyKey: string(sample.ID)}), sample, nil
}

func sampleEvent(now time.Time, typ webhook.Type, random io.Reader) (webhook.Event, error) {
	var id [20]byte
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return webhook.Event{}, fmt.Errorf("read randomness: %w", err)
	}
	now = now.UTC().Truncate(time.Millisecond)
	e := webhook.Event{
		Schema: webhook.Schema,
		ID:     webhook.EventID("v1:" + string(typ) + ":" + base32.StdEncoding.EncodeToString(id[:])),
		Type:   typ, RawType: string(typ), Dialect: "help", Account: "smartleadctl-test",
		CampaignID: "0", CampaignName: "TEST by smartleadctl", Source: "smartleadctl-test",
		Lead:       &webhook.Lead{Email: "test@example.com", Name: "TEST"},
		OccurredAt: now, OccurredAtSource: webhook.TimeFromEvent, ReceivedAt: now, Attempt: 1,
		Subject: "TEST: sample event of smartleadctl destinations test",
		Flags:   []string{webhook.FlagTestEvent},
		Raw:     json.RawMessage(`{"test":true}`),
	}
	switch typ {
	case webhook.EmailReply, webhook.UntrackedReplies:
		e.Reply = &webhook.Reply{Text: "This is a test.", From: "test@example.com"}
	case webhook.EmailBounce:
		e.Bounce = &webhook.Bounce{Class: "hard", Reason: "550 TEST: no such user"}
	case webhook.EmailLinkClick:
		e.Links = []string{"https://example.com/TEST"}
	case webhook.LeadCategoryUpdated:
		e.Category = &webhook.CategoryChange{Old: "TEST before", New: "TEST after", Sentiment: "positive"}
	case webhook.CampaignStatusChanged:
		e.Status, e.Lead = &webhook.StatusChange{Old: "ACTIVE", New: "PAUSED"}, nil
	case webhook.EmailAccountDisconnected, webhook.LinkedInDisconnected, webhook.CampaignBounceBreach:
		e.Alert, e.Lead = &webhook.Alert{AccountID: "0", Reason: "TEST", Title: "TEST", Message: "This is a test."}, nil
	case webhook.EmailSent, webhook.FirstEmailSent, webhook.EmailOpen, webhook.LeadUnsubscribed, webhook.ManualStepReached, webhook.Unknown:
	}
	return e, nil
}
