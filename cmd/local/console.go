package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"smartlead-receiver/pkg/console"
	"smartlead-receiver/pkg/stack"
)

// noConsole is what --console says where none is wanted.
const noConsole = "off"

// serveConsole serves the console of the stack until ctx ends; wait returns once it
// has. The first link is printed before it returns, further ones when the person at
// the terminal presses Enter.
func serveConsole(ctx context.Context, o options, to streams, log *slog.Logger) (wait func(), err error) {
	if o.console == noConsole {
		return func() {}, nil
	}
	found := &stack.LocalFinder{StateDir: o.stateDir, Env: stack.Env{
		Now: time.Now, Nonce: func() (string, error) { return rand.Text(), nil }, Sleep: sleep,
	}}
	self := "go run ./cmd/smartleadctl --local"
	if o.stateDir != ".local" {
		self += " --state-dir " + quote(o.stateDir)
	}
	cfg := console.Config{
		Connect: func(context.Context) (*stack.Stack, error) { return found.Find() },
		Name:    "local stack", Self: self, Local: true, Caller: "make run", Audit: log, Now: time.Now, HTTP: http.DefaultTransport,
		Sleep: sleep, Getenv: os.Getenv,
	}
	said, done := make(chan struct{}), make(chan struct{})
	var ended error
	go func() {
		defer close(done)
		ended = console.Run(ctx, o.console, cfg, console.Terminal{Lines: to.in, Say: func(link string, first bool) {
			sayLink(to.err, link, first)
			if first {
				close(said)
			}
		}})
	}()
	select {
	case <-said:
		return func() { <-done }, nil
	case <-done:
		return nil, ended
	}
}

func sayLink(to io.Writer, link string, first bool) {
	if first {
		_, _ = fmt.Fprintf(to, "\n  console       %s\n                (lets one browser in, within five minutes; Enter prints another)\n", link)
		return
	}
	_, _ = fmt.Fprintf(to, "  console       %s\n", link)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
