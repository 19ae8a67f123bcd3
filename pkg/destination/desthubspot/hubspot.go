package desthubspot

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/jq"
	"smartlead-receiver/pkg/webhook"
)

// Calls of the API, of the version that these shapes are from
// (developers.hubspot.com/docs/api-reference/2026-03).
const (
	base       = "https://" + host + "/crm/objects/2026-03"
	upsertURL  = base + "/contacts/batch/upsert"
	noteURL    = base + "/notes"
	searchURL  = base + "/notes/search"
	maxInputs  = 100 // contacts of a call
	notesAtOne = 4   // calls for notes that a worker makes at once
)

// writer writes to one account.
type writer struct {
	client   *destination.Client
	now      func() time.Time
	logger   *slog.Logger
	name     string
	token    string
	programs map[string]*jq.Program
	notes    []webhook.Type
}

// Deliver is DeliverBatch with one event.
func (w *writer) Deliver(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	return w.DeliverBatch(ctx, []webhook.Delivery{d})[0]
}

// DeliverBatch writes the contacts of all events, each once, and then the notes. An event
// is delivered when both are there.
func (w *writer) DeliverBatch(ctx context.Context, all []webhook.Delivery) []webhook.Outcome {
	outcomes := make([]webhook.Outcome, len(all))
	contacts := w.contacts(ctx, all, outcomes)
	for chunk := range slices.Chunk(contacts, maxInputs) {
		w.upsert(ctx, chunk)
	}
	contacts = w.apart(ctx, contacts)
	var group sync.WaitGroup
	places := make(chan struct{}, notesAtOne)
	for _, c := range contacts {
		for _, i := range c.events {
			if outcomes[i] = c.outcome; c.outcome.Result != webhook.ResultDelivered || !slices.Contains(w.notes, all[i].Event.Type) {
				continue
			}
			places <- struct{}{}
			group.Go(func() {
				defer func() { <-places }()
				outcomes[i] = w.note(ctx, all[i], c.id)
			})
		}
	}
	group.Wait()
	return outcomes
}

// post makes a call, once.
func (w *writer) post(ctx context.Context, url string, in any) destination.Answer {
	body, err := json.Marshal(in)
	if err != nil {
		return destination.Answer{Err: err}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return destination.Answer{Err: err}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Authorization", "Bearer "+w.token)
	return w.client.Do(ctx, request)
}
