// Package destinations keeps the destinations: where events are delivered.
package destinations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/params"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/sourcestore"
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

// noun is what destinations are called.
var noun = params.Noun{
	Name: "destination", Command: "destinations list", Validate: destination.ValidateName,
	Delete: func(ctx context.Context, st *stack.Stack, name string) error {
		return st.Destinations.Delete(ctx, name)
	},
}

// get reads a destination that must exist.
func get(ctx context.Context, s *session.Session, name string) (*stack.Stack, destination.Config, error) {
	return read(ctx, s, name, registry.Types.Parse)
}

// getToChange returns a destination also where it breaks a rule: a change may mend it,
// and its events wait meanwhile.
func getToChange(ctx context.Context, s *session.Session, name string) (*stack.Stack, destination.Config, error) {
	return read(ctx, s, name, registry.Types.Decode)
}

func read(ctx context.Context, s *session.Session, name string, parse func([]byte) (destination.Config, error)) (*stack.Stack, destination.Config, error) {
	st, err := noun.Connect(ctx, s, name)
	if err != nil {
		return nil, destination.Config{}, err
	}
	entry, err := st.Destinations.Get(ctx, name)
	switch {
	case errors.Is(err, sourcestore.ErrNotFound):
		return nil, destination.Config{}, noun.Absent(s, name)
	case err != nil:
		return nil, destination.Config{}, err
	}
	cfg, err := parse(entry.Value)
	if err != nil {
		return nil, destination.Config{}, problem.Failed(err, "destination %s is broken", name).
			Hint("remove it and add it again: %s destinations remove %s", s.Self(), name)
	}
	return st, cfg, nil
}

func put(ctx context.Context, st *stack.Stack, name string, cfg destination.Config, overwrite bool) error {
	form, err := json.Marshal(cfg)
	if err != nil {
		return fmt.Errorf("encode destination %s: %w", name, err)
	}
	return st.Destinations.Put(ctx, name, form, overwrite)
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
	s.Say("%s", params.Settles)
	return nil
}
