// Package doctor checks every part of a receiver, and says what to fix.
package doctor

import (
	"context"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/checks"
	"smartlead-receiver/pkg/cli/hook"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
)

type options struct {
	source, token string
	try           bool
}

// New returns the command doctor.
func New(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check every part of the receiver, and say what to fix",
		Long: `Check every part of the receiver: stack, ledger, queues, sources, destinations, of a
deployed stack its functions, event sources and alarms and who is told of them, the
webhook URL from outside (with --source and a token), whether the sources of an
account trust the same sender, which source fell silent, what is overdue, what is dead,
held or parked, what reached nobody, which variants say something else than their
event, and which incidents nobody acknowledged. It changes nothing. Exit code 1 when a
check fails.

--try also posts a test event to the source, and waits until it has gone the whole way:
destinations get it, with the flag test_event and the lead doctor@example.invalid. A
source that asks for a signature needs ` + hook.SecretVariable + `.`,
		Example: `  smartleadctl doctor
  SMARTLEAD_TOKEN=… smartleadctl doctor --source acme --try`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), s, o) },
	}
	cmd.Flags().StringVar(&o.source, "source", "", "check the webhook URL of this source")
	cmd.Flags().StringVar(&o.token, "token", "", "token of the source (better: "+hook.TokenVariable+")")
	cmd.Flags().BoolVar(&o.try, "try", false, "send a test event the whole way, to the destinations (with --source and a token)")
	return cmd
}

func run(ctx context.Context, s *session.Session, o options) error {
	if err := auth.ValidateName(o.source); o.source != "" && err != nil {
		return problem.Usage("--source %s: %v", o.source, err)
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	t := output.NewTable("CHECK", "*RESULT", "+DETAIL")
	var next []string
	said := map[string]bool{}
	bad := 0
	asker := checks.Asker{
		Clock: s.Clock, Self: s.Self(), Local: s.Target.Local, Stack: s.Target.Stack, HTTP: s.HTTP,
		Source: o.source, Token: o.token, UsualToken: s.Getenv(hook.TokenVariable),
	}
	tell := func(f checks.Finding) error {
		if f.Result == checks.Bad {
			bad++
		}
		if s.JSON {
			return s.Emit(f)
		}
		t.Add(f.Check, f.Result, f.Detail)
		if f.Next != "" && !said[f.Next] {
			said[f.Next] = true
			next = append(next, f.Check+": "+f.Next)
		}
		return nil
	}
	if err := checks.Look(ctx, asker, st, tell); err != nil {
		return err
	}
	if o.try {
		if err := tell(checks.Try(ctx, asker, st, s.Getenv(hook.SecretVariable), s.Sleep)); err != nil {
			return err
		}
	}
	if !s.JSON {
		if err := s.Print(t, ""); err != nil {
			return err
		}
		printNext(s, next)
	}
	if bad > 0 {
		return problem.Failed(nil, "%s failed", output.Count(bad, "check", "checks"))
	}
	return nil
}

func printNext(s *session.Session, next []string) {
	if len(next) > 0 {
		s.Line("")
		s.Line("What to do next")
	}
	for _, n := range next {
		s.Line("  %s", n)
	}
}
