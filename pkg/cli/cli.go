// Package cli is smartleadctl, the operator's commands over the use cases: a
// package for each noun, put together here. Data goes to stdout, diagnostics to
// stderr; streams, clock and randomness are injected, so that tests run whole
// commands in process.
//
// Nothing that a sender or a destination wrote reaches a terminal as it is: see
// package output. Nothing secret is ever shown but a new token or signing secret,
// once.
package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/archivecmd"
	"smartlead-receiver/pkg/cli/awslinks"
	"smartlead-receiver/pkg/cli/complete"
	"smartlead-receiver/pkg/cli/consolecmd"
	"smartlead-receiver/pkg/cli/destinations"
	"smartlead-receiver/pkg/cli/dlq"
	"smartlead-receiver/pkg/cli/doctor"
	"smartlead-receiver/pkg/cli/events"
	"smartlead-receiver/pkg/cli/hooks"
	"smartlead-receiver/pkg/cli/identify"
	"smartlead-receiver/pkg/cli/incidents"
	"smartlead-receiver/pkg/cli/leads"
	"smartlead-receiver/pkg/cli/notices"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/reconcilecmd"
	"smartlead-receiver/pkg/cli/redrivecmd"
	"smartlead-receiver/pkg/cli/resendguide"
	"smartlead-receiver/pkg/cli/scopescmd"
	"smartlead-receiver/pkg/cli/send"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/sources"
	"smartlead-receiver/pkg/cli/stats"
	"smartlead-receiver/pkg/cli/tail"
	"smartlead-receiver/pkg/cli/version"
)

// System is what the program takes from its surroundings.
type System = session.System

// Main runs one command line and returns the exit code.
func Main(ctx context.Context, sys System, args []string) int {
	s := session.New(ctx, sys)
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil && !errors.Is(err, problem.ErrInterrupted) {
		err = fmt.Errorf("%w: %w", problem.ErrInterrupted, err)
	}
	if err != nil {
		report(s, err)
	}
	return exitCode(ctx, err)
}

func newRoot(s *session.Session) *cobra.Command {
	root := &cobra.Command{
		Use:   "smartleadctl",
		Short: "Look after a Smartlead webhook receiver",
		Long: `Look after a Smartlead webhook receiver: find an event and see what became of
it, send it again, replay what is dead, manage senders and destinations.

Data goes to stdout, messages to stderr. --json prints one JSON object a line.
Exit codes: 0 done, 1 failed, 2 wrong usage, 4 not found; see help exit-codes.
Words: docs/GLOSSARY.md`,
		Example: `  smartleadctl --local doctor
  smartleadctl events find tom@acme.example.com
  smartleadctl dlq list
  smartleadctl --stack receiver-eu --profile ops redrive start --error-class http_503`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagProblem(s, cmd, err) })
	s.AddFlags(root)
	root.AddCommand(
		identify.New(s), send.New(s), events.New(s), leads.New(s), dlq.New(s), redrivecmd.New(s), incidents.New(s), notices.New(s), sources.New(s), scopescmd.New(s), destinations.New(s),
		stats.New(s), archivecmd.New(s), reconcilecmd.New(s), hooks.New(s), tail.New(s), resendguide.New(s), resendguide.Former(s), doctor.New(s), consolecmd.New(s), awslinks.New(s), version.New(s), exitCodesTopic(),
	)
	complete.Attach(s, root)
	root.SetHelpCommand(helpCmd(s, root))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd() // now, so that group sees it; it takes the streams as they are
	group(s, root)
	addVersion(s, root)
	checkArgs(s, root)
	return root
}

// addVersion makes --version what the command version is.
func addVersion(s *session.Session, root *cobra.Command) {
	wanted := root.Flags().BoolP("version", "v", false, "print which build this is")
	help := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if *wanted && len(args) == 0 {
			return version.Show(s)
		}
		return help(cmd, args)
	}
}
