package checks

import (
	"context"
	"fmt"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/stack"
)

// checkIncidents tells of the incidents that nobody acknowledged, and names the latest.
func checkIncidents(ctx context.Context, s Asker, st *stack.Stack) Finding {
	list, err := st.Incidents.List(ctx, incident.Query{Ongoing: true})
	if err != nil {
		return silent(s, err, "the table")
	}
	open, known := 0, 0
	latest := ""
	for _, in := range list {
		if in.State == incident.Acknowledged {
			known++
			continue
		}
		if open++; open == 1 {
			latest = in.What()
		}
	}
	also := ""
	if known > 0 {
		also = fmt.Sprintf(", %d acknowledged", known)
	}
	if open == 0 {
		return fine("none open%s", also)
	}
	return noted("where to look first: "+s.Self+" incidents", "%s open%s; the latest: %s", output.Thousands(open), also, latest)
}
