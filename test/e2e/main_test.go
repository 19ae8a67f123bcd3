//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"smartlead-receiver/test/ttlcheck"
)

// deployed is the one stack that all scenarios share: a deployment takes longer
// than all of them. Each scenario has leads of its own.
var deployed *stack

// records is the destination that the stack delivers to.
var records *recorder

func TestMain(m *testing.M) {
	os.Exit(scenario(m))
}

func scenario(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	folder, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return broken(err)
	}
	defer os.RemoveAll(folder)

	started := time.Now()
	build, err := samBuild(ctx, folder)
	if err != nil {
		return broken(err)
	}
	if err := withoutUnknown(build); err != nil {
		return broken(err)
	}
	fmt.Fprintf(os.Stderr, "e2e: built in %s\n", time.Since(started).Round(time.Second))

	started = time.Now()
	emulator, err := startEngine(ctx, folder)
	if err != nil {
		return broken(err)
	}
	defer emulator.stop()
	if deployed, err = deploy(ctx, emulator, build); err != nil {
		return broken(err)
	}
	fmt.Fprintf(os.Stderr, "e2e: deployed in %s\n", time.Since(started).Round(time.Second))

	records = newRecorder()
	defer records.close()
	if err := deployed.watchTools(); err != nil {
		return broken(err)
	}
	if err := deployed.configure(ctx, records.url()); err != nil {
		return broken(err)
	}
	if err := deployed.watchFunctions(ctx); err != nil {
		return broken(err)
	}
	defer deployed.stopWatching()
	code := m.Run()
	if err := ttlcheck.Tables(ctx, emulator.url()); err != nil {
		code = broken(err)
	}
	// After every scenario, because they are what makes the functions and the tool call.
	if err := deployed.checkRights(ctx); err != nil {
		code = broken(err)
	}
	if err := deployed.checkPolicies(); err != nil {
		code = broken(err)
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "e2e: the engine's log ends with\n%s\n", emulator.tail(120))
	}
	return code
}

func broken(err error) int {
	fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}
