// Package params is what the commands over sources and over destinations have in
// common: both are parameters that running functions read anew.
package params

import (
	"context"
	"errors"

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
