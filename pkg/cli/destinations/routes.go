package destinations

import (
	"context"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
)

// routes says which destinations want an event now. Those of an event that a worker has
// taken are fixed: a replay asks anew.
func routes(ctx context.Context, s *session.Session, arg string) error {
	refs, err := filter.Refs(s, []string{arg})
	if err != nil {
		return err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	ids, err := filter.IDs(ctx, s, st.Ledger, refs)
	if err != nil {
		return err
	}
	if len(ids) != 1 {
		return problem.Usage("one event id is needed")
	}
	routes, err := deskOf(s, st).Routes(ctx, ids[0])
	if err != nil {
		return err
	}
	t := output.NewTable("DESTINATION", "WANTS IT", "+WHY NOT")
	wanted := 0
	for _, r := range routes {
		if r.Wants {
			wanted++
		}
		if s.JSON {
			if err := s.Emit(r); err != nil {
				return err
			}
			continue
		}
		answer := map[bool]string{true: "yes", false: "no"}[r.Wants]
		if r.Error != "" {
			answer = "unknown"
		}
		t.Add(r.Destination, answer, output.Clean(r.Why()))
	}
	if s.JSON {
		return nil
	}
	if len(routes) == 0 {
		s.Say("there is no destination: %s is written to the worker's log", ids[0])
		return nil
	}
	if err := s.Print(t, ""); err != nil {
		return err
	}
	if wanted == 0 {
		s.Say("No destination wants it for sure: the event is unrouted, or dead where a condition fails.")
	}
	return nil
}
