package console

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/webhook"
)

// replayAllAction replays all that a filter of the list matches: dead events by a
// redrive, the others by a replay that has a pace of its own.
var replayAllAction = action{path: replayAllPath, name: replayAllName, back: theList, units: 6000, ask: askReplayAll, do: doReplayAll}

const (
	replayAllPath, replayAllName = "/events/replay", "replay all"
	// maxByID is how many events one redrive takes by their ids.
	maxByID = 500
	// maxLookAll bounds the entries of an index that are looked at to count what matches.
	maxLookAll = 20_000
	// instant is the form of the time since which nothing has moved, in milliseconds, as
	// the ledger keeps it.
	instant = "2006-01-02T15:04:05.000Z"
)

// planned are the parts of a filter that a redrive has, too. Its destination is the one
// at which an event died.
var planned = []string{"state", "type", "source", "campaign", "account", "error_class", "destination"}

// filterQuery is the filter of the address, for the ledger.
func (q *request) filterQuery() (eventFilter, ledger.Query, error) {
	f := q.filterOf()
	if len(f.Set) == 0 {
		return f, ledger.Query{}, problem.Usage("there is no filter: it says which events are meant").Hint("set one in Events first")
	}
	query, err := f.Query(q.clock.Now().In(q.zone))
	query.Oldest = true
	return f, query, err
}

// Text is the filter in words.
func (f eventFilter) Text() string {
	var parts []string
	for _, s := range f.Set {
		parts = append(parts, s.Name+" "+output.Clean(s.Value))
	}
	return strings.Join(parts, ", ")
}

// planOf is the address of the plan of a redrive with the filter; "" where a redrive has
// no such filter.
func (f eventFilter) planOf() string {
	form := planForm{"plan": "1"}
	for _, s := range f.Set {
		if !slices.Contains(planned, s.Name) {
			return ""
		}
		if s.Name != "state" {
			form[s.Name] = s.Value
		}
	}
	return "/redrive?" + form.Query()
}

