package queue

import (
	"time"

	"smartlead-receiver/pkg/webhook"
)

// wireReceipt is webhook.Receipt as an unclaimed message carries it: the only
// copy of its event, so a field without a member here would be lost. Its names
// are its own: renaming a field of the domain must not change what waits in a
// queue.
type wireReceipt struct {
	Key         string   `json:"natural_key"`
	Timeless    bool     `json:"timeless,omitempty"`
	WindowMS    int64    `json:"window_ms,omitempty"`
	Fingerprint string   `json:"fingerprint,omitempty"`
	Basis       []string `json:"basis,omitempty"`

	Account           string       `json:"account,omitempty"`
	Source            string       `json:"source,omitempty"`
	Type              webhook.Type `json:"type,omitempty"`
	RawType           string       `json:"raw_type,omitempty"`
	Dialect           string       `json:"dialect,omitempty"`
	CampaignID        string       `json:"campaign_id,omitempty"`
	LeadEmail         string       `json:"lead_email,omitempty"`
	StatsID           string       `json:"stats_id,omitempty"`
	MessageID         string       `json:"message_id,omitempty"`
	ProviderEventID   string       `json:"provider_event_id,omitempty"`
	ProviderRequestID string       `json:"provider_request_id,omitempty"`
	RequestID         string       `json:"request_id,omitempty"`

	OccurredAt       time.Time          `json:"occurred_at,omitzero"`
	OccurredAtSource webhook.TimeSource `json:"occurred_at_source,omitempty"`
	ReceivedAt       time.Time          `json:"received_at"`
	Flags            []string           `json:"flags,omitempty"`
	Held             bool               `json:"held,omitempty"`
	RetentionMS      int64              `json:"retention_ms,omitempty"`
	Payload          wirePayload        `json:"payload"`
}

// wirePayload is webhook.Payload; its data are base64.
type wirePayload struct {
	Encoding string `json:"encoding,omitempty"`
	Data     []byte `json:"data,omitempty"`
	Ref      string `json:"ref,omitempty"`
	Size     int    `json:"size,omitempty"`
}

func wireOf(r webhook.Receipt) *wireReceipt {
	return &wireReceipt{
		Key: r.Key, Timeless: r.Timeless, WindowMS: r.Window.Milliseconds(), Fingerprint: r.Fingerprint, Basis: r.Basis,
		Account: r.Account, Source: r.Source, Type: r.Type, RawType: r.RawType, Dialect: r.Dialect,
		CampaignID: r.CampaignID, LeadEmail: r.LeadEmail, StatsID: r.StatsID, MessageID: r.MessageID,
		ProviderEventID: r.ProviderEventID, ProviderRequestID: r.ProviderRequestID, RequestID: r.RequestID,
		OccurredAt: r.OccurredAt, OccurredAtSource: r.OccurredAtSource, ReceivedAt: r.ReceivedAt,
		Flags: r.Flags, Held: r.Held, RetentionMS: r.Retention.Milliseconds(),
		Payload: wirePayload{Encoding: r.Payload.Encoding, Data: r.Payload.Data, Ref: r.Payload.Ref, Size: r.Payload.Size},
	}
}

func (w wireReceipt) receipt() *webhook.Receipt {
	return &webhook.Receipt{
		Key: w.Key, Timeless: w.Timeless, Window: time.Duration(w.WindowMS) * time.Millisecond, Fingerprint: w.Fingerprint, Basis: w.Basis,
		Account: w.Account, Source: w.Source, Type: w.Type, RawType: w.RawType, Dialect: w.Dialect,
		CampaignID: w.CampaignID, LeadEmail: w.LeadEmail, StatsID: w.StatsID, MessageID: w.MessageID,
		ProviderEventID: w.ProviderEventID, ProviderRequestID: w.ProviderRequestID, RequestID: w.RequestID,
		OccurredAt: w.OccurredAt, OccurredAtSource: w.OccurredAtSource, ReceivedAt: w.ReceivedAt,
		Flags: w.Flags, Held: w.Held, Retention: time.Duration(w.RetentionMS) * time.Millisecond,
		Payload: webhook.Payload{Encoding: w.Payload.Encoding, Data: w.Payload.Data, Ref: w.Payload.Ref, Size: w.Payload.Size},
	}
}
