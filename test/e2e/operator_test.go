//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// job is what the commands of a redrive print.
type job struct {
	State, Reason string
	Counts        struct{ Delivered int }
}

var buildCommand = sync.OnceValues(func() (string, error) {
	program := filepath.Join(deployed.build, "smartleadctl")
	_, err := run(context.Background(), root(), os.Environ(), "go", "build", "-o", program, "./cmd/smartleadctl")
	return program, err
})

// smartleadctl runs the operator's program on the deployed stack and reads the
// one JSON object that it prints.
func smartleadctl(t *testing.T, into any, args ...string) {
	t.Helper()
	program, err := buildCommand()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{"--stack", stackName, "--json"}, args...)...)
	cmd.Env = awsEnvironment(deployed.tools["operator"].server.URL)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("smartleadctl %v: %v\n%s%s", args, err, out, messages.String())
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("smartleadctl %v: %v: %s", args, err, out)
	}
}

func TestTheOperatorFindsAnEventOfTheDeployedStack(t *testing.T) {
	id := post(t, reply("operator@e2e.example")).Results[0].EventID
	becomes(t, id, webhook.Delivered, 30*time.Second)
	var shown struct {
		ID    webhook.EventID `json:"event_id"`
		State webhook.State
	}
	smartleadctl(t, &shown, "events", "show", string(id))
	if shown.ID != id || shown.State != webhook.Delivered {
		t.Errorf("shown %+v, want %s delivered", shown, id)
	}
}

// The operator's tool reads the stack's times from its outputs.
func TestTheOutputsSayTheStacksTimes(t *testing.T) {
	for output, want := range map[string]string{"RetentionDays": "90", "SweepGrace": "5s"} {
		if got := deployed.outputs[output]; got != want {
			t.Errorf("the output %s is %q, want %q", output, got, want)
		}
	}
}
