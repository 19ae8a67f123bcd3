package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/test/ttlcheck"
)

// scenario reads one file of events/ as the type that the function takes.
// A member that the type does not know would be lost without reporting an outcome.
func scenario[T any](t *testing.T, name string) T {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var event T
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&event); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return event
}

// functions builds the six functions on an engine of their own names, with
// the source and the token that the scenario files use.
func functions(t *testing.T) local.Handlers {
	t.Helper()
	forgetDestinations(t)
	engine := local.StartEngine()
	clients := local.Connect(local.Endpoints{DynamoDB: ttlcheck.Proxy(t, engine.URL), SQS: engine.URL, SSM: engine.URL, S3: engine.URL})
	t.Cleanup(func() { clients.Close(); engine.Close() })
	resources, err := local.Provision(t.Context(), clients, local.Provisioning{Name: fmt.Sprintf("scenarios-%d", time.Now().UnixNano())})
	if err != nil {
		t.Fatal(err)
	}
	o, err := parse([]string{"--archive", "1m"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	s := secrets{
		token:        scenario[events.APIGatewayV2HTTPRequest](t, "receiver-accepted").PathParameters["token"],
		redactionKey: "a-redaction-key-for-tests",
	}
	handlers, err := compose(o, s, nil, nil, telemetry.NewLogger(t.Output(), o.logLevel))(t.Context(), clients, resources)
	if err != nil {
		t.Fatal(err)
	}
	return handlers
}

func TestScenarioFilesDoWhatTheirNamesSay(t *testing.T) {
	handlers := functions(t)
	requests := []struct {
		file   string
		status int
		body   []string
	}{
		{"receiver-accepted", 200, []string{`"accepted"`}},
		{"receiver-duplicate", 200, []string{`"duplicate"`}},
		{"receiver-array", 200, []string{`"accepted"`, `"accepted"`, `"rejected"`, `"accepted"`}},
		{"receiver-base64", 200, []string{`"accepted"`}},
		{"receiver-ready-get", 200, []string{`"ready"`}},
		{"receiver-bad-token", 401, nil},
		{"receiver-not-json", 400, nil},
		{"receiver-error-report", 200, []string{`"counted"`}},
	}
	for _, c := range requests {
		response, err := handlers.Receiver(t.Context(), scenario[events.APIGatewayV2HTTPRequest](t, c.file))
		if err != nil || response.StatusCode != c.status {
			t.Errorf("%s: %d %s, %v", c.file, response.StatusCode, response.Body, err)
			continue
		}
		rest := response.Body
		for _, part := range c.body {
			var found bool
			if _, rest, found = strings.Cut(rest, `"status":`+part); !found {
				t.Errorf("%s: %s lacks %s", c.file, response.Body, part)
			}
		}
	}

	batch := scenario[events.SQSEvent](t, "worker-batch-one-bad")
	response, err := handlers.Worker(t.Context(), batch)
	want := []events.SQSBatchItemFailure{{ItemIdentifier: batch.Records[1].MessageId}}
	if err != nil || !slices.Equal(response.BatchItemFailures, want) {
		t.Errorf("worker: failures = %v, %v", response.BatchItemFailures, err)
	}
	if err := handlers.Sweeper(t.Context(), scenario[events.EventBridgeEvent](t, "sweeper-tick")); err != nil {
		t.Errorf("sweeper: %v", err)
	}
	if err := handlers.Redrive(t.Context(), scenario[events.EventBridgeEvent](t, "redrive-tick")); err != nil {
		t.Errorf("redrive: %v", err)
	}
	if err := handlers.Reconcile(t.Context(), scenario[events.EventBridgeEvent](t, "reconcile-tick")); err != nil {
		t.Errorf("reconcile: %v", err)
	}
	if err := handlers.Archiver(t.Context(), scenario[events.EventBridgeEvent](t, "archiver-tick")); err != nil {
		t.Errorf("archiver: %v", err)
	}
}

func TestEveryScenarioFileIsTested(t *testing.T) {
	files, err := filepath.Glob("../../events/*-*.json") // not env.json
	if err != nil || len(files) != 13 {
		t.Errorf("%d files, %v: the test above knows thirteen", len(files), err)
	}
}