// all reads what a query matches, the oldest first, and refuses more than most.
func (q *request) all(query ledger.Query, most int) ([]webhook.Record, error) {
	bound := operator.MaxPaced + 1
	if byIndex(query) {
		bound = maxLookAll
	}
	var records []webhook.Record
	w, err := filter.Walk(q.ctx(), q.st.Ledger, query, most+1, bound, func(r webhook.Record) error {
		records = append(records, r)
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(records) > most:
		return nil, problem.Usage("more than %s events match; so many are taken at once", output.Thousands(most)).
			Hint("narrow the filter, such as by Since and Until, and take the rest afterwards")
	case w.Next != "":
		return nil, problem.Usage("looked at %s without reaching the end of what the filter covers", w.What()).
			Hint("narrow it by Since and Until, a lead or a campaign")
	}
	return records, nil
}

func askReplayAll(q *request) (*question, error) {
	f, query, err := q.filterQuery()
	if err != nil {
		return nil, err
	}
	switch query.State {
	case webhook.Dead:
		if plan := f.planOf(); plan != "" {
			return nil, &elsewhere{plan}
		}
		return askRedriveByID(q, f, query)
	case webhook.Pending, webhook.Processing:
		return nil, problem.Failed(webhook.ErrChanged, "events that are %s are on their way already", query.State)
	case webhook.Held, webhook.Discarded:
		return nil, problem.Failed(webhook.ErrChanged, "no replay is for events that are %s", query.State).
			Hint("held ones are released: select them, or trust the key of their source")
	case "", webhook.Delivered, webhook.Unrouted, webhook.Parked:
	}
	m, err := q.matched(query, q.arg("seen"))
	if err != nil {
		return nil, err
	}
	return m.question(q, f)
}

// matched are the events that a filter matches, by what a replay does with them.
type matched struct {
	fit    []webhook.Record
	dead   []webhook.Record
	others []webhook.Record
	moved  int // since they were counted first
	since  time.Time
}

// matched reads what a query matches, but for what has moved since; "": now is when it
// is counted first.
func (q *request) matched(query ledger.Query, since string) (matched, error) {
	var m matched
	records, err := q.all(query, operator.MaxPaced)
	if err != nil {
		return m, err
	}
	all := len(records)
	if since == "" {
		m.since = operator.LastMoved(records)
	} else {
		if m.since, err = time.Parse(instant, since); err != nil {
			return m, errBadAddress
		}
		records = operator.Unmoved(records, m.since)
		m.moved = all - len(records)
	}
	for _, r := range records {
		switch {
		case r.State == webhook.Dead && !r.Erased():
			m.dead = append(m.dead, r)
		case !r.Erased() && slices.Contains(operator.Replay.From(), r.State):
			m.fit = append(m.fit, r)
		default:
			m.others = append(m.others, r)
		}
	}
	return m, nil
}

// rates are the paces that are offered, in events a second.
var rates = []string{strconv.Itoa(operator.PacedRate), strconv.Itoa(operator.MinRate), "20", strconv.Itoa(operator.MaxRate)}

func (m matched) question(q *request, f eventFilter) (*question, error) {
	if len(m.fit) == 0 {
		text := "no event matches that a replay is for"
		if m.moved > 0 {
			text = "nothing is left of it: all that matches was moved since it was counted"
		}
		err := problem.NotFound("%s", text)
		if len(m.dead) > 0 {
			err = err.Hint("%s dead: filter by that state, and press the same again for a redrive", output.Count(len(m.dead), "is", "are"))
		}
		return nil, err
	}
	events := output.Count(len(m.fit), "event", "events")
	replay := moveActions[0]
	asked := question{
		Title: "Replay " + events, Button: "Replay " + events, Back: theList(q),
		Says:    append([]string{f.Text() + ": " + byState(m.fit) + "."}, replay.effects(m.fit)...),
		Fields:  []field{{"count", strconv.Itoa(len(m.fit))}, {"seen", m.since.UTC().Format(instant)}},
		Choices: []choice{{Name: "rate", Label: "Events a second, at most", Options: rates}},
		Checks:  []check{{Name: "again", Label: "Delivered and unrouted events: under new keys, because the effect itself is wanted again", On: q.arg("again") != ""}},
	}
	say := func(n int, format string, args ...any) {
		if n > 0 {
			asked.Says = append(asked.Says, fmt.Sprintf(format, args...))
		}
	}
	say(1, "Each goes under its own idempotency key, the event's id, so that a destination that dedupes by it applies the event once.")
	say(1, "The oldest go first, few at a time: while 20 have not ended, no more go, and it stops where five die. It runs in this console, at 5 a second for about %s; one that is stopped or cut off goes on with the rest.",
		output.Span(time.Duration(len(m.fit))*time.Second/operator.PacedRate))
	if f.Since == "" && f.Lead == "" && (f.State == "" || f.State == string(webhook.Delivered)) {
		say(1, "Of the last 31 days: without Since, a filter reaches no further.")
	}
	say(m.moved, "%s since this was counted first, and left out.", output.Count(m.moved, "other was moved", "others were moved"))
	say(len(m.dead), "%s that match are not among them: filter by that state, and press the same again for a redrive.", output.Count(len(m.dead), "dead event", "dead events"))
	say(len(m.others), "%s left as they stand: %s.", output.Count(len(m.others), "more is", "more are"), byState(m.others))
	return &asked, nil
}

func doReplayAll(q *request) (*done, error) {
	f, query, err := q.filterQuery()
	if err != nil {
		return nil, err
	}
	if query.State == webhook.Dead {
		return doRedriveByID(q, f)
	}
	agreed, err := strconv.Atoi(q.PostFormValue("count"))
	if err != nil {
		return nil, problem.Usage("the form does not say how many events were agreed to")
	}
	rate, err := strconv.ParseFloat(q.PostFormValue("rate"), 64)
	if err != nil {
		return nil, problem.Usage("%v", operator.ErrRate)
	}
	m, err := q.matched(query, q.PostFormValue("seen"))
	switch {
	case err != nil:
		return nil, err
	case len(m.fit) == 0:
		return nil, problem.Failed(webhook.ErrChanged, "nothing was done: all of them were moved meanwhile")
	case len(m.fit) > agreed:
		return nil, problem.Failed(webhook.ErrChanged, "nothing was done: %s now, and you agreed to %s",
			output.Count(len(m.fit), "event matches", "events match"), output.Thousands(agreed)).Hint("look at the question again")
	}
	p := operator.Paced{Events: m.fit, Rate: rate, Again: q.PostFormValue("again") != "", Confirmed: true}
	if err := p.Check(); err != nil {
		return nil, problem.Usage("%v", err)
	}
	run, err := q.startReplay(f, m.since, p)
	if err != nil {
		return nil, err
	}
	said := "Started: " + output.Count(len(m.fit), "event", "events") + ", at most " + strconv.FormatFloat(rate, 'g', -1, 64) + " a second."
	if left := agreed - len(m.fit); left > 0 {
		said += " " + output.Count(left, "was moved", "were moved") + " meanwhile and left out."
	}
	return &done{To: run.path, On: f.Text(), Notice: notice{Text: said}}, nil
}

// askRedriveByID asks for a redrive of what is dead by a filter that a redrive has not:
// each event by its id.
func askRedriveByID(q *request, f eventFilter, query ledger.Query) (*question, error) {
	records, err := q.all(query, maxByID)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, redrive.ErrNothing
	}
	o := redrive.Request{}
	asked := question{Back: theList(q)}
	for _, r := range records {
		o.Filter.IDs = append(o.Filter.IDs, r.ID)
		asked.Fields = append(asked.Fields, field{"id", string(r.ID)})
	}
	p, err := q.st.Redrive.Plan(q.ctx(), o)
	switch {
	case err != nil:
		return nil, err
	case p.Release+p.Park == 0:
		return nil, redrive.ErrNothing
	}
	events := output.Count(p.Release, "dead event", "dead events")
	asked.Title, asked.Button = "Bring "+events+" back", "Bring "+events+" back"
	asked.Says = []string{
		f.Text() + ": " + events + " go back to work, in about " + output.Span(p.Estimate) + " if the destination keeps up. Each has its own idempotency key, unchanged.",
		"It is a redrive: a few go first. It slows down, holds and stops by itself where they fail; you can pause and cancel it.", eventview.NotApplied,
	}
	if p.Park > 0 {
		asked.Says = append(asked.Says, output.Count(p.Park, "event", "events")+" that were redriven too often before are parked.")
	}
	return &asked, nil
}

func doRedriveByID(q *request, f eventFilter) (*done, error) {
	o := redrive.Request{}
	for _, text := range q.PostForm["id"] {
		id, err := webhook.ParseEventID(text)
		if err != nil {
			return nil, errBadAddress
		}
		o.Filter.IDs = append(o.Filter.IDs, id)
	}
	if len(o.Filter.IDs) == 0 {
		return nil, problem.Usage("the form does not say which events were agreed to")
	}
	if err := o.Validate(); err != nil {
		return nil, problem.Usage("%v", err)
	}
	job, err := q.st.Redrive.Start(q.ctx(), o)
	if errors.Is(err, redrive.ErrActive) {
		return nil, problem.Failed(err, "nothing was started").Hint("one redrive runs at a time: see it, or cancel it, on the page Redrive")
	}
	if err != nil {
		return nil, err
	}
	return &done{To: jobPath(job.ID), On: f.Text(), Notice: notice{
		Text: "Started: " + output.Count(job.Counts.Planned, "event", "events") + ". The redrive function takes it up within a minute.",
	}}, nil
}
