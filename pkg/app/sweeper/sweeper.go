// Package sweeper builds the sweeper, which also tells of incidents.
package sweeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/notice"
	"smartlead-receiver/pkg/scopes"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sweep"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/pkg/webhook"
)

// claimTime is how long after its receipt an event may be claimed, and a little more: the
// receiver ends after 10 seconds, and its clock and the sweeper's may differ.
const claimTime = 15 * time.Second

// New builds the sweeper. It makes no call.
func New(e app.Env) (lambdaio.ScheduleHandler, error) {
	e = e.WithDefaults()
	svc := sweep.New(e.Ledger(), e.Queues(), e.Now, sweep.Policy{
		Shards: ledger.DueShards, Page: 100, Grace: e.Config.Grace, GraceMax: max(time.Hour, e.Config.Grace),
		LookAfter: []time.Duration{e.Config.Grace + claimTime, time.Hour + e.Config.Grace},
	})
	watcher, err := watcher(e)
	if err != nil {
		return nil, err
	}
	return lambdaio.Sweeper(svc, watcher, e.Telemetry()), nil
}

// watcher builds what looks at incidents, nil where nobody does.
func watcher(e app.Env) (*incident.Watcher, error) {
	if e.Unwatched {
		return nil, nil
	}
	store, err := bodies.New(e.Clients.S3, e.Config.Bucket)
	if err != nil {
		return nil, err
	}
	targets, err := sourcestore.NewNoticeReader(e.Clients.SSM, e.Config.ParameterPrefix, e.Settings())
	if err != nil {
		return nil, err
	}
	l := e.Ledger()
	return incident.NewWatcher(incident.Ports{
		Ledger: l, Documents: l, Alert: alertOf(store), Gates: gatesOf(l), Now: e.Now,
		Silenced:     silencedOf(l, e.Now),
		SourceExists: func(ctx context.Context, name string) (bool, error) { return sourcestore.Known(ctx, l, name) },
		Tell:         teller{notice.NewSender(targets, destination.Deps{Now: e.Now}), e.Config.Stack},
	}), nil
}

// silencedOf finds the webhooks that others silence, in the record of webhooks. What level
// a source expects is sealed, so that a webhook counts that names its own.
func silencedOf(from scopes.Lister, now func() time.Time) func(context.Context) ([]incident.Silenced, error) {
	return func(ctx context.Context) ([]incident.Silenced, error) {
		entries, err := scopes.List(ctx, from)
		if err != nil {
			return nil, err
		}
		var list []incident.Silenced
		for _, s := range scopes.Silences(entries, func(e scopes.Entry) string { return e.Level }, now()) {
			subject := string(s.Own.Type) + " of account " + s.Own.Account
			if s.Own.Campaign != "" {
				subject = string(s.Own.Type) + " of campaign " + s.Own.Campaign
			}
			list = append(list, incident.Silenced{
				Source: s.Own.Source, Subject: telemetry.Clean(subject, maxAlert),
				Text: telemetry.Clean(fmt.Sprintf("webhook %s (%s) is silent since %s, and webhook %s speaks, via %s",
					cmp.Or(s.Own.Hook, "-"), s.Own.Level, s.Own.LastSeen().Format("2006-01-02 15:04Z"), cmp.Or(s.Speaks.Hook, "-"), s.Speaks.Source), maxAlert),
			})
		}
		return list, nil
	}
}

// gatesOf reads the gates of all destinations in one query.
func gatesOf(documents gate.Documents) func(context.Context) ([]incident.Gate, error) {
	return func(ctx context.Context) ([]incident.Gate, error) {
		states, err := gate.List(ctx, documents)
		list := make([]incident.Gate, 0, len(states))
		for name, s := range states {
			list = append(list, incident.Gate{
				Destination: name, Paused: s.Paused, PausedBy: s.PausedBy, Open: s.Open, Since: s.Since, Cause: s.Cause,
			})
		}
		return list, err
	}
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
