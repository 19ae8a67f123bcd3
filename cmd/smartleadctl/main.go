// Command smartleadctl looks after a Smartlead webhook receiver. See
// smartleadctl --help.
package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"smartlead-receiver/pkg/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, system(), os.Args[1:])
	stop()
	os.Exit(code)
}

func system() cli.System {
	in, out := int(os.Stdin.Fd()), int(os.Stdout.Fd())
	return cli.System{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTerminal: term.IsTerminal(in), OutTerminal: term.IsTerminal(out),
		ErrTerminal: term.IsTerminal(int(os.Stderr.Fd())), Width: func() int { return width(out) },
		ReadSecret: func() ([]byte, error) { return term.ReadPassword(in) },
		Getenv:     os.Getenv, Now: time.Now, Sleep: sleep, Ticker: ticker, Rand: rand.Reader,
		HTTP: http.DefaultTransport,
	}
}

// width of a terminal in columns; 0 for what is none.
func width(fd int) int {
	columns, _, err := term.GetSize(fd)
	if err != nil {
		return 0
	}
	return columns
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func ticker(every time.Duration) (ticks <-chan time.Time, stop func()) {
	t := time.NewTicker(every)
	return t.C, t.Stop
}
