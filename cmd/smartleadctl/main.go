// Command smartleadctl looks after a Smartlead webhook receiver. See
// smartleadctl --help.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/term"

	"smartlead-receiver/pkg/cli"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
)

func main() {
	os.Exit(cli.Main(untilSignal(), system(), os.Args[1:]))
}

// untilSignal is a context that the first signal ends. The next one ends the
// program at once, whatever it waits for.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		number, _ := (<-signals).(syscall.Signal)
		signal.Stop(signals)
		cancel(cli.Signal{Number: number})
	}()
	return ctx
}

// readSecret reads a line without echo. Echo is off when it begins to wait, and on
// again whenever it returns; term.ReadPassword leaves that to the reader's thread,
// which a signal does not end.
func readSecret(ctx context.Context, in *os.File) ([]byte, error) {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	keys := rawKeys{output.Interruptible(ctx, in)}
	line, err := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{keys, io.Discard}, "").ReadPassword("")
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return []byte(line), errors.Join(err, term.Restore(int(in.Fd()), before))
}

// rawKeys are the keys of a raw terminal, one at a time: a line that was typed
// ahead is the next reader's. In raw mode Ctrl-C is a key, too.
type rawKeys struct{ in io.Reader }

func (k rawKeys) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := k.in.Read(p[:1])
	switch {
	case n == 1 && p[0] == 3: // Ctrl-C
		return 0, problem.ErrInterrupted
	case n == 1 && p[0] == '\n': // typed before the terminal was raw
		p[0] = '\r'
	}
	return n, err
}

func system() cli.System {
	in, out := int(os.Stdin.Fd()), int(os.Stdout.Fd())
	return cli.System{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		InTerminal: term.IsTerminal(in), OutTerminal: term.IsTerminal(out),
		ErrTerminal: term.IsTerminal(int(os.Stderr.Fd())), Width: func() int { return width(out) },
		ReadSecret: func(ctx context.Context) ([]byte, error) { return readSecret(ctx, os.Stdin) },
		Getenv:     os.Getenv, Now: time.Now, Sleep: sleep, Ticker: ticker, Rand: rand.Reader,
		HTTP: http.DefaultTransport, Open: open, Program: called(os.Args[0]),
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

// open shows a page in the browser of this machine's desktop.
func open(address string) error {
	var words []string
	switch runtime.GOOS {
	case "darwin":
		words = []string{"open"}
	case "windows":
		words = []string{"rundll32", "url.dll,FileProtocolHandler"}
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return errors.New("there is no desktop")
		}
		words = []string{"xdg-open"}
	}
	cmd := exec.CommandContext(context.Background(), words[0], append(words[1:], address)...) //nolint:gosec // one of three programs, and our own address
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }()
	return nil
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
