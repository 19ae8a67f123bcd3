package ledger_test

import (
	"testing"

	"smartlead-receiver/pkg/webhook"
)

// waitingFor brings an event into a state in which it waits for slack.
func waitingFor(t *testing.T, l store, state webhook.State) webhook.Record {
	t.Helper()
	c, err := l.Claim(t.Context(), plainReceipt("v1:EMAIL_REPLY:A"), "claim", noon)
	if err != nil {
		t.Fatal(err)
	}
	req := leaseRequest(c.Record, noon)
	req.Destinations = []string{"slack"}
	lease, err := l.Lease(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Settle(t.Context(), lease, webhook.Settlement{
		State: webhook.Dead, At: noon, DueAt: noon, Destinations: []webhook.Progress{{Name: "slack", Result: webhook.ResultRetry, Attempts: 1}},
	}); err != nil {
		t.Fatal(err)
	}
	if state == webhook.Parked {
		if err := l.Park(t.Context(), c.ID, 1, noon); err != nil {
			t.Fatal(err)
		}
	}
	rec, err := l.Get(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// A hand-over comes between the read and the write of each way back from dead, all
// at one moment of the clock: the way back goes on, with the other destination.
func TestHandOverBetweenReadAndWrite(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			for name, c := range map[string]struct {
				state webhook.State
				back  func(l store, r webhook.Record) error
			}{
				"revival": {webhook.Dead, func(l store, r webhook.Record) error { _, err := l.Revive(t.Context(), revival(r)); return err }},
				"unpark":  {webhook.Parked, func(l store, r webhook.Record) error { _, err := l.Unpark(t.Context(), revival(r)); return err }},
				"dead letter": {webhook.Dead, func(l store, r webhook.Record) error {
					_, err := l.Lease(t.Context(), leaseRequest(r, noon))
					return err
				}},
			} {
				t.Run(name, func(t *testing.T) {
					net := &between{RoundTripper: newTransport(t), text: `:if_state":{"S":"` + string(c.state)}
					l := openStore(t, engine, net)
					seen := waitingFor(t, l, c.state)
					net.run = func() {
						h := webhook.HandOver{ID: seen.ID, From: "slack", To: "warehouse", At: noon, Nonce: "hand-over"}
						if _, err := l.HandOver(t.Context(), h); err != nil {
							t.Error(err)
						}
					}
					if err := c.back(l, seen); err != nil {
						t.Errorf("the %s failed: %v", name, err)
					}
					rec, err := l.Get(t.Context(), seen.ID)
					if err != nil || net.run != nil {
						t.Fatalf("nothing came between (%v)", err)
					}
					if rec.State == c.state || len(rec.Destinations) != 1 || rec.Destinations[0].Name != "warehouse" {
						t.Errorf("it is %s, for %v: the hand-over was undone", rec.State, rec.Destinations)
					}
					l.checkItems(t)
				})
			}
		})
	}
}
