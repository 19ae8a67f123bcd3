package cli

import (
	"smartlead-receiver/pkg/webhook"
)

// eventView is an event as JSON, for scripts: the names stay.
type eventView struct {
	EventID           string         `json:"event_id"`
	State             string         `json:"state"`
	Type              string         `json:"type"`
	RawType           string         `json:"raw_type,omitempty"`
	Dialect           string         `json:"dialect,omitempty"`
	Account           string         `json:"account"`
	Source            string         `json:"source"`
	CampaignID        string         `json:"campaign_id,omitempty"`
	LeadEmail         string         `json:"lead_email,omitempty"`
	StatsID           string         `json:"stats_id,omitempty"`
	MessageID         string         `json:"message_id,omitempty"`
	ProviderEventID   string         `json:"provider_event_id,omitempty"`
	ProviderRequestID string         `json:"provider_request_id,omitempty"`
	RequestID         string         `json:"request_id,omitempty"`
	OccurredAt        string         `json:"occurred_at,omitempty"`
	OccurredAtSource  string         `json:"occurred_at_source,omitempty"`
	ReceivedAt        string         `json:"received_at"`
	Flags             []string       `json:"flags"`
	Lane              string         `json:"lane,omitempty"`
	Attempts          int            `json:"attempts"`
	Generation        int            `json:"generation"`
	IdempotencyKey    string         `json:"idempotency_key"`
	Destinations      []progressView `json:"destinations"`
	ErrorClass        string         `json:"error_class,omitempty"`
	Error             string         `json:"error,omitempty"`
	Death             int            `json:"death,omitempty"`
	DiedAt            string         `json:"died_at,omitempty"`
	FirstDiedAt       string         `json:"first_died_at,omitempty"`
	Redrives          int            `json:"redrives"`
	Duplicates        int            `json:"duplicates"`
	Variants          int            `json:"variants"`
	LastSeenAt        string         `json:"last_seen_at,omitempty"`
	NotBefore         string         `json:"not_before,omitempty"`
	LeaseUntil        string         `json:"lease_until,omitempty"`
	DueAt             string         `json:"due_at,omitempty"`
	DeliveredAt       string         `json:"delivered_at,omitempty"`
	UpdatedAt         string         `json:"updated_at,omitempty"`
	ExpiresAt         string         `json:"expires_at,omitempty"`
	PayloadBytes      int            `json:"payload_bytes,omitempty"`
}

type progressView struct {
	Name     string `json:"name"`
	Result   string `json:"result,omitempty"`
	Attempts int    `json:"attempts"`
}

type attemptView struct {
	Attempt     int    `json:"attempt"`
	Generation  int    `json:"generation"`
	Destination string `json:"destination,omitempty"`
	Result      string `json:"result"`
	HTTPStatus  int    `json:"http_status,omitempty"`
	ErrorClass  string `json:"error_class,omitempty"`
	Error       string `json:"error,omitempty"`
	StartedAt   string `json:"started_at,omitempty"`
	DurationMS  int64  `json:"duration_ms"`
}

func viewOf(r webhook.Record) eventView {
	v := eventView{
		EventID: string(r.ID), State: string(r.State), Type: string(r.Type), RawType: r.RawType, Dialect: r.Dialect,
		Account: r.Account, Source: r.Source, CampaignID: r.CampaignID, LeadEmail: r.LeadEmail,
		StatsID: r.StatsID, MessageID: r.MessageID, ProviderEventID: r.ProviderEventID,
		ProviderRequestID: r.ProviderRequestID, RequestID: r.RequestID,
		OccurredAt: wire(r.OccurredAt), OccurredAtSource: string(r.OccurredAtSource), ReceivedAt: wire(r.ReceivedAt),
		Flags: append([]string{}, r.Flags...), Lane: string(r.Lane), Attempts: r.LeaseNumber,
		Generation: r.Generation, IdempotencyKey: r.IdempotencyKey(), Destinations: []progressView{},
		Death: r.Death, DiedAt: wire(r.DiedAt), FirstDiedAt: wire(r.FirstDied), Redrives: r.Redrives,
		Duplicates: r.Duplicates, Variants: r.Variants, LastSeenAt: wire(r.LastSeenAt),
		NotBefore: wire(r.NotBefore), LeaseUntil: wire(r.LeaseUntil), DueAt: wire(r.DueAt),
		DeliveredAt: wire(r.DeliveredAt), UpdatedAt: wire(r.UpdatedAt), ExpiresAt: wire(r.ExpiresAt),
		PayloadBytes: r.Payload.Size,
	}
	if r.State != webhook.Delivered {
		v.ErrorClass, v.Error = r.ErrorClass, r.Error
	}
	for _, d := range r.Destinations {
		v.Destinations = append(v.Destinations, progressView{Name: d.Name, Result: string(d.Result), Attempts: d.Attempts})
	}
	return v
}

func attemptsOf(r webhook.Record) []attemptView {
	out := make([]attemptView, 0, len(r.History))
	for _, a := range r.History {
		out = append(out, attemptView{
			Attempt: a.Number, Generation: a.Generation, Destination: a.Destination, Result: string(a.Result),
			HTTPStatus: a.Status, ErrorClass: a.ErrorClass, Error: a.Error,
			StartedAt: wire(a.StartedAt), DurationMS: a.Duration.Milliseconds(),
		})
	}
	return out
}
