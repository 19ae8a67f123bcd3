// Package leads erases what is kept of a person, and tells whether that was done.
package leads

import (
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/operator"
)

// New returns the command leads and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "leads",
		Aliases: []string{"lead"},
		Short:   "Erase what is kept of a person, and see whether that was done",
	}
	cmd.AddCommand(forgetCmd(s), forgottenCmd(s))
	return cmd
}

func address(text string) (string, error) {
	a, err := operator.Address(text)
	if err != nil {
		return "", problem.Usage("%q is no address of a lead, such as tom@acme.example.com", output.Plain(text))
	}
	return a, nil
}

// counts words what is kept, or what was erased: the events, and what goes with them.
func counts(h operator.Held) string {
	parts := []string{output.Count(h.Events, "event", "events")}
	for _, c := range []struct {
		n         int
		one, many string
	}{
		{h.Variants, "variant", "variants"},
		{h.Bodies, "large body", "large bodies"},
		{h.Refused, "refused request", "refused requests"},
		{h.Incidents, "incident", "incidents"},
		{h.Findings, "finding", "findings"},
		{h.Threads, "thread's place", "threads' places"},
		{h.Archived, "archived line", "archived lines"},
	} {
		if c.n > 0 {
			parts = append(parts, output.Count(c.n, c.one, c.many))
		}
	}
	return strings.Join(parts, ", ")
}
