//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"regexp"
	"testing"
)

// The doctor reads from AWS itself whether the stack can run, and who would be told.
func TestTheDoctorChecksTheDeployment(t *testing.T) {
	program, err := buildCommand()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--stack", stackName, "--json", "doctor")
	cmd.Env = awsEnvironment(deployed.tools["operator"].server.URL)
	out, err := cmd.Output()
	if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) { // a finding is exit code 1
		t.Fatal(err)
	}
	found := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var f struct{ Check, Result, Detail string }
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		found[f.Check] = f.Result + ": " + f.Detail
	}
	for check, want := range map[string]string{
		"functions":     "may run at once in this account and region",
		"event sources": "^ok: the worker is fed from both queues",
		// The first day raises one; the emulator keeps it for five minutes.
		"alarms":      "^ok: [0-9]+ alarms, none raised|^bad: raised: DlqNotEmptyAlarm",
		"alarm mails": "^note: nobody is told of alarms",
	} {
		if !regexp.MustCompile(want).MatchString(found[check]) {
			t.Errorf("%s: %q, want %q", check, found[check], want)
		}
	}
}
