package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/stack"
)

const (
	// simulatedLeads are written to by the simulated campaign, which makes some 330 events.
	simulatedLeads = 60
	// Of every so manieth lead all but the mails is lost: a reply, a click and opens.
	lostEvery, lostFirst = 19, 7
	// The functions compare with it every few seconds, all of it each time.
	compareEvery, compareAgain = "20s", "1s"
)

// simulation is an account of Smartlead beside the stack: its API, and what it posts.
type simulation struct {
	url      string
	listener net.Listener
	posted   chan struct{} // closed once all events were posted
}

// newSimulation says where the API will be, and has the functions compare with it every
// few seconds. Nothing serves there before start.
func newSimulation(ctx context.Context, o options) (*simulation, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the simulated API: %w", err)
	}
	account := &simulation{url: "http://" + listener.Addr().String() + "/api/v1", listener: listener, posted: make(chan struct{})}
	for name, value := range map[string]string{"SMARTLEAD_URL": account.url, "RECONCILE_EVERY": compareEvery, "RECONCILE_AGAIN": compareAgain} {
		if o.settings[name] == "" {
			o.settings[name] = value
		}
	}
	return account, nil
}

// after holds a schedule back until all events were posted: before, most of them would be
// missing.
func (a *simulation) after(handler local.ScheduleHandler) local.ScheduleHandler {
	return func(ctx context.Context, ev events.EventBridgeEvent) error {
		select {
		case <-a.posted:
			return handler(ctx, ev)
		default:
			return nil
		}
	}
}

// start serves an account whose key the stack keeps, and posts its events to the
// webhook URL, but those of every 19th lead, so that a comparison finds something
// missing. It ends with stop.
func (a *simulation) start(ctx context.Context, dir local.StateDir, running *local.Stack, at stack.Place, log *slog.Logger) (stop func(), err error) {
	key, err := dir.Secret("smartlead-api-key", rand.Text)
	if err != nil {
		return nil, err
	}
	kept, err := sourcestore.NewAPIKey(ssmstore.New(running.Clients.SSM), parameterPrefix, "")
	if err != nil {
		return nil, err
	}
	began := time.Now()
	// As reconcile set-key does it: that the key is new tells doctor that the first
	// comparison is still to come. Nobody knows since when the stack could receive.
	docs := ledger.New(awssdk.DynamoDB{Client: running.Clients.DynamoDB}, running.Resources.Table)
	if err := scheduled.SetBegan(ctx, docs, time.Time{}, began); err != nil {
		return nil, err
	}
	if err := kept.Put(ctx, key); err != nil {
		return nil, fmt.Errorf("keep the key of the simulated account: %w", err)
	}
	account := fakeapi.Simulate(key, began, simulatedLeads)
	campaign := account.Campaigns[0]
	campaign.Hooks = []fakeapi.Hook{{ID: 90017, Name: "All events", URL: at.WebhookURL, Events: []string{
		"EMAIL_SENT", "FIRST_EMAIL_SENT", "EMAIL_OPEN", "EMAIL_LINK_CLICK", "EMAIL_REPLY", "EMAIL_BOUNCE", "LEAD_UNSUBSCRIBED", "LEAD_CATEGORY_UPDATED",
	}}}
	posts, lost := withLosses(campaign.Posts(began))
	posts = append(posts, account.InboxPosts(began)...)
	campaign.Lost = lost
	server := &http.Server{
		Handler:           http.StripPrefix("/api/v1", fakeapi.New(fakeapi.Options{Account: account, Now: time.Now})),
		ReadHeaderTimeout: 10 * time.Second,
	}
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		if err := server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("smartlead.ended", "error", err.Error())
		}
	})
	work.Go(func() {
		defer close(a.posted)
		postAll(ctx, posts, len(lost), at.WebhookURL, log)
	})
	return func() {
		cancel()
		_ = server.Close()
		work.Wait()
	}, nil
}

// withLosses leaves events out.
func withLosses(all []fakeapi.Post) (posted, lost []fakeapi.Post) {
	for _, p := range all {
		var lead int
		_, err := fmt.Sscanf(p.Lead, "lead%d@", &lead)
		if sent := p.Type == "EMAIL_SENT" || p.Type == "FIRST_EMAIL_SENT"; err == nil && !sent && lead%lostEvery == lostFirst {
			lost = append(lost, p)
			continue
		}
		posted = append(posted, p)
	}
	return posted, lost
}

// postAll posts one event after the other, as Smartlead does.
func postAll(ctx context.Context, posts []fakeapi.Post, lost int, url string, log *slog.Logger) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, p := range posts {
		if ctx.Err() != nil {
			return
		}
		if err := p.Send(ctx, client, url); err != nil && ctx.Err() == nil {
			log.Warn("smartlead.not_posted", "error", err.Error())
		}
	}
	log.Info("smartlead.posted", "events", len(posts), "lost_on_purpose", lost)
}
