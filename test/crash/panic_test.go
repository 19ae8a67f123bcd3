package crash

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/destlog"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/queue"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/pkg/webhook"
)

// broken is a destination whose code panics as it delivers some events. The rest
// it hands on.
type broken struct {
	destlog.Config // the settings of a type that has none

	w      *world
	panics string // marker
}

func (b broken) Open(string, destination.Deps) (webhook.Destination, error) { return b, nil }

func (b broken) Deliver(_ context.Context, d webhook.Delivery) webhook.Outcome {
	marker := markerOf(d.Event)
	e := effect{
		destination: "crm", key: d.IdempotencyKey, id: string(d.Event.ID), marker: marker,
		generation: d.Event.Generation, attempt: d.Event.Attempt,
	}
	b.w.attempted(e)
	if strings.HasSuffix(marker, b.panics) {
		panic("broken")
	}
	b.w.took(e)
	return webhook.Outcome{Result: webhook.ResultDelivered, Status: http.StatusOK}
}

// stored are the stored forms of the destinations.
type stored map[string][]byte

func (s stored) Destinations(context.Context) (map[string][]byte, error) { return s, nil }

func markerOf(e webhook.Event) string { return markerPattern.FindString(string(e.Raw)) }

// worker is the worker of a deployment with that destination, which is of a type
// of its own.
func (b broken) worker() lambdaio.WorkerHandler {
	env := b.w.env("worker")
	types := destination.Types{{Name: "broken", New: func() destination.Settings { return &b }}}
	queues := queue.New(env.Clients.SQS, queue.URLs{
		Live: env.Config.LiveQueue, Replay: env.Config.ReplayQueue, Dead: env.Config.DeadQueue,
	})
	policy := process.DefaultPolicy
	policy.MaxAttempts, policy.RetryBase, policy.RetryMax = maxTries, time.Second, time.Second
	return lambdaio.Worker(process.New(process.Ports{
		Ledger: ledger.New(env.Clients.DynamoDB, env.Config.Table), DeadLetters: queues, Bodies: inline,
		Destinations: destination.NewCache(types, stored{"crm": []byte(`{"type":"broken"}`)}, destination.Deps{}),
		Now:          env.Now, Random: env.Random, Nonce: rand.Text,
		Normalize: func(body []byte, account string) (webhook.Event, error) {
			return smartlead.Normalize(body, smartlead.Options{Account: account})
		},
	}, policy), queue.Decode, queues, env.Config.ReplayQueue, telemetry.Recorder{Log: slog.New(slog.DiscardHandler), Now: env.Now})
}

// TestPanickingDestination: a panic is a failed attempt, counted as any other,
// and does not take the rest of the batch with it.
func TestPanickingDestination(t *testing.T) {
	w := newWorld(t, tableOf(t), options{})
	defer w.close()
	worker := broken{w: w, panics: "-2"}.worker()
	for n := range 3 {
		w.send(w.event(n + 1))
	}
	for range maxTries + 2 {
		if messages := w.take(w.stores.Live); len(messages) > 0 {
			w.work(worker, w.stores.Live, messages)
		}
		w.pass(time.Minute)
	}
	var took []string
	for _, e := range w.effects {
		_, n, _ := strings.Cut(strings.TrimPrefix(e.marker, "mark-"), "-")
		took = append(took, n)
	}
	if slices.Sort(took); !slices.Equal(took, []string{"1", "3"}) {
		t.Errorf("deliveries of the events %q, want the first and the third", took)
	}
	tried := 0
	for _, a := range w.attempts {
		if strings.HasSuffix(a.marker, "-2") {
			tried++
		}
	}
	if tried != maxTries {
		t.Errorf("%d attempts of the event whose delivery panics, want %d", tried, maxTries)
	}
	for _, it := range w.items() {
		if state := it.text("state"); it.isEvent() && (state == "dead") != (it.count("lease") == "3") || state == "pending" {
			t.Errorf("%s is %s after %s attempts", it.id(), state, it.count("lease"))
		}
	}
	w.finish()
	w.violated()
}
