package console

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// eventAction is a button of an event.
type eventAction struct {
	Name, Path, Key string
	Danger          bool
}

// moveWords are how a move of one event is offered, asked and told.
type moveWords struct {
	move    operator.Move
	name    string // of the button
	key     string
	will    string // what it will do
	settled string // the same, of an event that is settled
	done    string
	danger  bool
}

var moveActions = []moveWords{
	{
		move: operator.Replay, name: "Replay", key: "r", done: "The event is on its way again.",
		will:    "It is brought back with a new budget of attempts, at once. Destinations that confirmed it are left out.",
		settled: "It is delivered once more, to every destination that is configured now and wants it.",
	},
	{
		move: operator.Release, name: "Release", done: "The event is on its way.", danger: true,
		will: "It is delivered although its body's secret_key is not trusted. Do it only if you know the event to be real; after a change of the API key, trust the key instead.",
	},
	{
		move: operator.Park, name: "Park", done: "The event is parked.",
		will: "It is set aside: no redrive takes it and it owes nothing, until it is replayed.",
	},
	{move: operator.Discard, name: "Discard", done: "The event is discarded.", danger: true, will: "It is given up for good. Nothing brings it back."},
}

// actionsOf are the buttons that fit where an event stands.
func actionsOf(r webhook.Record) []eventAction {
	if r.Erased() {
		return nil
	}
	var all []eventAction
	for _, m := range moveActions {
		if slices.Contains(m.move.From(), r.State) {
			all = append(all, eventAction{m.name, eventAddress(string(r.ID)) + "/" + string(m.move), m.key, m.danger})
		}
	}
	if len(waitsFor(r)) > 0 {
		all = append(all, eventAction{Name: "Send to…", Path: eventAddress(string(r.ID)) + "/send-to"})
	}
	return all
}

// theEvent is the page to go back to from an action of an event.
func theEvent(q *request) string { return eventAddress(q.PathValue("id")) }

// moves are the actions of the moves.
func moves() []action {
	var all []action
	for _, m := range moveActions {
		all = append(all, moveAction(m))
	}
	return all
}

func moveAction(m moveWords) action {
	return action{
		path: "/events/{id}/" + string(m.move), name: string(m.move), back: theEvent,
		ask: func(q *request) (*question, error) { return askMove(q, m) },
		do:  func(q *request) (*done, error) { return doMove(q, m) },
	}
}

func askMove(q *request, m moveWords) (*question, error) {
	rec, err := q.event()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(m.move.From(), rec.State) || rec.Erased() {
		return nil, unfit(rec, m.move)
	}
	settled := rec.State == webhook.Delivered || rec.State == webhook.Unrouted
	will := m.will
	if settled {
		will = m.settled
	}
	asked := question{
		Title: m.name + " 1 event", Button: m.name, Danger: m.danger, Back: theEvent(q), Fields: seenFields(rec),
		Says: []string{describe(rec), will},
	}
	if m.move == operator.Replay {
		asked.Says = append(asked.Says, "Idempotency key: "+rec.IdempotencyKey()+". A destination that dedupes by it applies the event once.")
		if settled {
			asked.Checks = []check{{Name: "again", Label: "Under a new key, because the effect itself is wanted again"}}
		}
	}
	return &asked, nil
}

func doMove(q *request, m moveWords) (*done, error) {
	rec, err := q.seenEvent()
	if err != nil {
		return nil, err
	}
	report, err := q.st.Operator.Do(q.ctx(), operator.Request{
		Move: m.move, Events: []webhook.Record{rec}, Again: q.arg("again") != "", Confirmed: true,
	})
	if err != nil {
		return nil, err
	}
	r := report.Results[0]
	d := done{To: theEvent(q), On: string(rec.ID), Notice: notice{Text: m.done}}
	switch r.Outcome {
	case operator.Done:
	case operator.UnderWay:
		d.Notice.Text = "It was left alone: it is on its way already."
	case operator.Unfit:
		return nil, unfit(r.Seen, m.move)
	case operator.Changed, operator.Missing, operator.Unclear, operator.Failed:
		return nil, r.Err
	}
	if r.Unsent != nil {
		d.Notice.Text += " The worker could not be told: the sweeper does it in about " + output.Span(q.st.Grace) + "."
	}
	if r.BodyKept != nil {
		d.Notice.Text += " Its large body was not marked for deletion: " + problem.Words(r.BodyKept) + "."
	}
	return &d, nil
}

