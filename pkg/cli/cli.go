// Package cli is smartleadctl, the operator's commands over the use cases. Data
// goes to stdout, diagnostics to stderr; streams, clock and randomness are
// injected, so that tests run whole commands in process.
//
// Nothing that a sender or a destination wrote reaches a terminal as it is: see
// text.go. Nothing secret is ever shown but a new token or signing secret, once.
package cli

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// System is what the program takes from its surroundings.
type System struct {
	In          io.Reader
	Out, Err    io.Writer
	InTerminal  bool
	OutTerminal bool
	ErrTerminal bool
	Width       int                                        // of the terminal, in columns; 0: unknown
	ReadSecret  func() ([]byte, error)                     // a line from the terminal, without echo
	Getenv      func(name string) string                   // our own variables; the SDK reads its own
	Now         func() time.Time                           //
	Sleep       func(ctx context.Context, d time.Duration) // returns early when ctx ends
	Rand        io.Reader                                  // for secrets and nonces
	HTTP        http.RoundTripper                          // posts events
}

// DefaultStack is the name that samconfig.toml deploys under.
const DefaultStack = "smartlead-receiver"

// program is one run of smartleadctl.
type program struct {
	System
	in     *bufio.Reader
	json   bool
	target target
	stack  *Stack
}

// Main runs one command line and returns the exit code.
func Main(ctx context.Context, sys System, args []string) int {
	p := &program{System: sys, in: bufio.NewReader(sys.In)}
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil {
		p.report(err)
	}
	return exitCode(err)
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "smartleadctl",
		Short: "Look after a Smartlead webhook receiver",
		Long: `Look after a Smartlead webhook receiver: find an event and see what became of
it, send it again, replay what is dead, keep senders and destinations.

Data goes to stdout, messages to stderr. --json prints one JSON object a line.
Exit codes: 0 done, 1 failed, 2 wrong usage, 4 not found.`,
		Example: `  smartleadctl --local doctor
  smartleadctl events find tom@acme.example.com
  smartleadctl dlq list
  smartleadctl --stack receiver-eu --profile ops redrive start --error-class http_503`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%v", err).hint("see: %s --help", cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.BoolVar(&p.json, "json", false, "print JSON, one object a line")
	flags.BoolVar(&p.target.local, "local", false, "speak to the local stack (make run)")
	flags.StringVar(&p.target.stateDir, "state-dir", ".local", "with --local: where the local stack keeps stack.json")
	flags.StringVar(&p.target.stack, "stack", DefaultStack, "name of the deployed CloudFormation stack")
	flags.StringVar(&p.target.profile, "profile", "", "AWS profile")
	flags.StringVar(&p.target.region, "region", "", "AWS region")
	root.AddCommand(
		p.identifyCmd(), p.sendCmd(), p.eventsCmd(), p.dlqCmd(), p.redriveCmd(),
		p.sourcesCmd(), p.destinationsCmd(), p.statsCmd(), p.tailCmd(), p.resendGuideCmd(), p.refireCmd(), p.doctorCmd(), p.consoleCmd(),
		p.versionCmd(),
	)
	root.SetHelpCommand(helpCmd(root))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd() // now, so that group sees it; it takes the streams as they are
	group(root)
	checkArgs(root)
	return root
}

// group refuses an unknown subcommand, which cobra answers with help and
// success.
func group(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		group(c)
	}
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usage("%s has no command %q", cmd.CommandPath(), plain(args[0])).hint("see: %s --help", cmd.CommandPath())
		}
	}
}

// checkArgs makes a wrong number of arguments a usage error everywhere.
func checkArgs(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		checkArgs(c)
	}
	check := cmd.Args
	if check == nil {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usage("%v", err).hint("usage: %s", cmd.UseLine())
		}
		return nil
	}
}

// connected returns the stack that the command speaks to.
func (p *program) connected(ctx context.Context) (*Stack, error) {
	if p.stack != nil {
		return p.stack, nil
	}
	s, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	p.stack = s
	return s, nil
}

// nonce is unique for every move of an event.
func (p *program) nonce() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(p.Rand, b[:]); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
