package checks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// refusedSpan is looked at whatever the day: a check just after midnight tells of
// the evening.
const refusedSpan = 24 * time.Hour

// maxRefused bounds the refusals that the check counts.
const maxRefused = 300

// shownCauses bounds the causes that the check names.
const shownCauses = 4

func checkRefused(ctx context.Context, s Asker, st *stack.Stack) Finding {
	now := s.Now().Add(time.Millisecond) // with what came just now
	list, err := st.Ledger.RejectedRequests(ctx, now.Add(-refusedSpan), now, maxRefused)
	switch {
	case err != nil:
		return silent(s, err, "the table")
	case len(list) == 0:
		return fine("none in 24 hours")
	}
	number := output.Thousands(len(list))
	if len(list) == maxRefused {
		number += " or more"
	}
	return noted("see why: "+s.Self+" events refused", "%s in 24 hours: %s; the latest %s", number, causes(list), s.Ago(list[0].At))
}

// causes counts by cause and source, the most frequent first.
func causes(list []webhook.RejectedRequest) string {
	counts := map[string]int{}
	var names []string
	for _, r := range list {
		name := r.Cause
		if r.Source != "" {
			name += " at source " + r.Source
		}
		if counts[name]++; counts[name] == 1 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	var parts []string
	for _, name := range names[:min(len(names), shownCauses)] {
		parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
	}
	if more := len(names) - len(parts); more > 0 {
		parts = append(parts, output.Count(more, "other cause", "other causes"))
	}
	return strings.Join(parts, ", ")
}
