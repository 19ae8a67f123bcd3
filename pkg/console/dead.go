package console

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

var deadPage = page{path: "/dead", file: "dead.html", title: "Dead events", bar: "Dead", key: "d", units: 190, read: readDead}

// What one look counts: by the index alone, the longest dead first; and how many of
// the events behind it are read, for what was answered.
const (
	deadEntries  = 3000
	deadExamples = 20
)

// deadData are the dead events by cause.
type deadData struct {
	Count int
	Cut   bool // there are more than were counted
	Most  int  // that the button counts
	Rows  []deadRow
}

// deadRow is a cause: an error class, of a type, at destinations.
type deadRow struct {
	Class, Type    string
	Count          int
	Oldest, Latest stamp
	Example        string // address of the latest
	Destination    string
	Why            string // of the latest
	Events, Plan   string // addresses
}

// deadKey tells causes apart, as far as the index shows them.
type deadKey struct {
	class string
	typ   webhook.Type
	at    string // the destinations that do not have them
}

type deathCause struct {
	deadKey
	count          int
	oldest, latest time.Time
	example        webhook.EventID
	destinations   []string
}

func readDead(q *request) (any, error) {
	bound := deadEntries
	if q.arg("all") != "" {
		bound = filter.MaxLookByIndex
	}
	d := deadData{Most: filter.MaxLookByIndex}
	groups := map[deadKey]*deathCause{}
	for s, err := range q.st.Ledger.DeadSummaries(q.ctx(), q.clock.Now()) {
		if err != nil {
			return nil, err
		}
		if d.Count == bound {
			d.Cut = true
			break
		}
		d.Count++
		key := deadKey{s.ErrorClass, s.Type, strings.Join(s.DeadAt, ", ")}
		g := groups[key]
		if g == nil {
			g = &deathCause{deadKey: key, oldest: s.DiedAt, destinations: s.DeadAt}
			groups[key] = g
		}
		g.count++
		g.latest, g.example = s.DiedAt, s.ID // the longest dead come first
	}
	q.Server.dead.tell(q, deadTally{d.Count, d.Cut})
	sorted := slices.SortedFunc(maps.Values(groups), func(a, b *deathCause) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.class, b.class), cmp.Compare(a.typ, b.typ), cmp.Compare(a.at, b.at))
	})
	var err error
	d.Rows, err = q.deadRows(sorted)
	return d, err
}

// deadRows reads an example of each of the largest groups.
func (q *request) deadRows(groups []*deathCause) ([]deadRow, error) {
	ids := make([]webhook.EventID, 0, deadExamples)
	for _, g := range groups[:min(len(groups), deadExamples)] {
		ids = append(ids, g.example)
	}
	examples, err := q.st.Ledger.GetMany(q.ctx(), ids)
	if err != nil {
		return nil, err
	}
	rows := make([]deadRow, 0, len(groups))
	for _, g := range groups {
		v := url.Values{"type": {string(g.typ)}, "error_class": {g.class}}
		if g.class == "" {
			v.Del("error_class")
		}
		if len(g.destinations) > 0 {
			v.Set("destination", g.destinations[0])
		}
		row := deadRow{
			Class: output.Clean(g.class), Destination: output.Clean(g.at), Type: string(g.typ), Count: g.count, Oldest: q.at(g.oldest), Latest: q.at(g.latest),
			Example: eventAddress(string(g.example)), Plan: "/redrive?plan=1&" + v.Encode(), Events: "/events?state=dead&" + v.Encode(),
		}
		if r, ok := examples[g.example]; ok {
			row.Why = output.Clean(eventview.Cause(r))
		}
		rows = append(rows, row)
	}
	return rows, nil
}
