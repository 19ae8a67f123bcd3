package console

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/webhook"
)

// maxSelected bounds the events of one selection: to read one takes a unit, to move it
// a few more, one after the other.
const maxSelected = 200

// movedPage has the template of what a move of several events did.
var movedPage = page{file: "moved.html", under: eventsPath}

// selectedMoves are the moves of what was selected in a list.
func selectedMoves() []action {
	var all []action
	for _, m := range moveActions {
		all = append(all, action{
			path: "/events/selected/" + string(m.move), name: string(m.move), back: theList, shows: &movedPage, units: 2 * maxSelected,
			ask: func(q *request) (*question, error) { return askSelected(q, m) },
			do:  func(q *request) (*done, error) { return doSelected(q, m) },
		})
	}
	return all
}

// theList is the list of events that the selection was made in.
func theList(q *request) string { return eventsAddress(q.filterValues()) }

// selection reads the ids that a list, or a question, has sent.
func (q *request) selection(texts []string) ([]webhook.EventID, error) {
	var ids []webhook.EventID
	for _, text := range texts {
		id, err := webhook.ParseEventID(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %s is no id of an event", errBadAddress, output.Clean(text))
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	switch {
	case len(ids) == 0:
		return nil, problem.Usage("no event is selected").Hint("tick the boxes of the rows, or press x on them")
	case len(ids) > maxSelected:
		return nil, problem.Usage("%s events are selected; one move takes %d", output.Thousands(len(ids)), maxSelected).
			Hint("to replay all that a filter matches, press Replay all there: that has a pace")
	}
	return ids, nil
}

// askedEvent is an event in a question about several.
type askedEvent struct {
	Path, Type, Lead, Key, Will string
	State                       mark
}

func askSelected(q *request, m moveWords) (*question, error) {
	ids, err := q.selection(q.URL.Query()["id"])
	if err != nil {
		return nil, err
	}
	found, err := q.st.Ledger.GetMany(q.ctx(), ids)
	if err != nil {
		return nil, err
	}
	asked := question{Danger: m.danger, Back: theList(q)}
	var fit []webhook.Record
	for _, id := range ids {
		rec, there := found[id]
		row := q.askedEvent(rec)
		switch {
		case !there:
			row.Type, row.Will = output.ShortID(string(id)), "it is gone"
		case !m.fits(rec) && m.move == operator.Replay && !rec.Finished():
			row.Will = "left alone: it is on its way already"
		case !m.fits(rec):
			row.Will = "left as it is: " + wording.Unfit(q.Self, rec, m.move)
		default:
			row.Will = m.short(rec)
			fit = append(fit, rec)
			asked.Fields = append(asked.Fields, field{"seen", string(rec.ID) + " " + seenText(rec)})
		}
		asked.Events = append(asked.Events, row)
	}
	if len(fit) == 0 {
		return nil, problem.Failed(webhook.ErrChanged, "%s is for %s events, and none of the %d that are selected is one",
			m.move, output.Join(m.move.From()), len(ids))
	}
	events := output.Count(len(fit), "event", "events")
	asked.Title, asked.Button = m.name+" "+events, m.name+" "+events
	asked.Says = append([]string{byState(fit) + "."}, m.effects(fit)...)
	if left := len(ids) - len(fit); left > 0 {
		asked.Says = append(asked.Says, output.Count(left, "other is", "others are")+" left as it stands: the table says why.")
	}
	if m.move == operator.Replay {
		asked.Says = append(asked.Says, "They are sent at once, without a pace; each under the key that the table shows. A destination that dedupes by it applies the event once.")
		if slices.ContainsFunc(fit, func(r webhook.Record) bool { return r.State.Settled() }) {
			asked.Checks = []check{{Name: "again", Label: "Delivered and unrouted events: under new keys, because the effect itself is wanted again"}}
		}
	}
	return &asked, nil
}

func (q *request) askedEvent(r webhook.Record) askedEvent {
	return askedEvent{
		Path: eventAddress(string(r.ID)), Type: output.Clean(eventview.TypeText(string(r.Type), r.RawType)), Lead: output.Clean(r.LeadEmail),
		Key: r.IdempotencyKey(), State: markOf(r.State),
	}
}

// fits tells whether the move is for an event as it stands.
func (m moveWords) fits(r webhook.Record) bool {
	return !r.Erased() && slices.Contains(m.move.From(), r.State)
}

// short says in a few words what the move does with an event that it is for.
func (m moveWords) short(r webhook.Record) string {
	switch m.move {
	case operator.Replay:
		if r.State.Settled() {
			return "delivered once more"
		}
		return "brought back"
	case operator.Park:
		return "set aside"
	case operator.Discard:
		return "given up for good"
	case operator.Release:
		return "delivered, although not trusted"
	case operator.Unpark:
	}
	return string(m.move)
}

// effects are what the move does, each once.
func (m moveWords) effects(fit []webhook.Record) []string {
	settled, others := false, false
	for _, r := range fit {
		settled = settled || r.State.Settled() && m.settled != ""
		others = others || !r.State.Settled() || m.settled == ""
	}
	var says []string
	if others {
		says = append(says, "Each: "+m.will)
	}
	if settled {
		says = append(says, "Each that is delivered or unrouted: "+m.settled)
	}
	return says
}

// byState counts events by where they stand.
func byState(records []webhook.Record) string {
	counts := make(map[webhook.State]int)
	for _, r := range records {
		counts[r.State]++
	}
	var parts []string
	for _, state := range webhook.States {
		if n := counts[state]; n > 0 {
			parts = append(parts, output.Thousands(n)+" "+string(state))
		}
	}
	return strings.Join(parts, ", ")
}

// seenText is an event as a form carries it: it differs whenever somebody has moved it.
func seenText(r webhook.Record) string {
	var parts []string
	for _, f := range seenFields(r) {
		parts = append(parts, f.Value)
	}
	return strings.Join(parts, " ")
}

// movedView is what a move of several events did.
type movedView struct {
	Title, Back string
	Says        []string
	Rows        []movedRow
	failed      bool // of all
}

// movedRow is what became of one event.
type movedRow struct {
	Path, Type, Lead, Result, Why string
	Was, Is                       mark
	Bad                           bool
}

func (v movedView) PageTitle() string { return v.Title }

// Status tells of a move that moved nothing.
func (v movedView) Status() int {
	if v.failed {
		return http.StatusConflict
	}
	return http.StatusOK
}

func doSelected(q *request, m moveWords) (*done, error) {
	results, err := q.moveSeen(m.move, q.PostForm["seen"], q.PostFormValue("again") != "")
	if err != nil {
		return nil, err
	}
	v := movedView{Back: theList(q), failed: true}
	d := done{Show: &v}
	counts := map[string]int{}
	for _, r := range results {
		row := q.movedRow(r, m.move)
		v.Rows = append(v.Rows, row)
		counts[row.Result]++
		v.failed = v.failed && row.Bad
		if r.BodyKept != nil {
			v.Says = append(v.Says, "The large body of "+output.ShortID(string(r.Seen.ID))+" was not marked for deletion: "+problem.Words(r.BodyKept)+".")
		}
		d.Each = append(d.Each, eachDone{On: string(r.Seen.ID), Result: strings.Trim(row.Result+": "+row.Why, ": ")})
	}
	if n := (operator.Report{Results: results}).Unsent(); n > 0 {
		v.Says = append(v.Says, output.Count(n, "event", "events")+" could not be told to the worker: the sweeper does it in about "+output.Span(q.st.Grace)+".")
	}
	v.Title = m.name + ": " + resultText(counts)
	return &d, nil
}

// resultText counts what became of events, in the order that matters.
func resultText(counts map[string]int) string {
	var parts []string
	for _, result := range []string{"done", "left", "changed meanwhile", "unclear", "failed", "not tried"} {
		if n := counts[result]; n > 0 {
			parts = append(parts, output.Thousands(n)+" "+result)
		}
	}
	return strings.Join(parts, ", ")
}

// moveSeen moves the events that stand as a form has seen them, in its order. Each of
// the others is a result of its own.
func (q *request) moveSeen(move operator.Move, seen []string, again bool) ([]operator.Result, error) {
	was := map[webhook.EventID]string{}
	texts := make([]string, 0, len(seen))
	for _, s := range seen {
		id, stood, _ := strings.Cut(s, " ")
		was[webhook.EventID(id)] = stood
		texts = append(texts, id)
	}
	ids, err := q.selection(texts)
	if err != nil {
		return nil, err
	}
	found, err := q.st.Ledger.GetMany(q.ctx(), ids)
	if err != nil {
		return nil, err
	}
	results := map[webhook.EventID]operator.Result{}
	req := operator.Request{Move: move, Again: again, Confirmed: true}
	for _, id := range ids {
		switch rec, there := found[id]; {
		case !there:
			results[id] = operator.Result{Seen: webhook.Record{ID: id}, Outcome: operator.Missing, Err: webhook.ErrNotFound}
		case seenText(rec) != was[id]:
			before := rec
			before.State = webhook.State(output.Clean(strings.Fields(was[id] + " ?")[0]))
			results[id] = operator.Result{Seen: before, Now: rec, Outcome: operator.Changed, Err: webhook.ErrChanged}
		default:
			req.Events = append(req.Events, rec)
		}
	}
	if len(req.Events) > 0 {
		report, err := q.st.Operator.Do(q.ctx(), req)
		if err != nil {
			return nil, err
		}
		for _, r := range report.Results {
			results[r.Seen.ID] = r
		}
		for _, r := range report.Untried {
			results[r.ID] = operator.Result{Seen: r, Now: r, Outcome: operator.Failed, Err: errUntried}
		}
	}
	all := make([]operator.Result, 0, len(ids))
	for _, id := range ids {
		all = append(all, results[id])
	}
	return all, nil
}

// errUntried: the browser went away before an event's turn.
var errUntried = errors.New("not tried: the page was closed before")

func (q *request) movedRow(r operator.Result, move operator.Move) movedRow {
	result, why := wording.Moved(q.Self, r, move)
	switch {
	case r.Outcome == operator.Changed:
		result = "changed meanwhile"
	case r.Outcome == operator.Unclear:
		result = "unclear"
	case errors.Is(r.Err, errUntried):
		result = "not tried"
	}
	row := movedRow{
		Path: eventAddress(string(r.Seen.ID)), Type: output.Clean(eventview.TypeText(string(r.Seen.Type), r.Seen.RawType)), Lead: output.Clean(r.Seen.LeadEmail),
		Result: result, Why: output.Clean(why), Was: markOf(r.Seen.State), Is: markOf(r.Now.State), Bad: result != "done" && result != "left",
	}
	if r.Outcome == operator.Missing {
		row.Type, row.Path, row.Why = output.ShortID(string(r.Seen.ID)), "", "there is no such event any more"
	}
	return row
}

// chosen are the boxes of a list, and the bar of what can be done with those ticked.
type chosen struct {
	Moves  []chosenMove
	Most   int
	Filter []field // the list's, so that the way back leads to it
}

type chosenMove struct{ Name, Path, Key string }

func chosenOf(set []setFilter) chosen {
	c := chosen{Most: maxSelected}
	for _, m := range moveActions {
		c.Moves = append(c.Moves, chosenMove{m.name, "/events/selected/" + string(m.move), m.key})
	}
	slices.SortStableFunc(c.Moves, func(a, b chosenMove) int { return slices.Index(barOrder, a.Name) - slices.Index(barOrder, b.Name) })
	for _, f := range set {
		c.Filter = append(c.Filter, field{f.Name, f.Value})
	}
	return c
}

// barOrder is the order of the moves in the bar.
var barOrder = []string{"Replay", "Park", "Discard", "Release"}

// Text of the bar without scripts.
func (c chosen) Text() string { return "At most " + strconv.Itoa(c.Most) + ":" }
