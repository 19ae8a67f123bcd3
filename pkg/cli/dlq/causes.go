package dlq

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/webhook"
)

// deathCause is dead events that died of the same, of whatever type.
type deathCause struct {
	Kind        string               `json:"kind"` // "cause"
	ErrorClass  string               `json:"error_class"`
	Destination string               `json:"destination,omitempty"`
	Count       int                  `json:"count"`
	Types       map[webhook.Type]int `json:"types"`
	Cause       string               `json:"cause"` // of the latest death
	OldestDeath string               `json:"oldest_death"`
	LatestDeath string               `json:"latest_death"`
	Example     string               `json:"example_event_id"` // the latest that died

	oldest, latest time.Time
}

// causeKey tells causes apart.
type causeKey struct{ class, destination, text string }

// varying is what differs between two reports of one cause: numbers (addresses,
// ports, counts; the status of an answer is in the class), and long words that have
// a digit (ids).
var varying = regexp.MustCompile(`[\pL\d_-]{6,}\d[\pL\d_-]*|\d[\pL\d_-]{6,}|\d+`)

// addCause counts a dead event under its cause.
func addCause(groups map[causeKey]*deathCause, r webhook.Record) {
	var destinations []string
	for _, a := range eventview.LastFailures(r) {
		if a.Destination != "" {
			destinations = append(destinations, a.Destination)
		}
	}
	cause := eventview.Cause(r)
	key := causeKey{r.ErrorClass, strings.Join(destinations, ", "), varying.ReplaceAllString(strings.ToLower(cause), "#")}
	g := groups[key]
	if g == nil {
		g = &deathCause{
			Kind: "cause", ErrorClass: r.ErrorClass, Destination: key.destination, Types: make(map[webhook.Type]int),
			Cause: cause, Example: string(r.ID), oldest: r.DiedAt, latest: r.DiedAt,
		}
		groups[key] = g
	}
	g.Count++
	g.Types[r.Type]++
	if r.DiedAt.Before(g.oldest) {
		g.oldest = r.DiedAt
	}
	if r.DiedAt.After(g.latest) {
		// The latest death is the likeliest to tell how things stand now.
		g.latest, g.Cause, g.Example = r.DiedAt, cause, string(r.ID)
	}
	g.OldestDeath, g.LatestDeath = output.Wire(g.oldest), output.Wire(g.latest)
}

func sorted(groups map[causeKey]*deathCause) []*deathCause {
	return slices.SortedFunc(maps.Values(groups), func(a, b *deathCause) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ErrorClass, b.ErrorClass),
			cmp.Compare(a.Destination, b.Destination), cmp.Compare(a.Cause, b.Cause))
	})
}

// typeCounts names the types, the most frequent first.
func (c *deathCause) typeCounts() string {
	types := slices.SortedFunc(maps.Keys(c.Types), func(a, b webhook.Type) int {
		return cmp.Or(cmp.Compare(c.Types[b], c.Types[a]), cmp.Compare(a, b))
	})
	words := make([]string, 0, len(types))
	for _, typ := range types {
		words = append(words, fmt.Sprintf("%s %s", output.Thousands(c.Types[typ]), typ))
	}
	return strings.Join(words, ", ")
}

// shownCauses bounds what a person is shown; --json has all.
const shownCauses = 20

func showCauses(s *session.Session, causes []*deathCause) {
	widest := 0
	for _, c := range causes {
		widest = max(widest, len(output.Thousands(c.Count)))
	}
	for i, c := range causes {
		s.Line("")
		if i == shownCauses {
			s.Line("  and %s; --json has all", output.Count(len(causes)-i, "other cause", "other causes"))
			return
		}
		where := ""
		if c.Destination != "" {
			where = ", destination " + output.Clean(c.Destination)
		}
		s.Line("  %*s × %s%s", widest, output.Thousands(c.Count), output.Dash(output.Clean(c.ErrorClass)), where)
		indent := strings.Repeat(" ", widest+5)
		s.Wrap(indent+"cause    ", c.Cause)
		s.Wrap(indent+"types    ", c.typeCounts())
		since := "since    "
		if c.Count == 1 {
			since = "died     "
		}
		when := s.When(c.oldest)
		if c.latest.After(c.oldest) {
			when += ", the latest " + s.Ago(c.latest)
		}
		s.Wrap(indent+since, when)
		s.Wrap(indent+"example  ", s.ID(c.Example))
	}
}
