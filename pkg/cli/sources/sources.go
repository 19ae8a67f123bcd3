// Package sources keeps the senders: one for each webhook at Smartlead.
package sources

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/params"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
)

// New returns the command sources and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use: "sources", Aliases: []string{"source"},
		Short: "Keep the senders: one for each webhook at Smartlead",
	}
	cmd.AddCommand(addCmd(s), listCmd(s), rotateCmd(s), trustKeyCmd(s), removeCmd(s))
	return cmd
}

// noun is what sources are called.
var noun = params.Noun{Kind: sourcestore.Sources, Name: "source", Command: "sources list", Validate: auth.ValidateName}

// get reads a source that must exist.
func get(ctx context.Context, s *session.Session, name string) (*stack.Stack, auth.Source, error) {
	st, entry, err := noun.Entry(ctx, s, name)
	if err != nil {
		return nil, auth.Source{}, err
	}
	source, err := auth.ParseSource(name, entry.Value)
	return st, source, err
}

func removeCmd(s *session.Session) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove NAME", Aliases: []string{"rm"}, Short: "Remove a source: its webhook URL gets 401 from then on",
		Example: "  smartleadctl sources remove acme", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return remove(cmd.Context(), s, args[0], yes) },
	}
	output.AddYes(cmd, &yes)
	return cmd
}

func remove(ctx context.Context, s *session.Session, name string, yes bool) error {
	st, _, err := noun.Entry(ctx, s, name)
	if err != nil {
		return err
	}
	if err := s.Confirm(yes, "remove source %s: what Smartlead still posts to it is refused and lost; delete the webhook there first", name); err != nil {
		return err
	}
	err = st.Store.Delete(ctx, sourcestore.Sources, name)
	if errors.Is(err, sourcestore.ErrNotFound) {
		return noun.Absent(s, name)
	}
	if err != nil {
		return err
	}
	return s.Finished(name, "source %s is removed; its events stay. %s", name, params.Settles)
}
