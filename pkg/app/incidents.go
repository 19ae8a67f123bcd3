package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/notice"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/pkg/webhook"
)

// watcher builds what looks at incidents, nil where nobody does.
func (e Env) watcher() (*incident.Watcher, error) {
	if e.Unwatched {
		return nil, nil
	}
	store, err := bodies.New(e.Clients.S3, e.Config.Bucket)
	if err != nil {
		return nil, err
	}
	targets, err := sourcestore.NewNoticeReader(e.Clients.SSM, e.Config.ParameterPrefix, e.settings())
	if err != nil {
		return nil, err
	}
	l := e.ledger()
	return incident.NewWatcher(incident.Ports{
		Ledger: l, Documents: l, Alert: alertOf(store), Now: e.Now,
		Tell: teller{notice.NewSender(targets, destination.Deps{Now: e.Now}), e.Config.Stack},
	}), nil
}

// teller words notices and has them sent.
type teller struct {
	*notice.Sender
	stack string
}

// Tell sends notices to a target in one request.
func (t teller) Tell(ctx context.Context, target string, notices []incident.Notice, more int) error {
	m := incident.MessageOf(t.stack, notices, more)
	return t.Send(ctx, target, notice.Message{ID: m.ID, Text: m.Text, Document: m.Document})
}

// maxAlert bounds what an alert says, in bytes.
const maxAlert = 200

// alertOf reads alerts. The mailbox that an alert names is one of ours, and stays as it
// is; every other address is masked. A body that is kept apart is not read: an alert has
// a few hundred bytes.
func alertOf(store *bodies.Store) func(webhook.Record) (incident.Alert, error) {
	return func(r webhook.Record) (incident.Alert, error) {
		if r.Payload.Ref != "" {
			return incident.Alert{}, errors.New("an alert too large to be one")
		}
		body, err := store.Load(context.Background(), r.Payload) // inline: no call
		if err != nil {
			return incident.Alert{}, err
		}
		event, err := smartlead.Normalize(body, smartlead.Options{Account: r.Account})
		if err != nil {
			return incident.Alert{}, fmt.Errorf("read an alert: %w", err)
		}
		alert := webhook.Alert{}
		if event.Alert != nil {
			alert = *event.Alert
		}
		subject := cmp.Or(event.Mailbox, alert.AccountID)
		if event.CampaignID != "" {
			subject = "campaign " + event.CampaignID
		}
		return incident.Alert{
			Subject: telemetry.Clean(subject, maxAlert),
			Text:    telemetry.Clean(telemetry.Mask(cmp.Or(alert.Reason, alert.Message, alert.Title)), maxAlert),
		}, nil
	}
}

// reports counts what tools report on incidents.
type reports struct{ *incident.Reports }

func newReports(l *ledger.Ledger, now func() time.Time) reports {
	return reports{incident.NewReports(incident.NewStore(l, now))}
}

// maxPattern bounds what an error says in the line of its incident, in bytes.
const maxPattern = 100

// ReportError masks addresses: the error of a tool may name any lead.
func (r reports) ReportError(ctx context.Context, e receive.ReportedError) (string, error) {
	code := telemetry.Clean(telemetry.Mask(e.Code), maxPattern)
	text := telemetry.Clean(telemetry.Mask(e.Text), incident.MaxText)
	cause := telemetry.Clean(incident.Pattern(text), maxPattern)
	switch {
	case cause == "":
		cause = cmp.Or(code, "(no text)")
	case code != "" && !strings.Contains(cause, incident.Pattern(code)):
		cause = telemetry.Clean(code+": "+cause, maxPattern)
	}
	return r.Report(ctx, incident.Sighting{
		Key: incident.Key{Kind: incident.KindError, Cause: cause, Source: e.Source}, Text: text, Count: e.Times, First: e.At, Last: e.At,
	})
}
