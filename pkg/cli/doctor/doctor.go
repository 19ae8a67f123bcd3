// Package doctor checks every part of a receiver, and says what to fix.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/hook"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/stack"
)

type options struct {
	source, token string
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
check fails.`,
		Example: `  smartleadctl doctor
  SMARTLEAD_TOKEN=… smartleadctl doctor --source acme`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), s, o) },
	}
	cmd.Flags().StringVar(&o.source, "source", "", "check the webhook URL of this source")
	cmd.Flags().StringVar(&o.token, "token", "", "token of the source (better: "+hook.TokenVariable+")")
	return cmd
}

// finding is the outcome of one check.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"` // ok, note, bad
	Detail string `json:"detail"`
	Next   string `json:"next,omitempty"`
}

func fine(format string, args ...any) finding {
	return finding{Result: "ok", Detail: fmt.Sprintf(format, args...)}
}

func noted(next, format string, args ...any) finding {
	return finding{Result: "note", Detail: fmt.Sprintf(format, args...), Next: next}
}

func broken(next, format string, args ...any) finding {
	return finding{Result: "bad", Detail: fmt.Sprintf(format, args...), Next: next}
}

// silent is the finding of a part that does not answer, or refuses.
func silent(s *session.Session, err error, what string) finding {
	switch {
	case s.Target.Local:
		return broken("start the local stack: make run", "%s", problem.Words(err))
	case problem.Denied(err):
		return broken("your credentials lack rights on "+what, "%s", problem.Words(err))
	}
	return broken("is "+what+" there, and reachable from here?", "%s", problem.Words(err))
}

type check struct {
	name string
	run  func(context.Context, *session.Session, *stack.Stack) finding
}

// checkTimeout bounds one check, so that one silent part does not hide the
// others.
const checkTimeout = 15 * time.Second

func run(ctx context.Context, s *session.Session, o options) error {
	if err := auth.ValidateName(o.source); o.source != "" && err != nil {
		return problem.Usage("--source %s: %v", o.source, err)
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	checks := checksOf(o)
	if st.Deployment != nil {
		checks = slices.Insert(checks, 1, deployedChecks(st.Deployment)...)
	}
	t := output.NewTable("CHECK", "*RESULT", "+DETAIL")
	var next []string
	said := map[string]bool{}
	bad := 0
	for _, c := range checks {
		within, cancel := context.WithTimeout(ctx, checkTimeout)
		f := c.run(within, s, st)
		cancel()
		f.Check = c.name
		if f.Result == "bad" {
			bad++
		}
		if s.JSON {
			if err := s.Emit(f); err != nil {
				return err
			}
			continue
		}
		t.Add(f.Check, f.Result, f.Detail)
		if f.Next != "" && !said[f.Next] {
			said[f.Next] = true
			next = append(next, f.Check+": "+f.Next)
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

// checksOf are the checks that every stack has, in the order in which a fault of one
// explains those of the next.
func checksOf(o options) []check {
	return []check{
		{"stack", checkStack},
		{"ledger", checkLedger},
		{"queues", checkQueues},
		{"sources", checkSources},
		{"accounts", checkAccounts},
		{"webhooks", checkScopes},
		{"silent sources", checkSilence},
		{"destinations", checkDestinations},
		{"webhook URL", func(ctx context.Context, s *session.Session, st *stack.Stack) finding {
			return checkURL(ctx, s, st, o)
		}},
		{"sweeper", checkDue},
		{"dead events", checkDead},
		{"held events", checkHeld},
		{"parked events", checkParked},
		{"removed destinations", checkRemoved},
		{"unrouted events", checkUnrouted},
		{"variants", checkVariants},
		{"redrive", checkRedrive},
		{"refused requests", checkRefused},
		{"incidents", checkIncidents},
	}
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
