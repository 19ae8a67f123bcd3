// Package params is what the commands over sources and over destinations have in
// common: both are parameters that running functions read anew.
package params

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
)

// Settles says when running functions know of a change (SOURCE_TTL).
const Settles = "Running functions take it up within a minute."

// Noun is a kind of parameter, and its name on the command line.
type Noun struct {
	Kind     sourcestore.Kind
	Name     string // of one
	Command  string // that lists them
	Validate func(name string) error
}

// Entry reads a parameter that must exist, readable or not.
func (n Noun) Entry(ctx context.Context, s *session.Session, name string) (*stack.Stack, sourcestore.Entry, error) {
	if err := n.Validate(name); err != nil {
		return nil, sourcestore.Entry{}, problem.Usage("%s: %v", name, err)
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return nil, sourcestore.Entry{}, err
	}
	e, err := st.Store.Get(ctx, n.Kind, name)
	if errors.Is(err, sourcestore.ErrNotFound) {
		return nil, sourcestore.Entry{}, n.Absent(s, name)
	}
	return st, e, err
}

// Absent is the failure of a command over a parameter that does not exist.
func (n Noun) Absent(s *session.Session, name string) error {
	return problem.NotFound("there is no %s %s", n.Name, name).Hint("which there are: %s %s", s.Self(), n.Command)
}

// Removal is what the remove command of a noun says.
type Removal struct {
	Short   string
	Example string // the name in the example
	Warning string // what is lost
	Done    string // behind "is removed"
}

// RemoveCmd removes one of the noun, once a person has agreed.
func (n Noun) RemoveCmd(s *session.Session, r Removal) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove NAME", Aliases: []string{"rm", "delete"}, Short: r.Short,
		Example: "  smartleadctl " + n.Name + "s remove " + r.Example, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return n.remove(cmd.Context(), s, r, args[0], yes) },
	}
	output.AddYes(cmd, &yes)
	return cmd
}

func (n Noun) remove(ctx context.Context, s *session.Session, r Removal, name string, yes bool) error {
	st, _, err := n.Entry(ctx, s, name)
	if err != nil {
		return err
	}
	if err := s.Confirm(yes, "remove %s %s: %s", n.Name, name, r.Warning); err != nil {
		return err
	}
	if err := n.Delete(ctx, s, st, name); err != nil {
		return err
	}
	return s.Finished(name, "%s %s is removed%s. %s", n.Name, name, r.Done, Settles)
}

// Delete removes a parameter that must exist.
func (n Noun) Delete(ctx context.Context, s *session.Session, st *stack.Stack, name string) error {
	err := st.Store.Delete(ctx, n.Kind, name)
	if errors.Is(err, sourcestore.ErrNotFound) {
		return n.Absent(s, name)
	}
	return err
}
