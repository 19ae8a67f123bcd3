// Package eventview says how events stand: as JSON for scripts, and in the words
// that every command uses for a person.
package eventview

import (
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// View is an event as JSON, for scripts: the names stay.
type View struct {
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
	Origin            string         `json:"origin,omitempty"`   // reconcile: it was made of what Smartlead's API says
	Original          string         `json:"original,omitempty"` // fingerprint of the body that its webhook brought after all
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
	ErasedAt          string         `json:"erased_at,omitempty"`
	PayloadBytes      int            `json:"payload_bytes,omitempty"`
}

type progressView struct {
	Name      string `json:"name"`
	Result    string `json:"result,omitempty"`
	Attempts  int    `json:"attempts"`
	Postponed int    `json:"postponed,omitempty"` // attempts that are not among Attempts
	Waits     int    `json:"waits,omitempty"`     // how often nothing was sent although it was time
	Waiting   string `json:"waiting,omitempty"`   // why, the last time: paused, open, turn, line or too_many
	NextAt    string `json:"next_at,omitempty"`
}

// Attempt is one attempt at a destination as JSON.
type Attempt struct {
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

// Of is the view of an event.
func Of(r webhook.Record) View {
	v := View{
		EventID: string(r.ID), State: string(r.State), Type: string(r.Type), RawType: r.RawType, Dialect: r.Dialect,
		Account: r.Account, Source: r.Source, CampaignID: r.CampaignID, LeadEmail: r.LeadEmail,
		StatsID: r.StatsID, MessageID: r.MessageID, ProviderEventID: r.ProviderEventID,
		ProviderRequestID: r.ProviderRequestID, RequestID: r.RequestID,
		OccurredAt: output.Wire(r.OccurredAt), OccurredAtSource: string(r.OccurredAtSource), ReceivedAt: output.Wire(r.ReceivedAt),
		Origin: string(r.Origin()), Original: r.Original, Flags: append([]string{}, r.Flags...), Lane: string(r.Lane), Attempts: r.Tries(),
		Generation: r.Generation, IdempotencyKey: r.IdempotencyKey(), Destinations: []progressView{},
		Death: r.Death, DiedAt: output.Wire(r.DiedAt), FirstDiedAt: output.Wire(r.FirstDied), Redrives: r.Redrives,
		Duplicates: r.Duplicates, Variants: r.Variants, LastSeenAt: output.Wire(r.LastSeenAt),
		NotBefore: output.Wire(r.NotBefore), LeaseUntil: output.Wire(r.LeaseUntil), DueAt: output.Wire(r.DueAt),
		DeliveredAt: output.Wire(r.DeliveredAt), UpdatedAt: output.Wire(r.UpdatedAt), ExpiresAt: output.Wire(r.ExpiresAt),
		ErasedAt: output.Wire(r.ErasedAt), PayloadBytes: r.Payload.Size,
	}
	if r.State != webhook.Delivered {
		v.ErrorClass, v.Error = r.ErrorClass, r.Error
	}
	for _, d := range r.Destinations {
		v.Destinations = append(v.Destinations, progressView{
			Name: d.Name, Result: string(d.Result), Attempts: d.Attempts, Postponed: d.Postponed,
			Waits: d.Waits, Waiting: d.Waiting, NextAt: output.Wire(d.NextAt),
		})
	}
	return v
}

// AttemptsOf are the attempts that an event remembers.
func AttemptsOf(r webhook.Record) []Attempt {
	out := make([]Attempt, 0, len(r.History))
	for _, a := range r.History {
		out = append(out, Attempt{
			Attempt: a.Number, Generation: a.Generation, Destination: a.Destination, Result: string(a.Result),
			HTTPStatus: a.Status, ErrorClass: a.ErrorClass, Error: a.Error,
			StartedAt: output.Wire(a.StartedAt), DurationMS: a.Duration.Milliseconds(),
		})
	}
	return out
}

// IdentityField is a field on which an identity rests.
type IdentityField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// IdentityOf are the fields on which the identity of an element rests.
func IdentityOf(el smartlead.Element) []IdentityField {
	out := make([]IdentityField, 0, len(el.BasisFields))
	for _, f := range el.BasisFields {
		out = append(out, IdentityField{Name: f.Name, Value: f.Value})
	}
	return out
}

// TypeText is a type, and what the sender called it.
func TypeText(typ, raw string) string {
	if typ == raw || raw == "" {
		return typ
	}
	return typ + " (" + raw + ")"
}