func unfit(r webhook.Record, move operator.Move) error {
	if r.Erased() {
		return problem.Failed(webhook.ErrChanged, "the event was erased: nothing can be done with it")
	}
	return problem.Failed(webhook.ErrChanged, "the event is %s; %s is for %s events", r.State, move, output.Join(move.From()))
}

// describe is an event in one line, for a question.
func describe(r webhook.Record) string {
	return fmt.Sprintf("%s of %s, %s, %s.", r.Type, output.OrText(output.Clean(r.LeadEmail), "no lead"), r.State, output.ShortID(string(r.ID)))
}

// seenFields are what a form carries of the event as it was seen.
func seenFields(r webhook.Record) []field {
	return []field{
		{"state", string(r.State)}, {"death", strconv.Itoa(r.Death)}, {"generation", strconv.Itoa(r.Generation)}, {"lease", strconv.Itoa(r.LeaseNumber)},
	}
}

// seenEvent is the event of the address, if it stands as the form has seen it. It
// returns webhook.ErrChanged, wrapped, if not.
func (q *request) seenEvent() (webhook.Record, error) {
	rec, err := q.event()
	if err != nil {
		return rec, err
	}
	for _, f := range seenFields(rec) {
		if q.PostFormValue(f.Name) != f.Value {
			return rec, problem.Failed(webhook.ErrChanged, "nothing was done: %s, now %s", output.ShortID(string(rec.ID)), rec.State)
		}
	}
	return rec, nil
}

// waitsFor names the destinations that an event could be handed over from.
func waitsFor(r webhook.Record) []string {
	var names []string
	for _, d := range r.Destinations {
		if r.HandsOver(d.Name) {
			names = append(names, d.Name)
		}
	}
	return names
}

var sendToAction = action{path: "/events/{id}/send-to", name: "send to another destination", back: theEvent, ask: askSendTo, do: sendTo}

func askSendTo(q *request) (*question, error) {
	rec, err := q.event()
	if err != nil {
		return nil, err
	}
	from := waitsFor(rec)
	if len(from) == 0 {
		return nil, problem.Failed(webhook.ErrChanged, "the event is %s, and waits for no destination", rec.State)
	}
	configured, err := q.st.Destinations.List(q.ctx())
	if err != nil {
		return nil, err
	}
	var to []string
	for _, entry := range configured {
		if !slices.ContainsFunc(rec.Destinations, func(p webhook.Progress) bool { return p.Name == entry.Name }) {
			to = append(to, entry.Name)
		}
	}
	slices.Sort(to)
	if len(to) == 0 {
		return nil, problem.NotFound("there is no other destination: the event has been to all that are configured").Hint("add one on the page Destinations")
	}
	asked := question{
		Title: "Send 1 event to another destination", Button: "Send", Back: theEvent(q), Fields: seenFields(rec),
		Says:    []string{describe(rec), "The other destination gets it instead of the one that it waits for, under the key " + rec.IdempotencyKey() + "."},
		Choices: []choice{{Name: "from", Label: "Instead of", Options: from}, {Name: "to", Label: "To", Options: to}},
	}
	if rec.State != webhook.Pending {
		asked.Says = append(asked.Says, "It is brought back with a new budget of attempts, at once.")
	}
	return &asked, nil
}

