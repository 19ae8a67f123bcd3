// Package session is one run of smartleadctl: the streams, the clock, the
// randomness and the stack that a command is given.
package session

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/stack"
)

// System is what the program takes from its surroundings.
type System struct {
	In          io.Reader
	Out, Err    io.Writer
	InTerminal  bool
	OutTerminal bool
	ErrTerminal bool
	Width       func() int                                 // of the terminal at this moment, in columns; 0: unknown
	ReadSecret  func(context.Context) ([]byte, error)      // a line from the terminal, without echo; ends with the context, the echo restored
	Getenv      func(name string) string                   // our own variables; the SDK reads its own
	Now         func() time.Time                           //
	Sleep       func(ctx context.Context, d time.Duration) // returns early when ctx ends
	Ticker      output.Ticker                              // paces progress lines; nil: none
	Rand        io.Reader                                  // for secrets and nonces
	HTTP        http.RoundTripper                          // posts events
	Open        func(address string) error                 // shows a page in a browser; nil: nobody does
	Patience    time.Duration                              // of whoever waits for words to complete one; 0: two seconds
	Program     string                                     // how a shell runs this program again, quoted; empty: smartleadctl
}

// defaultStack is the name that samconfig.toml deploys under.
const defaultStack = "smartlead-receiver"

const defaultStateDir = ".local"

// Session is one run of smartleadctl. It is not for concurrent use.
type Session struct {
	output.Terminal
	output.Clock
	Sleep  func(ctx context.Context, d time.Duration)
	Rand   io.Reader
	HTTP   http.RoundTripper
	Open   func(address string) error
	Target Target
	// Patience is that of System.
	Patience time.Duration

	program string
	stack   *stack.Stack
}

// Target is which stack the operator means.
type Target struct {
	Local    bool
	StateDir string
	Stack    string
	Profile  string
	Region   string
}

// Title is how a person calls the stack.
func (t Target) Title() string {
	if t.Local {
		return "local stack"
	}
	return strings.TrimSpace(t.Stack + " " + t.Region)
}

// Caller is who acts, as far as this machine knows: AWS knows it better.
func (s *Session) Caller() string {
	name := output.OrText(s.Getenv("USER"), output.OrText(s.Getenv("USERNAME"), "operator"))
	if s.Target.Profile != "" {
		name += ", profile " + s.Target.Profile
	}
	return name
}

// New begins a run that ends with ctx: nothing that it reads outlasts that.
func New(ctx context.Context, sys System) *Session {
	var readSecret func() ([]byte, error)
	if sys.ReadSecret != nil {
		readSecret = func() ([]byte, error) { return sys.ReadSecret(ctx) }
	}
	return &Session{
		Terminal: output.Terminal{
			In: output.Interruptible(ctx, sys.In), Out: sys.Out, Err: sys.Err,
			InTerminal: sys.InTerminal, OutTerminal: sys.OutTerminal, ErrTerminal: sys.ErrTerminal,
			Width: sys.Width, ReadSecret: readSecret, Color: output.ColorAuto, Getenv: sys.Getenv, Ticker: sys.Ticker,
		},
		Clock: func() time.Time { return sys.Now().UTC() }, Sleep: sys.Sleep, Rand: sys.Rand, HTTP: sys.HTTP, Open: sys.Open, Patience: sys.Patience,
		program: output.OrText(sys.Program, "smartleadctl"),
	}
}

// AddFlags adds the flags that a command and those below it have.
func (s *Session) AddFlags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.BoolVar(&s.JSON, "json", false, "print JSON, one object a line")
	flags.Var(&s.Color, "color", "colour states: "+output.Join(output.ColorModes))
	_ = cmd.RegisterFlagCompletionFunc("color", cobra.FixedCompletions(output.Names(output.ColorModes), cobra.ShellCompDirectiveNoFileComp))
	flags.BoolVar(&s.Target.Local, "local", false, "speak to the local stack (make run)")
	flags.StringVar(&s.Target.StateDir, "state-dir", defaultStateDir, "with --local: where the local stack keeps stack.json")
	flags.StringVar(&s.Target.Stack, "stack", defaultStack, "name of the deployed CloudFormation stack")
	flags.StringVar(&s.Target.Profile, "profile", "", "AWS profile")
	flags.StringVar(&s.Target.Region, "region", "", "AWS region")
}

// nonce is unique for every move of an event.
func (s *Session) nonce() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(s.Rand, b[:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// Self is how the operator called this program, for commands that are printed.
func (s *Session) Self() string {
	words := []string{s.program}
	if s.Target.Local {
		words = append(words, "--local")
		if s.Target.StateDir != defaultStateDir {
			words = append(words, "--state-dir", output.Quote(s.Target.StateDir))
		}
		return strings.Join(words, " ")
	}
	if s.Target.Stack != defaultStack {
		words = append(words, "--stack", output.Quote(s.Target.Stack))
	}
	if s.Target.Profile != "" {
		words = append(words, "--profile", output.Quote(s.Target.Profile))
	}
	if s.Target.Region != "" {
		words = append(words, "--region", output.Quote(s.Target.Region))
	}
	return strings.Join(words, " ")
}
