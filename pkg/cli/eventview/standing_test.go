package eventview

import (
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

// Where one destination refused an event for good and another is tried again, nothing says
// that the first one is.
func TestWhoRefusedForGoodIsNotRetried(t *testing.T) {
	now := time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)
	c := output.Clock(func() time.Time { return now })
	r := webhook.Record{State: webhook.Pending, LeaseNumber: 1, NotBefore: now.Add(time.Minute), ErrorClass: "http_400"}
	r.Destinations = []webhook.Progress{
		{Name: "crm", Result: webhook.ResultPermanent, Attempts: 1},
		{Name: "slack", Result: webhook.ResultRetry, Attempts: 1, NextAt: r.NotBefore},
	}
	r.History = []webhook.Attempt{
		{Number: 1, Destination: "slack", Result: webhook.ResultRetry, Status: 503, ErrorClass: "http_503"},
		{Number: 1, Destination: "crm", Result: webhook.ResultPermanent, Status: 400, ErrorClass: "http_400"},
	}
	const want = "pending: the destination slack answered 503; crm refused it for good, and is not asked again; it is tried again"
	if got := Headline(c, r); !strings.HasPrefix(got, want) {
		t.Errorf("headline: %s", got)
	}
	if got := Note(c, r); !strings.HasPrefix(got, "http_503, retried") || !strings.HasSuffix(got, "refused by crm") {
		t.Errorf("note: %s", got)
	}
	r.History = append([]webhook.Attempt{{Number: 2, Destination: "aaa", Result: webhook.ResultRetry, ErrorClass: "timeout"}}, r.History...)
	r.Destinations = append(r.Destinations, webhook.Progress{Name: "aaa", Result: webhook.ResultRetry, Attempts: 1})
	if got := Note(c, r); !strings.HasPrefix(got, "timeout, retried") {
		t.Errorf("note: %s, want the latest failure", got)
	}
	r.State = webhook.Dead
	if got := Headline(c, r); !strings.Contains(got, "crm answered 400") || !strings.Contains(got, "slack answered 503") {
		t.Errorf("headline: %s", got)
	}
	if got := Note(c, r); !strings.HasPrefix(got, "http_400") {
		t.Errorf("note: %s", got)
	}
}

// An event that was handed over died of what the other destination said; as long as that
// has said nothing, of what the first one did.
func TestACauseIsOfWhoHasTheEvent(t *testing.T) {
	r := webhook.Record{State: webhook.Dead, LeaseNumber: 1, Destinations: []webhook.Progress{{Name: "spare"}}}
	r.History = []webhook.Attempt{{Number: 1, Destination: "crm", Result: webhook.ResultRetry, Status: 503, ErrorClass: "http_503"}}
	if got := Cause(r); got != "the destination crm answered 503" {
		t.Error(got)
	}
	r.History = append(r.History, webhook.Attempt{Number: 2, Destination: "spare", Result: webhook.ResultPermanent, Status: 410})
	if got := Cause(r); got != "the destination spare answered 410" {
		t.Error(got)
	}
}
