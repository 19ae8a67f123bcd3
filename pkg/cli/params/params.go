// Package params is what the commands over sources and over destinations have in
// common: running functions read both anew.
package params

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
)

// Noun is what running functions are configured with, and its name on the command
// line.
type Noun struct {
	Name     string // of one
	Command  string // that lists them
	Validate func(name string) error
	Delete   func(ctx context.Context, st *stack.Stack, name string) error
}

// Connect finds the stack for a command over one of the noun.
func (n Noun) Connect(ctx context.Context, s *session.Session, name string) (*stack.Stack, error) {
	if err := n.Validate(name); err != nil {
		return nil, problem.Usage("%s: %v", name, err)
	}
	return s.Connect(ctx)
}

// Absent is the failure of a command over one that does not exist.
func (n Noun) Absent(s *session.Session, name string) error {
	return problem.NotFound("there is no %s %s", n.Name, name).Hint("which there are: %s %s", s.Self(), n.Command)
}

// Removal is what the remove command of a noun says.
type Removal struct {
	Short   string
	Example string // the name in the example
	Warning string // what is lost
	// Exists tells whether there is one to remove, readable or not.
	Exists func(ctx context.Context, st *stack.Stack, name string) error
	Done   string // behind "is removed"
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
	st, err := n.Connect(ctx, s, name)
	if err != nil {
		return err
	}
	switch err := r.Exists(ctx, st, name); {
	case errors.Is(err, sourcestore.ErrNotFound):
		return n.Absent(s, name)
	case err != nil:
		return err
	}
	if err := s.Confirm(yes, "remove %s %s: %s", n.Name, name, r.Warning); err != nil {
		return err
	}
	if err := n.Gone(ctx, s, st, name); err != nil {
		return err
	}
	return s.Finished(name, "%s %s is removed%s. %s", n.Name, name, r.Done, wording.Settles)
}

// Gone deletes one that must exist.
func (n Noun) Gone(ctx context.Context, s *session.Session, st *stack.Stack, name string) error {
	err := n.Delete(ctx, st, name)
	if errors.Is(err, sourcestore.ErrNotFound) {
		return n.Absent(s, name)
	}
	return err
}
