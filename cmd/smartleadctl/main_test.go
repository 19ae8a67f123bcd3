package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/cli/output"
	_ "smartlead-receiver/test/ttlcheck" // clitest puts its proxy before the engine
)

// program is the built command.
var program string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "smartleadctl")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "smartleadctl")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

// patience bounds what a test waits for that never comes.
const patience = 20 * time.Second

// run prepares the program against the local stack of a test.
func run(t *testing.T, s *clitest.Stack, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, program, append([]string{"--local", "--state-dir", s.Dir}, args...)...)
}

// receiver is a stack whose clock is the machine's, as that of the program is.
func receiver(t *testing.T) *clitest.Stack {
	t.Helper()
	s := clitest.New(t)
	s.Advance(time.Since(s.Clock()) - time.Hour)
	return s
}

// code is how a program ended, as a shell has it.
func code(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	ended, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatal(err)
	}
	if status, _ := ended.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int(status.Signal())
	}
	return ended.ExitCode()
}

// session is a program on a terminal of its own.
type session struct {
	t        *testing.T
	cmd      *exec.Cmd
	keyboard *os.File // and screen
	tty      *os.File
	mu       sync.Mutex
	screen   bytes.Buffer
	changed  chan struct{}
}

func onTerminal(t *testing.T, s *clitest.Stack, args ...string) *session {
	t.Helper()
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	x := &session{t: t, cmd: run(t, s, args...), keyboard: keyboard, tty: tty, changed: make(chan struct{}, 1)}
	t.Cleanup(func() { _, _ = tty.Close(), keyboard.Close() })
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = tty, tty, tty
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go x.watch()
	return x
}

func (x *session) watch() {
	var part [4096]byte
	for {
		n, err := x.keyboard.Read(part[:])
		x.mu.Lock()
		x.screen.Write(part[:n])
		x.mu.Unlock()
		select {
		case x.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (x *session) seen() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.screen.String()
}

// waitFor waits until the screen holds a text.
func (x *session) waitFor(text string) {
	x.t.Helper()
	for late := time.After(patience); !strings.Contains(x.seen(), text); {
		select {
		case <-x.changed:
		case <-late:
			x.t.Fatalf("%q never came:\n%s", text, x.seen())
		}
	}
}

func (x *session) typed(keys string) {
	x.t.Helper()
	if _, err := x.keyboard.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// ends waits for the end of the program, and for what it said before.
func (x *session) ends(want int, words string) {
	x.t.Helper()
	if got := code(x.t, x.cmd.Wait()); got != want {
		x.t.Errorf("%v: exit %d, want %d:\n%s", x.cmd.Args[4:], got, want, x.seen())
	}
	x.waitFor(words)
	modes := exec.CommandContext(x.t.Context(), "stty", "-a")
	modes.Stdin = x.tty
	if out, err := modes.Output(); err != nil || !bytes.Contains(out, []byte(" echo ")) {
		x.t.Errorf("the terminal does not echo any more: %v\n%s", err, out)
	}
}

const ctrlC = "\x03"

func TestCtrlC(t *testing.T) {
	s := receiver(t)
	dead := s.DeadReplies(2)
	trusted := len(s.Source("demo").BodySecrets)
	for _, c := range []struct {
		args         []string
		until, words string
	}{
		{[]string{"events", "replay", "--state", "dead"}, "[y/N]", "interrupted"},
		{[]string{"redrive", "start"}, "[y/N]", "interrupted"},
		{[]string{"destinations", "remove", "crm"}, "[y/N]", "interrupted"},
		{[]string{"sources", "trust-key", "demo"}, "secret_key of demo: ", "interrupted"},
		{[]string{"sources", "add", "other", "--hmac-stdin"}, "signing secret of other: ", "interrupted"},
		{[]string{"tail", "--past", "2h", "--every", "100ms"}, output.ShortID(dead[1]), ""},
	} {
		x := onTerminal(t, s, c.args...)
		x.waitFor(c.until)
		x.typed(ctrlC)
		x.ends(130, c.words)
	}
	for _, id := range dead {
		if r := s.Record(id); r.State != "dead" || r.Redrives != 0 {
			t.Errorf("%s is %s after %d redrives", id, r.State, r.Redrives)
		}
	}
	if n := len(s.Source("demo").BodySecrets); n != trusted {
		t.Errorf("%d keys are trusted, want %d", n, trusted)
	}
	if r := s.OK("destinations", "list", "--json"); !strings.Contains(r.Out, "crm") {
		t.Errorf("the destination is gone: %s", r.Out)
	}
}

func TestCtrlCWhileARedriveIsWatched(t *testing.T) {
	s := receiver(t)
	s.DeadReplies(1)
	x := onTerminal(t, s, "redrive", "start", "--yes", "--watch")
	x.waitFor("0 delivered")
	x.typed(ctrlC)
	x.ends(130, "goes on by itself")
	if r := s.OK("redrive", "status", "--json"); !strings.Contains(r.Out, `"planned"`) && !strings.Contains(r.Out, `"running"`) {
		t.Errorf("the redrive was ended, too: %s", r.Out)
	}
}

// A program that reads its input to the end can be interrupted, too.
func TestSignalsWhileInputIsAwaited(t *testing.T) {
	s := clitest.New(t)
	in, keyboard, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer keyboard.Close()
	cmd := run(t, s, "events", "replay", "-")
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stderr = in, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := keyboard.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil { // more than a pipe holds: it is being read
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if got := code(t, cmd.Wait()); got != 130 || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exit %d, want 130, said %q", got, errs.String())
	}

	x := onTerminal(t, s, "sources", "trust-key", "demo")
	x.waitFor("secret_key of demo: ")
	if err := x.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	x.ends(143, "interrupted")
}

// A line that was read ahead is the next question's, or another program's.
func TestNothingIsReadBehindTheLine(t *testing.T) {
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, "the-first-key-0001")
	in, keyboard, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := keyboard.WriteString("the-first-key-0001\nfor the next program\n"); err != nil {
		t.Fatal(err)
	}
	_ = keyboard.Close()
	cmd := run(t, s, "sources", "trust-key", "demo", "--no-release", "--yes")
	cmd.Stdin = in
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if rest, err := io.ReadAll(in); err != nil || string(rest) != "for the next program\n" {
		t.Errorf("left in the pipe: %q, %v", rest, err)
	}
}

// head takes the first lines and goes.
func TestAPipeWhoseReaderIsGone(t *testing.T) {
	s := receiver(t)
	s.DeadReplies(2)
	for _, ignored := range []bool{false, true} {
		reader, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = reader.Close()
		cmd := run(t, s, "events", "list", "--json")
		if ignored {
			cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `trap "" PIPE; exec "$@"`, "sh"}, cmd.Args...)
		}
		var errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = out, &errs
		if got := code(t, cmd.Run()); got != 141 || errs.Len() > 0 {
			t.Errorf("SIGPIPE ignored %v: exit %d, want 141, said %q", ignored, got, errs.String())
		}
		_ = out.Close()
	}
}
