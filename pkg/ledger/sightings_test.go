package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// A span is half open, over the end of a day, and shows a variant as one.
func TestBetweenOverMidnight(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			l := openStore(t, engine, newTransport(t))
			begin := noon.Truncate(24 * time.Hour).Add(23 * time.Hour)
			for i := range 5 { // 23:00, 23:30, 0:00, 0:30, 1:00
				at := begin.Add(time.Duration(i) * 30 * time.Minute)
				r := webhook.Receipt{
					Key: fmt.Sprintf("v1:EMAIL_ACCOUNT_DISCONNECTED:%032d", i), Fingerprint: "a", Account: "acme", Source: "demo",
					Type: webhook.EmailAccountDisconnected, ReceivedAt: at,
				}
				c, err := l.Claim(t.Context(), r, "n", at.Add(time.Minute))
				if err != nil {
					t.Fatal(err)
				}
				if i == 2 {
					r.Fingerprint, r.ReceivedAt = "b", at.Add(time.Second)
					if v, err := l.Claim(t.Context(), r, "v", at.Add(time.Minute)); err != nil || v.Status != webhook.ClaimVariant {
						t.Fatalf("%+v %v", v, err)
					}
				}
				lease, err := l.Lease(t.Context(), webhook.LeaseRequest{ID: c.ID, Nonce: "w", Now: at, Until: at.Add(time.Minute), DueAt: at.Add(2 * time.Minute), Destinations: []string{"crm"}})
				if err != nil {
					t.Fatal(err)
				}
				err = l.Settle(t.Context(), lease, webhook.Settlement{State: webhook.Dead, At: at, DueAt: at.Add(time.Minute), ErrorClass: "http_503", Destinations: lease.Record.Destinations})
				if err != nil {
					t.Fatal(err)
				}
			}
			since, until := begin.Add(30*time.Minute), begin.Add(2*time.Hour)
			var received, died []string
			for s, err := range l.ReceivedBetween(t.Context(), since, until) {
				if err != nil || s.Type != webhook.EmailAccountDisconnected || s.Account != "acme" || s.Source != "demo" {
					t.Fatalf("%+v %v", s, err)
				}
				received = append(received, fmt.Sprintf("%s %t", s.At.Format("15:04:05"), s.Variant))
			}
			if want := []string{"23:30:00 false", "00:00:00 false", "00:00:01 true", "00:30:00 false"}; !slices.Equal(received, want) {
				t.Errorf("received: got %v, want %v", received, want)
			}
			for d, err := range l.DiedBetween(t.Context(), since, until) {
				if err != nil || d.ErrorClass != "http_503" {
					t.Fatalf("%+v %v", d, err)
				}
				died = append(died, d.DiedAt.Format("15:04"))
			}
			if want := []string{"23:30", "00:00", "00:30"}; !slices.Equal(died, want) {
				t.Errorf("died: got %v, want %v", died, want)
			}
			for s, err := range l.ReceivedBetween(t.Context(), until, since) {
				t.Errorf("a span that ends before it begins shows %+v, %v", s, err)
			}
			ids := []webhook.EventID{"v1:EMAIL_ACCOUNT_DISCONNECTED:00000000000000000000000000000000", "v1:EMAIL_REPLY:none"}
			if found, err := l.WithPayloads(t.Context(), ids); err != nil || len(found) != 1 || found[ids[0]].State != webhook.Dead {
				t.Errorf("%v %v", found, err)
			}
		})
	}
}
