// Package sources keeps the senders: one for each webhook at Smartlead.
package sources

import (
	"context"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/params"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
)

// New returns the command sources and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use: "sources", Aliases: []string{"source"},
		Short: "Manage the senders: one for each webhook at Smartlead",
	}
	cmd.AddCommand(addCmd(s), listCmd(s), rotateCmd(s), trustKeyCmd(s), untrustKeyCmd(s), noun.RemoveCmd(s, params.Removal{
		Short:   "Remove a source: its webhook URL answers 401 from then on",
		Example: "acme",
		Warning: "what Smartlead still posts to it is refused and lost; delete the webhook there first",
		Done:    "; its events stay",
	}))
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
