// Package destinations keeps the destinations: where events are delivered.
package destinations

import (
	"context"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/destcare"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/stack"
)

// New returns the command destinations and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use: "destinations", Aliases: []string{"destination", "dest"},
		Short: "Manage the destinations: where events are delivered",
		Long: `Manage the destinations. Without any, events are written to the worker's log. An
event's destinations are chosen when a worker takes it first, and anew when it is
replayed after it was delivered or unrouted: a change counts for events that come
after it.`,
	}
	cmd.AddCommand(addCmd(s), setCmd(s), listCmd(s), pauseCmd(s), resumeCmd(s), rotateCmd(s), testCmd(s), removeCmd(s))
	return cmd
}

// deskOf is what takes care of destinations, for a command; the stack may be put in later.
func deskOf(s *session.Session, st *stack.Stack) destcare.Desk {
	return destcare.Desk{Stack: st, Now: s.Now, Rand: s.Rand, Self: s.Self(), Local: s.Target.Local, Say: func(line string) { s.Say("%s", line) }}
}

// connect finds the stack for a command over the destination of a name.
func connect(ctx context.Context, s *session.Session, name string) (destcare.Desk, error) {
	if err := destination.ValidateName(name); err != nil {
		return destcare.Desk{}, problem.Usage("%s: %v", name, err)
	}
	st, err := s.Connect(ctx)
	return deskOf(s, st), err
}

func showSecret(s *session.Session, name, secret, next string) error {
	if s.JSON {
		return s.Emit(struct {
			Name   string `json:"name"`
			Secret string `json:"signing_secret,omitempty"`
		}{name, secret})
	}
	if secret != "" {
		s.Line("%s", secret)
		s.Say("This is the signing secret of %s (Standard Webhooks). It is shown this once.", name)
	}
	if next != "" {
		s.Say("%s", next)
	}
	s.Say("%s", wording.Settles)
	return nil
}
