// Package sources keeps the senders: one for each webhook at Smartlead.
package sources

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/params"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// New returns the command sources and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use: "sources", Aliases: []string{"source"},
		Short: "Manage the senders: one for each webhook at Smartlead",
	}
	cmd.AddCommand(addCmd(s), watchCmd(s), listCmd(s), showCmd(s), setCmd(s), rotateCmd(s), trustKeyCmd(s), untrustKeyCmd(s), noun.RemoveCmd(s, params.Removal{
		Short:   "Remove a source: its webhook URL answers 401 from then on",
		Example: "acme",
		Warning: "what Smartlead still posts to it is refused and lost; delete the webhook there first",
		Done:    "; its events stay",
		Exists:  func(ctx context.Context, st *stack.Stack, name string) error { return st.Sources.Exists(ctx, name) },
	}))
	return cmd
}

// noun is what sources are called.
var noun = params.Noun{
	Name: "source", Command: "sources list", Validate: auth.ValidateName,
	Delete: func(ctx context.Context, st *stack.Stack, name string) error {
		if err := st.Sources.Remove(ctx, name); err != nil {
			return err
		}
		return forgetSilence(ctx, st, name)
	},
}

// get reads a source that must exist.
func get(ctx context.Context, s *session.Session, name string) (*stack.Stack, auth.Source, error) {
	st, err := noun.Connect(ctx, s, name)
	if err != nil {
		return nil, auth.Source{}, err
	}
	source, err := st.Sources.Get(ctx, name)
	switch {
	case errors.Is(err, sourcestore.ErrNotFound):
		return nil, auth.Source{}, noun.Absent(s, name)
	case errors.Is(err, auth.ErrSealed):
		return nil, auth.Source{}, problem.Failed(err, "source %s cannot be opened: the parameter that holds the key of all sources is not the one that it was written with", name).
			Hint("its webhook URL goes on working; to change it, %s", anew(s, name))
	case errors.Is(err, auth.ErrInvalidSource):
		return nil, auth.Source{}, problem.Failed(err, "source %s is unreadable: what the table holds of it is not what this program writes", name).
			Hint("its requests get 503; %s", anew(s, name))
	}
	return st, source, err
}

// anew is what to do about a source that cannot be changed.
func anew(s *session.Session, name string) string {
	return fmt.Sprintf("remove it and add it again: %s sources remove %s", s.Self(), name)
}

// put writes a source that was read before. Where only the copy that serves while
// the table is down is not written, it says so and goes on: the next command over
// sources writes it.
func put(ctx context.Context, s *session.Session, st *stack.Stack, source auth.Source) error {
	return written(s, source.Name, st.Sources.PutSource(ctx, source))
}

func written(s *session.Session, name string, err error) error {
	switch {
	case errors.Is(err, sourcestore.ErrCopyStale):
		s.Say("%s", problem.Words(err))
		s.Say("write it: %s sources list", s.Self())
		return nil
	case errors.Is(err, webhook.ErrChanged):
		return problem.Failed(err, "source %s was changed by somebody else meanwhile: nothing was done", name).
			Hint("see what it is now, and run this again: %s sources list", s.Self())
	}
	return err
}
