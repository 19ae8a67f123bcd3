package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/test/dynoxide"
	"smartlead-receiver/test/ttlcheck"
)

// TestMain is the SQS of the test, too, as the program is its own.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == engineMode {
		serveQueues(context.Background())
		return
	}
	os.Exit(m.Run())
}

// A small run accepts and delivers each event once, and looks at each process.
func TestSmallRun(t *testing.T) {
	binary := os.Getenv("DYNOXIDE")
	if binary == "" {
		dynoxide.Need(t, dynoxide.ErrMissing)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var out bytes.Buffer
	o := options{events: 100, senders: 4, hold: 200 * time.Millisecond, dynoxide: binary, inspect: ttlcheck.Tables}
	if err := bench(ctx, o, &out); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.String())
	if !strings.Contains(out.String(), "| drained 100 % | 100 | 100 |") {
		t.Error("not every event was accepted and delivered")
	}
	if looks := regexp.MustCompile(`(?m)^\| .* \| \d+ \| \d+ \| [1-9]\d* \| [1-9]\d* \| [1-9]\d* \|$`).FindAllString(out.String(), -1); len(looks) != 1+2*parts {
		t.Errorf("%d looks show the memory of each process, want %d", len(looks), 1+2*parts)
	}
}
