package console

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var overviewPage = page{path: "/", file: "overview.html", title: "Overview", bar: "Overview", key: "o", units: 700, read: readOverview}

// overview is what the first page shows: what is wrong, what arrived of late and what
// became of it, what is dead.
type overview struct {
	Findings panel[[]finding]
	Checkup  checkup
	Counted  cloudCounts
	Recent   panel[recent]
	Dead     panel[deadCount]
	Setup    setup
	Live     string
}

const (
	// recentEvents is how many events the first page reads; each takes a unit.
	recentEvents = 500
	// recentSpan is how far back they may be.
	recentSpan = 31 * 24 * time.Hour
	// latestEvents is how many of them it lists.
	latestEvents = 10
	// countedDead bounds the entries of the index of the dead that are counted.
	countedDead = 3000
)

func readOverview(q *request) (any, error) {
	o := overview{Setup: q.setup(), Live: livePath + eventsPath, Checkup: q.checkup(false)}
	panels(
		fill(q, &o.Findings, q.findings),
		func() { o.Counted = q.cloudCounts() },
		fill(q, &o.Recent, q.recent),
		fill(q, &o.Dead, q.deadCount),
	)
	return o, nil
}

// eventsPath is the address of the page of events.
const eventsPath = "/events"

// finding is something that is wrong, in one line.
type finding struct {
	What, Look, Count string
	Since             stamp
}

func (q *request) findings() ([]finding, error) {
	list, err := q.st.Incidents.List(q.ctx(), incident.Query{Ongoing: true})
	if err != nil {
		return nil, err
	}
	var all []finding
	for _, in := range list {
		all = append(all, finding{What: output.Clean(in.What()), Look: q.firstLook(in), Since: q.at(in.OpenedAt), Count: timesSeen(in)})
	}
	return all, nil
}

// recent is what became of the newest events.
type recent struct {
	Count        int
	Back         stamp // the oldest of them
	All          bool  // there are no more
	Hours        []hour
	Chart        hourChart
	Median, P99  string // from receipt to delivery, of those that were never replayed
	Oldest       string // how long the oldest waits that is on its way
	Destinations []destinationLine
	Sources      []sourceLine
	Rows         []eventRow
}

// destinationLine is how a destination did; sourceLine is when a source was heard of.
type destinationLine struct {
	Name          string
	Last          stamp
	Failed, Tried int
	Cause         string // of the latest that failed

	last, failed time.Time
}

type sourceLine struct {
	Name  string
	Last  stamp
	Count int
}

func (q *request) recent() (recent, error) {
	now := q.clock.Now()
	page, err := q.st.Ledger.List(q.ctx(), ledger.Query{Limit: recentEvents, Since: now.Add(-recentSpan), Now: now})
	if err != nil {
		return recent{}, err
	}
	list := page.Records
	r := recent{Count: len(list), All: page.Next == "", Rows: q.rows(list[:min(len(list), latestEvents)])}
	if len(list) == 0 {
		return r, nil
	}
	r.Back = q.at(list[len(list)-1].ReceivedAt)
	r.Hours = q.hours(list)
	r.Chart = chartOf(r.Hours)
	r.Median, r.P99 = delays(list)
	for _, rec := range list {
		if !rec.Finished() {
			r.Oldest = output.Span(now.Sub(rec.ReceivedAt))
		}
	}
	r.Destinations, r.Sources = q.lines(list)
	return r, nil
}

// delays are the median and the 99th percentile from receipt to delivery.
func delays(list []webhook.Record) (median, p99 string) {
	var all []time.Duration
	for _, r := range list {
		if r.State == webhook.Delivered && r.Generation == 0 && r.Redrives == 0 && !r.DeliveredAt.IsZero() {
			all = append(all, r.DeliveredAt.Sub(r.ReceivedAt))
		}
	}
	if len(all) == 0 {
		return "", ""
	}
	slices.Sort(all)
	return output.Span(all[len(all)/2]), output.Span(all[min(len(all)-1, len(all)*99/100)])
}

func (q *request) lines(list []webhook.Record) ([]destinationLine, []sourceLine) {
	destinations, sources := map[string]*destinationLine{}, map[string]*sourceLine{}
	for _, r := range list { // the newest first
		s := sources[r.Source]
		if s == nil {
			s = &sourceLine{Name: r.Source, Last: q.at(r.ReceivedAt)}
			sources[r.Source] = s
		}
		s.Count++
		for _, a := range r.History {
			if a.Destination == "" || a.Result == webhook.ResultUnrouted || a.Result == webhook.ResultRemoved {
				continue
			}
			d := destinations[a.Destination]
			if d == nil {
				d = &destinationLine{Name: a.Destination}
				destinations[a.Destination] = d
			}
			d.Tried++
			failed := a.Result != webhook.ResultDelivered
			if failed {
				d.Failed++
			}
			if !a.StartedAt.Before(d.last) {
				d.last, d.Last = a.StartedAt, q.at(a.StartedAt)
			}
			if failed && !a.StartedAt.Before(d.failed) {
				d.failed, d.Cause = a.StartedAt, eventview.FailureText(a.ErrorClass, a.Error, a.Status)
			}
		}
	}
	byName := func(a, b *destinationLine) int { return cmp.Compare(a.Name, b.Name) }
	var tos []destinationLine
	for _, d := range slices.SortedFunc(maps.Values(destinations), byName) {
		tos = append(tos, *d)
	}
	var froms []sourceLine
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		froms = append(froms, *sources[name])
	}
	return tos, froms
}

// deadCount are dead events by cause and type.
type deadCount struct {
	Groups []deadGroup
	Total  string // 3,000+ where there are more
}

type deadGroup struct {
	Class, Type string
	Count       int
	Latest      stamp

	latest time.Time
}

func (q *request) deadCount() (deadCount, error) {
	groups := map[[2]string]*deadGroup{}
	n, more := 0, false
	for d, err := range q.st.Ledger.DeadSummaries(q.ctx(), q.clock.Now().Add(time.Hour)) {
		if err != nil {
			return deadCount{}, err
		}
		if more = n == countedDead; more {
			break
		}
		n++
		key := [2]string{d.ErrorClass, string(d.Type)}
		g := groups[key]
		if g == nil {
			g = &deadGroup{Class: d.ErrorClass, Type: string(d.Type)}
			groups[key] = g
		}
		g.Count++
		if d.DiedAt.After(g.latest) {
			g.latest, g.Latest = d.DiedAt, q.at(d.DiedAt)
		}
	}
	tally := deadTally{n, more}
	q.Server.dead.tell(q, tally)
	c := deadCount{Total: tally.String()}
	for _, g := range slices.SortedFunc(maps.Values(groups), func(a, b *deadGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Type, b.Type))
	}) {
		c.Groups = append(c.Groups, *g)
	}
	return c, nil
}
