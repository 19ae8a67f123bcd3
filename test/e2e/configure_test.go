//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/sourcestore"
)

// signingSecret is what the recording destination checks signatures with.
const signingSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// configure adds the source "demo" and the destination "rec", as an operator
// does before the first event.
func (s *stack) configure(ctx context.Context, destination string) error {
	store, err := sourcestore.NewStore(s.SSM, s.outputs["ParameterPrefix"])
	if err != nil {
		return err
	}
	source, token, err := auth.NewSource("demo", "default", rand.Reader, time.Now())
	if err != nil {
		return err
	}
	s.token = token
	if err := store.PutSource(ctx, source, true); err != nil {
		return err
	}
	form, err := json.Marshal(map[string]any{
		"type": "http", "config": map[string]any{"url": destination, "secrets": []string{signingSecret}},
	})
	if err != nil {
		return err
	}
	if err := store.Put(ctx, sourcestore.Destinations, "rec", form, true); err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	return nil
}

// webhookPath is the path that the provider posts to.
func (s *stack) webhookPath() string { return "/webhooks/demo/" + s.token }
