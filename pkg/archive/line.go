package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"smartlead-receiver/pkg/webhook"
)

// Line is an event in the archive: what destinations receive, and how it stood when it was
// archived. Nothing in it is null.
type Line struct {
	webhook.Event
	// LeadEmail is the lead's address as the ledger has it, so that a query needs not look
	// into the lead.
	LeadEmail string        `json:"lead_email,omitempty"`
	State     webhook.State `json:"state"`
	// Raw is the original as text. As an object, two members whose names differ by case
	// alone would make Athena's reader refuse the line.
	Raw string `json:"raw,omitempty"`
	// Omitted are members that were left out, because the line would be too long, or
	// because the stored body is gone ("body"), or cannot be parsed ("event").
	Omitted []string `json:"omitted,omitempty"`
}

// lineOf makes the line of an event. Its error says that the body could not be read now.
func (s *Service) lineOf(ctx context.Context, rec webhook.Record) (Line, error) {
	body, err := s.Bodies.Load(ctx, rec.Payload)
	switch {
	case errors.Is(err, webhook.ErrUnavailable), err != nil && ctx.Err() != nil:
		return Line{}, fmt.Errorf("the body of %s: %w", rec.ID, err)
	case err != nil: // gone, or what nobody can unpack
		return withoutBody(rec, "body"), nil //nolint:nilerr // the line says it
	}
	event, err := s.Normalize(body, rec.Account)
	if err != nil {
		line := withoutBody(rec, "event")
		line.Raw = text(body)
		return line, nil //nolint:nilerr // the line says it
	}
	line := newLine(rec, event)
	line.Raw = text(event.Raw)
	return line, nil
}

// text is what JSON can hold as text.
func text(raw []byte) string {
	if !utf8.Valid(raw) {
		raw = bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	}
	return string(raw)
}

func newLine(rec webhook.Record, event webhook.Event) Line {
	line := Line{Event: rec.Complete(event, rec.LeaseNumber), LeadEmail: rec.LeadEmail, State: rec.State}
	line.Schema, line.Event.Raw = webhook.Schema, nil
	return line
}

// withoutBody is all that the ledger itself knows of an event.
func withoutBody(rec webhook.Record, omitted string) Line {
	event := webhook.Event{
		Type: rec.Type, RawType: rec.RawType, Dialect: rec.Dialect, Account: rec.Account, CampaignID: rec.CampaignID,
		StatsID: rec.StatsID, ProviderEventID: rec.ProviderEventID,
	}
	if rec.LeadEmail != "" {
		event.Lead = &webhook.Lead{Email: rec.LeadEmail}
	}
	line := newLine(rec, event)
	line.Omitted = []string{omitted}
	return line
}

// encode writes the line with its end. Where it is longer than most, the original is left
// out, then the reply's HTML, then all but what the ledger knows.
func (l Line) encode(rec webhook.Record, most int) ([]byte, error) {
	for _, shorten := range []func(*Line){
		func(*Line) {},
		func(l *Line) { l.Raw, l.Omitted = "", append(l.Omitted, "raw") },
		func(l *Line) {
			if l.Reply != nil {
				short := *l.Reply
				short.HTML = ""
				l.Reply, l.Omitted = &short, append(l.Omitted, "reply.html")
			}
		},
	} {
		shorten(&l)
		out, err := encode(l)
		if err != nil {
			return nil, fmt.Errorf("the line of %s: %w", rec.ID, err)
		}
		if len(out) <= most {
			return out, nil
		}
	}
	return encode(withoutBody(rec, "body"))
}

func encode(l Line) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false) // bodies of mails are full of it
	if err := encoder.Encode(l); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}
