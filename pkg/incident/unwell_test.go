package incident_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/webhook"
)

// newer is a ledger one of whose events a newer version wrote.
type newer struct {
	*world
	id webhook.EventID
}

func (n newer) WithPayloads(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	found, err := n.world.WithPayloads(ctx, ids)
	if _, there := found[n.id]; !there {
		return found, err
	}
	delete(found, n.id)
	return found, &webhook.UnreadableError{Causes: map[webhook.EventID]error{n.id: errors.New("written in format 9")}}
}

func TestAnEventThatCannotBeReadStopsNoLook(t *testing.T) {
	w := newWorld()
	w.die(7, "http_503", "crm")
	watcher := incident.NewWatcher(incident.Ports{
		Ledger: newer{w, "v1:EMAIL_REPLY:007"}, Documents: w, Now: w.clock,
		Alert: func(webhook.Record) (incident.Alert, error) { return incident.Alert{}, nil },
	})
	for range 5 {
		if r := w.look(t, watcher); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	if lines := w.lines(t); len(lines) != 1 {
		t.Errorf("%q, want that something is dead", lines)
	}
}

// flaky documents do not keep incidents until then.
type flaky struct {
	*world
	until time.Time
}

func (f flaky) SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error {
	if kind == "incident" && f.now.Before(f.until) {
		return errDown
	}
	return f.world.SaveDocument(ctx, kind, name, body, seen, now, expiresAt)
}

// What was seen and cannot be counted is counted by a later look, however many fail
// meanwhile; only one that fails for many minutes is given up.
func TestWhatCouldNotBeCountedIsCountedLater(t *testing.T) {
	for _, c := range []struct {
		down time.Duration
		want int
	}{{0, 1}, {90 * time.Second, 1}, {5 * time.Minute, 1}, {time.Hour, 0}} {
		w := newWorld()
		const id = "v1:EMAIL_ACCOUNT_DISCONNECTED:B"
		w.received = []webhook.Seen{{ID: id, Type: webhook.EmailAccountDisconnected, At: w.now.Add(-3 * time.Minute)}}
		w.records[id] = webhook.Record{ID: id, State: webhook.Delivered}
		watcher := incident.NewWatcher(incident.Ports{
			Ledger: w, Documents: flaky{w, w.now.Add(c.down)}, Now: w.clock,
			Alert: func(webhook.Record) (incident.Alert, error) { return incident.Alert{Subject: "x"}, nil },
		})
		for range 70 {
			w.look(t, watcher)
		}
		if lines := w.lines(t); len(lines) != c.want {
			t.Errorf("down for %s: %q, want %d incidents", c.down, lines, c.want)
		}
	}
}
