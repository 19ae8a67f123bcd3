package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// errForeign is what every error of Decode wraps.
var errForeign = errors.New("not a message of this receiver")

// version numbers the wire form. A worker refuses a version it does not know,
// so that a message of a newer receiver waits for the newer worker.
const version = 1

// wire is a message as JSON. An event's body never travels in it, except in an
// unclaimed message, where it is the only copy. A dead letter carries everything in
// the body: message attributes are limited to ten and may not be empty (AWS,
// "Amazon SQS message metadata").
type wire struct {
	Version    int             `json:"v"`
	Kind       string          `json:"kind"`
	EventID    webhook.EventID `json:"event_id,omitempty"`
	Death      int             `json:"death,omitempty"`
	ErrorClass string          `json:"error_class,omitempty"`
	Error      string          `json:"error,omitempty"`
	Attempts   int             `json:"attempts,omitempty"`
	FirstAt    time.Time       `json:"first_at,omitzero"`
	LastAt     time.Time       `json:"last_at,omitzero"`
	Type       webhook.Type    `json:"type,omitempty"`
	Account    string          `json:"account,omitempty"`
	CampaignID string          `json:"campaign_id,omitempty"`
	Receipt    *wireReceipt    `json:"receipt,omitempty"`
	First      bool            `json:"first,omitempty"`
}

// encode returns the message's wire form. It returns an error for a message
// that lacks what its kind must carry.
func encode(m webhook.Message) (string, error) {
	w := wire{Version: version, Kind: string(m.Kind), EventID: m.ID}
	switch {
	case m.Kind == webhook.KindEvent && m.ID != "":
		w.First = m.First
	case m.Kind == webhook.KindDeadLetter && m.ID != "" && m.DeadLetter != nil:
		l := m.DeadLetter
		w.Death, w.ErrorClass, w.Error, w.Attempts = l.Death, l.ErrorClass, l.Error, l.Attempts
		w.FirstAt, w.LastAt = l.FirstAt, l.LastAt
		w.Type, w.Account, w.CampaignID = l.Type, l.Account, l.CampaignID
	case m.Kind == webhook.KindUnclaimed && m.Receipt != nil:
		w.Receipt = wireOf(*m.Receipt)
	default:
		return "", fmt.Errorf("queue: a %q message lacks what it must carry", m.Kind)
	}
	b, err := json.Marshal(w)
	if err != nil {
		return "", fmt.Errorf("queue: a %q message: %w", m.Kind, err)
	}
	return string(b), nil
}

// Decode reads a message. It returns an error for anything that no version of
// encode that it knows can have written; the text of the message is not in the
// error.
func Decode(body string) (webhook.Message, error) {
	var w wire
	if err := json.Unmarshal([]byte(body), &w); err != nil {
		return webhook.Message{}, fmt.Errorf("%w: not its JSON", errForeign)
	}
	if w.Version != version {
		return webhook.Message{}, fmt.Errorf("%w: version %d", errForeign, w.Version)
	}
	switch webhook.MessageKind(w.Kind) {
	case webhook.KindEvent:
		m, err := w.event()
		m.First = w.First
		return m, err
	case webhook.KindDeadLetter:
		return w.deadLetter()
	case webhook.KindUnclaimed:
		return w.unclaimed()
	}
	return webhook.Message{}, fmt.Errorf("%w: unknown kind", errForeign)
}

func (w wire) event() (webhook.Message, error) {
	id, err := webhook.ParseEventID(string(w.EventID))
	if err != nil {
		return webhook.Message{}, fmt.Errorf("%w: no event id", errForeign)
	}
	return webhook.Message{Kind: webhook.KindEvent, ID: id}, nil
}

func (w wire) unclaimed() (webhook.Message, error) {
	if w.Receipt == nil || w.Receipt.ReceivedAt.IsZero() {
		return webhook.Message{}, fmt.Errorf("%w: unclaimed without a receipt", errForeign)
	}
	if _, err := webhook.ParseEventID(w.Receipt.Key); err != nil {
		return webhook.Message{}, fmt.Errorf("%w: unclaimed without a natural key", errForeign)
	}
	return webhook.Message{Kind: webhook.KindUnclaimed, Receipt: w.Receipt.receipt()}, nil
}

func (w wire) deadLetter() (webhook.Message, error) {
	m, err := w.event()
	if err != nil {
		return webhook.Message{}, err
	}
	if w.Death < 1 {
		return webhook.Message{}, fmt.Errorf("%w: a dead letter without a death number", errForeign)
	}
	m.Kind = webhook.KindDeadLetter
	m.DeadLetter = &webhook.DeadLetter{
		Death: w.Death, ErrorClass: w.ErrorClass, Error: w.Error, Attempts: w.Attempts,
		FirstAt: w.FirstAt, LastAt: w.LastAt, Type: w.Type, Account: w.Account, CampaignID: w.CampaignID,
	}
	return m, nil
}
