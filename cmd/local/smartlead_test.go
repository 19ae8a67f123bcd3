package main

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
)

// The simulated account posts its events, and a comparison finds those that it lost.
func TestSmartleadBesideTheStack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".local")
	s := launch(t, dir, "--smartlead", "--log-level", "error")
	clients := local.Connect(local.Endpoints{DynamoDB: s.info.DynamoDBEndpoint, SSM: s.info.SSMEndpoint})
	defer clients.Close()
	kept, err := sourcestore.NewAPIKey(ssmstore.New(clients.SSM), s.info.ParameterPrefix, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := kept.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client, err := smartleadapi.New(smartleadapi.Options{
		Key: key, URL: s.info.SmartleadURL, Plan: smartleadapi.Plan{PerSecond: 1e4, PerMinute: 1e6, PerHour: 1e7}, HTTP: transport, Now: time.Now,
		Sleep: func(_ context.Context, d time.Duration) { time.Sleep(d) },
	})
	if err != nil {
		t.Fatal(err)
	}
	account := fakeapi.Simulate(key, time.Now(), simulatedLeads)
	_, lost := withLosses(account.Campaigns[0].Posts(time.Now()))
	facts := map[string]bool{} // a mail that was opened twice is one
	for _, p := range lost {
		facts[p.Type+p.StatsID] = true
	}
	if len(facts) < 4 {
		t.Fatalf("%d facts are lost", len(facts))
	}
	table := ledger.New(awssdk.DynamoDB{Client: clients.DynamoDB}, s.info.TableName)
	if at, err := scheduled.Standing(t.Context(), table); err != nil || at.UpdatedAt.IsZero() {
		t.Fatalf("%+v, %v: doctor takes a schedule that nobody has begun for one that does not run", at, err)
	}
	service := reconcile.Service{Provider: client, Ledger: table, Now: time.Now}
	request := reconcile.Request{Campaigns: []string{"4100001"}, Window: smartleadapi.Window{Since: time.Now().Add(-7 * 24 * time.Hour)}}
	deadline := time.Now().Add(5 * time.Minute) // of a busy machine
	for {
		report, err := service.Run(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		c := report.Campaigns[0]
		missing := c.Of(reconcile.Missing)
		if c.Judged && c.Cause == nil && missing == len(facts) {
			break
		}
		if time.Now().After(deadline) {
			_, stderr := s.stop()
			t.Fatalf("%d missing, want %d; %+v, stderr:\n%s", missing, len(facts), c.Types, stderr)
		}
		time.Sleep(100 * time.Millisecond)
	}
	// The function finds the same by itself, and says so in an incident.
	for {
		kept, err := scheduled.Campaigns(t.Context(), table)
		if err != nil {
			t.Fatal(err)
		}
		open, err := incident.NewStore(table, time.Now).List(t.Context(), incident.Query{Kind: incident.KindDrift, Ongoing: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(kept) == 1 && kept[0].Now().Of(reconcile.Missing) == len(facts) && len(open) == 1 {
			break
		}
		if time.Now().After(deadline) {
			_, stderr := s.stop()
			t.Fatalf("the function found %+v, incidents %+v, want %d missing; stderr:\n%s", kept, open, len(facts), stderr)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if status, stderr := s.stop(); status != 0 {
		t.Errorf("status %d, stderr:\n%s", status, stderr)
	}
}
