//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/stack/place"
)

// signingSecret is what the recording destination checks signatures with.
const signingSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// configure adds the source "demo" and the destination "rec", as an operator
// does before the first event.
func (s *stack) configure(ctx context.Context, destination string) error {
	operator := place.DeployedClients(sharedConfig(s.tools["operator"].server.URL))
	sources, err := s.sources(operator)
	if err != nil {
		return err
	}
	source, token, err := auth.NewSource("demo", "default", rand.Reader, time.Now())
	if err != nil {
		return err
	}
	s.token = token
	if err := sources.PutSource(ctx, source); err != nil {
		return err
	}
	store, err := sourcestore.NewDestinations(ssmstore.New(operator.SSM), s.outputs["ParameterPrefix"], "")
	if err != nil {
		return err
	}
	form, err := json.Marshal(map[string]any{
		"type": "http", "config": map[string]any{"url": destination, "secrets": []string{signingSecret}, "allow_http": true, "allow_private": true},
	})
	if err != nil {
		return err
	}
	if err := store.Put(ctx, "rec", form, true); err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	return nil
}

// sources are those of the stack.
func (s *stack) sources(c place.Clients) (*sourcestore.Sources, error) {
	return sourcestore.NewSources(sourcestore.Backing{
		Documents: ledger.New(awssdk.DynamoDB{Client: c.DynamoDB}, s.outputs["TableName"]), Objects: c.S3, Bucket: s.outputs["BodyBucket"],
		Parameters: ssmstore.New(c.SSM), Prefix: s.outputs["ParameterPrefix"], Now: time.Now,
	})
}

// webhookPath is the path that the provider posts to.
func (s *stack) webhookPath() string { return "/webhooks/demo/" + s.token }
