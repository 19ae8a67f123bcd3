package main

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/reconcile"
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
	service := reconcile.Service{Provider: client, Ledger: ledger.New(awssdk.DynamoDB{Client: clients.DynamoDB}, s.info.TableName), Now: time.Now}
	request := reconcile.Request{Campaigns: []string{"4100001"}, Window: smartleadapi.Window{Since: time.Now().Add(-7 * 24 * time.Hour)}}
	deadline := time.Now().Add(time.Minute)
	for {
		report, err := service.Run(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		c := report.Campaigns[0]
		missing, repeats := c.Of(reconcile.Missing), 0
		for _, count := range c.Types {
			repeats += count.Repeats
		}
		// A lost open of a mail with several is a repeat that nobody can miss.
		if c.Judged && c.Cause == nil && missing > 0 && missing+repeats == len(lost) {
			break
		}
		if time.Now().After(deadline) {
			_, stderr := s.stop()
			t.Fatalf("%d missing and %d repeats, want %d lost; %+v, stderr:\n%s", missing, repeats, len(lost), c.Types, stderr)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if status, stderr := s.stop(); status != 0 {
		t.Errorf("status %d, stderr:\n%s", status, stderr)
	}
}
