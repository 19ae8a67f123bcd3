package dlq

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

// deathCause is dead events that died of the same.
type deathCause struct {
	Kind        string `json:"kind"` // "cause"
	ErrorClass  string `json:"error_class"`
	Type        string `json:"type"`
	Destination string `json:"destination,omitempty"`
	Count       int    `json:"count"`
	Cause       string `json:"cause"`
	OldestDeath string `json:"oldest_death"`
	LatestDeath string `json:"latest_death"`
	Example     string `json:"example_event_id"`

	oldest, latest time.Time
}

// addCause counts a dead event under its cause.
func addCause(groups map[string]*deathCause, r webhook.Record) {
	var destinations []string
	for _, a := range eventview.LastFailures(r) {
		if a.Destination != "" {
			destinations = append(destinations, a.Destination)
		}
	}
	dest := strings.Join(destinations, ", ")
	key := r.ErrorClass + "\x00" + string(r.Type) + "\x00" + dest
	g := groups[key]
	if g == nil {
		g = &deathCause{
			Kind: "cause", ErrorClass: r.ErrorClass, Type: string(r.Type), Destination: dest,
			Cause: eventview.Cause(r), Example: string(r.ID), oldest: r.DiedAt, latest: r.DiedAt,
		}
		groups[key] = g
	}
	g.Count++
	if r.DiedAt.Before(g.oldest) {
		g.oldest = r.DiedAt
	}
	if r.DiedAt.After(g.latest) {
		// The latest death is the likeliest to tell how things stand now.
		g.latest, g.Cause, g.Example = r.DiedAt, eventview.Cause(r), string(r.ID)
	}
	g.OldestDeath, g.LatestDeath = output.Wire(g.oldest), output.Wire(g.latest)
}

func sorted(groups map[string]*deathCause) []*deathCause {
	out := make([]*deathCause, 0, len(groups))
	for _, g := range groups {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *deathCause) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ErrorClass, b.ErrorClass),
			cmp.Compare(a.Type, b.Type), cmp.Compare(a.Destination, b.Destination))
	})
	return out
}