func sendTo(q *request) (*done, error) {
	rec, err := q.seenEvent()
	if err != nil {
		return nil, err
	}
	from, to := q.PostFormValue("from"), q.PostFormValue("to")
	configured, err := q.st.Destinations.List(q.ctx())
	if err != nil {
		return nil, err
	}
	known := slices.ContainsFunc(configured, func(e sourcestore.Entry) bool { return e.Name == to })
	if !known || !slices.Contains(waitsFor(rec), from) {
		return nil, problem.Usage("the event cannot be sent from %s to %s", output.Clean(from), output.Clean(to))
	}
	over := q.st.Operator.HandOver(q.ctx(), []webhook.EventID{rec.ID}, from, to, nil)
	switch {
	case over.Failure != nil:
		return nil, over.Failure
	case len(over.Done) == 0:
		return nil, problem.Failed(webhook.ErrChanged, "nothing was done")
	}
	rec = over.Done[0]
	d := done{To: theEvent(q), On: string(rec.ID) + " to " + to, Notice: notice{Text: "It waits for " + to + " instead of " + from + " now."}}
	if p := rec.At(to); p.Result.Settled() {
		d.Notice.Text = to + " had it before, or did not want it; it waits for " + from + " no more."
	}
	if rec.State == webhook.Pending {
		return &d, nil
	}
	report, err := q.st.Operator.Do(q.ctx(), operator.Request{Move: operator.Replay, Events: []webhook.Record{rec}, Confirmed: true})
	if err == nil {
		err = report.Results[0].Err
	}
	if err != nil {
		return nil, problem.Failed(err, "it waits for %s now, and was not brought back", to).Hint("replay it")
	}
	d.Notice.Text += " It is on its way again."
	return &d, nil
}

var splitAction = action{path: "/events/{id}/split/{fingerprint}", name: "split", back: theEvent, ask: askSplit, do: split}

func (q *request) chosenVariant() (webhook.Record, webhook.Variant, error) {
	rec, err := q.event()
	if err != nil {
		return rec, webhook.Variant{}, err
	}
	list, err := q.st.Ledger.Variants(q.ctx(), rec.ID)
	if err != nil {
		return rec, webhook.Variant{}, err
	}
	v, err := operator.ChooseVariant(list, q.PathValue("fingerprint"))
	if err != nil {
		return rec, v, problem.NotFound("the event has no such variant")
	}
	return rec, v, nil
}

func askSplit(q *request) (*question, error) {
	rec, v, err := q.chosenVariant()
	if err != nil {
		return nil, err
	}
	asked := question{
		Title: "Split 1 variant", Button: "Split", Back: theEvent(q), Says: []string{
			describe(rec), "The other body becomes an event of its own, with an id and an idempotency key of its own, and is delivered to every destination that wants it.",
		},
	}
	if operator.Untrusted(v) {
		asked.Danger = true
		asked.Says = append(asked.Says, "Its secret_key is not trusted: do it only if you know it to be real.")
	}
	return &asked, nil
}

func split(q *request) (*done, error) {
	_, v, err := q.chosenVariant()
	if err != nil {
		return nil, err
	}
	made, err := q.st.Operator.Split(q.ctx(), v, true)
	var held *operator.SplitHeldError
	if errors.As(err, &held) {
		return nil, problem.Failed(held.Err, "it is an event of its own, %s, and is held", held.ID).Hint("open that event and release it")
	}
	if err != nil {
		return nil, err
	}
	d := done{To: eventAddress(string(made.ID)), On: string(v.ID) + " " + v.Fingerprint, Notice: notice{Text: "This is the event that the variant has become."}}
	switch {
	case made.UnderWay:
	case made.Event.State == "":
		d.To, d.Notice.Text = theEvent(q), "It was split before, and that event has expired since."
	default:
		d.Notice.Text = strings.TrimSpace("It was split before. This is its event, " + eventview.Headline(q.clock, made.Event))
	}
	return &d, nil
}
