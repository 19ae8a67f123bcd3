package console

import (
	"context"
	"fmt"
	"slices"

	"smartlead-receiver/pkg/cli/destcare"
	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/webhook"
)

var (
	rotateAction = action{path: "/destinations/{name}/rotate", name: "destinations rotate", back: toDestinations, shows: &secretPage, ask: askRotate, do: doRotate}
	removeAction = action{path: "/destinations/{name}/remove", name: "destinations remove", back: toDestinations, units: 4500, ask: askRemove, do: doRemove}

	testPage   = page{path: "/destinations/{name}/test", file: "destinationtest.html", under: destinationsPage.path, title: "Test a destination", read: readTest}
	testAction = action{path: testPage.path, name: "destinations test", back: toDestinations, shows: &testPage, do: doTest}
	routesPage = page{path: "/destinations/routes", file: "destinationroutes.html", under: destinationsPage.path, title: "Who wants an event", units: 10, read: readRoutes}
)

// secretView is a signing secret, on the one page that ever shows it.
type secretView struct {
	Name, Secret, Next string
	Test               string // address; "" for none
}

// PageTitle does not hold the secret.
func (s secretView) PageTitle() string { return "The signing secret of " + s.Name }

func (q *request) rotation() (destcare.Rotation, error) {
	name, err := q.destinationName()
	if err != nil {
		return destcare.Rotation{}, err
	}
	return q.desk().Rotation(q.ctx(), name)
}

func askRotate(q *request) (*question, error) {
	r, err := q.rotation()
	if err != nil {
		return nil, err
	}
	asked := question{
		Title: "Rotate the signing secret of " + r.Name, Button: "Make a new secret", Back: destinationsPage.path, Fields: []field{{"seen", r.Seen}},
		Says: []string{"A new secret is made, and shown once: on the next page. Give it to the receiving side then.", "Both secrets sign until you end the rotation."},
	}
	switch {
	case r.UnderWay():
		asked.Title, asked.Button, asked.Danger = "End the rotation of "+r.Name, "Drop the old secret", true
		asked.Says = []string{"A rotation is under way: " + output.Count(r.Secrets(), "secret signs", "secrets sign") + ". Then the newest signs alone, and a receiving side that knows the old one alone refuses what comes."}
	case r.Secrets() == 0:
		asked.Title = "Sign what goes to " + r.Name
		asked.Says = []string{"Its deliveries are not signed today. A secret is made, and shown once: on the next page. Deliveries are signed from then on."}
	}
	return &asked, nil
}

func doRotate(q *request) (*done, error) {
	r, err := q.rotation()
	if err != nil {
		return nil, err
	}
	if r.Seen != q.PostFormValue("seen") {
		return nil, problem.Failed(webhook.ErrChanged, "nothing was done: somebody changed destination %s meanwhile", r.Name).Hint("look at it again")
	}
	if r.UnderWay() {
		if err := q.desk().Finish(q.ctx(), r); err != nil {
			return nil, err
		}
		return &done{To: destinationsPage.path, On: r.Name, Notice: notice{Text: "The newest secret of " + r.Name + " signs alone. " + wording.Settles}}, nil
	}
	first := r.Secrets() == 0
	secret, err := q.desk().Rotate(q.ctx(), r)
	if err != nil {
		return nil, err
	}
	next := "Both secrets sign until you end the rotation."
	if first {
		next = "Deliveries are signed with it from now on."
	}
	return &done{Show: secretView{Name: r.Name, Secret: secret, Next: next}, On: r.Name, Notice: notice{Text: "A new signing secret of " + r.Name + " was made. " + wording.Settles}}, nil
}

const (
	// maxWaitingLooked bounds the events that are looked at for what waits.
	maxWaitingLooked = 3000
	// maxHandedOver bounds the events that the console hands over at once.
	maxHandedOver = 500
	// settles is the choice of who hands nothing over.
	settles = "it counts as settled there"
)

// othersThan are the destinations that may take over, of which each is whole.
func (q *request) othersThan(name string) (names []string, err error) {
	entries, err := q.st.Destinations.List(q.ctx())
	for _, e := range entries {
		if e.Name != name {
			names = append(names, e.Name)
		}
	}
	return names, err
}

func askRemove(q *request) (*question, error) {
	name, err := q.destinationName()
	if err != nil {
		return nil, err
	}
	desk := q.desk()
	switch there, err := desk.Exists(q.ctx(), name); {
	case err != nil:
		return nil, err
	case !there:
		return nil, desk.Absent(name)
	}
	w, err := desk.LookFor(q.ctx(), name, maxWaitingLooked, func(int) {})
	if err != nil {
		return nil, err
	}
	asked := question{
		Title: "Remove the destination " + name, Button: "Remove " + name, Danger: true, Back: destinationsPage.path,
		Says: []string{"Nothing more is sent to it, and its settings and secrets are gone. Events that still wait for it count as settled there, unless they are handed over" + w.Text() + ".", wording.Settles},
	}
	switch others, err := q.othersThan(name); {
	case err != nil:
		return nil, err
	case w.Total() == 0, len(others) == 0:
	case w.More || w.Total() > maxHandedOver:
		asked.Says = append(asked.Says, "To hand over so many: "+q.Self+" destinations remove "+name+" --to OTHER")
	default:
		asked.Choices = []choice{{Name: "to", Label: "What waits for it", Options: append([]string{settles}, others...)}}
	}
	return &asked, nil
}

func doRemove(q *request) (*done, error) {
	name, err := q.destinationName()
	if err != nil {
		return nil, err
	}
	desk, to := q.desk(), q.PostFormValue("to")
	if to == "" || to == settles {
		if err := desk.Delete(q.ctx(), name); err != nil {
			return nil, err
		}
		return &done{To: destinationsPage.path, On: name, Notice: notice{Text: "The destination " + name + " is removed. " + wording.Settles}}, nil
	}
	if others, err := q.othersThan(name); err != nil {
		return nil, err
	} else if !slices.Contains(others, to) {
		return nil, problem.Usage("%s is no other destination", output.Plain(to))
	}
	if _, err := desk.Get(q.ctx(), to); err != nil { // one that is broken delivers nothing
		return nil, err
	}
	look := func() (*destcare.Waiting, error) { return desk.LookFor(q.ctx(), name, maxWaitingLooked, func(int) {}) }
	w, err := look()
	if err != nil {
		return nil, err
	}
	if w.More || w.Total() > maxHandedOver {
		return nil, problem.Failed(nil, "nothing was done: more wait now than are handed over here").Hint("%s destinations remove %s --to %s", q.Self, name, to)
	}
	out, err := desk.HandOver(q.ctx(), name, to, false, w, look, func() {})
	if err != nil {
		return nil, err
	}
	if out.Failed > 0 {
		return nil, problem.Failed(out.Failure, "%s handed over to %s, and %s not", output.Count(out.Events, "event is", "events are"), to, output.Thousands(out.Failed)).
			Hint("go on: %s destinations remove %s --to %s", q.Self, name, to)
	}
	text := "The destination " + name + " is removed."
	if out.Events > 0 {
		text += " " + out.Text() + "."
	}
	if out.Left > 0 {
		text += " " + output.Count(out.Left, "is", "are") + " left, because a worker has taken it meanwhile."
	}
	text += " Running functions may choose it for another minute; then: " + q.Self + " destinations remove " + name + " --to " + to
	return &done{To: destinationsPage.path, On: name, Notice: notice{Text: text}}, nil
}

// testView is the page that tries a destination.
type testView struct {
	Name, Target string
	Types        []string
	Rows         []triedRow
}

// PageTitle names the destination.
func (v testView) PageTitle() string { return "Test " + v.Name }

// triedRow is what became of a sample.
type triedRow struct {
	Type, Result, Took, ID, Filter string
	Bad                            bool
}

// eachType is the choice of a sample of each type.
const eachType = "each type that it takes"

func (q *request) testView() (testView, destcare.Stored, error) {
	name, err := q.destinationName()
	if err != nil {
		return testView{}, destcare.Stored{}, err
	}
	stored, err := q.desk().GetToTry(q.ctx(), name)
	if err != nil {
		return testView{}, stored, err
	}
	v := testView{Name: name, Target: output.Clean(stored.Config.Settings.String()), Types: []string{string(webhook.EmailReply), eachType}}
	for _, typ := range webhook.Types {
		if typ != webhook.EmailReply {
			v.Types = append(v.Types, string(typ))
		}
	}
	return v, stored, nil
}

func readTest(q *request) (any, error) {
	v, _, err := q.testView()
	return v, err
}

// doTest delivers the samples, one after the other.
func doTest(q *request) (*done, error) {
	v, stored, err := q.testView()
	if err != nil {
		return nil, err
	}
	var named []string
	each := q.PostFormValue("type") == eachType
	if typ := q.PostFormValue("type"); typ != "" && !each {
		named = []string{typ}
	}
	types, err := destcare.Samples(named, each, stored.Config.Filter.Types)
	if err != nil {
		return nil, err
	}
	desk := q.desk()
	ctx, cancel := context.WithTimeout(q.ctx(), testPatience)
	defer cancel()
	if err := desk.CheckExists(ctx, v.Name, stored.Config.Settings); err != nil {
		return nil, err
	}
	bad, last := 0, ""
	for _, typ := range types {
		if ctx.Err() != nil {
			v.Rows = append(v.Rows, triedRow{Type: string(typ), Bad: true, Result: "not tried: the others took a minute"})
			bad++
			continue
		}
		tried, err := desk.Try(ctx, stored, typ)
		if err != nil {
			return nil, err
		}
		row := q.triedRow(v.Name, tried)
		if row.Bad {
			bad++
		}
		last = row.Result
		v.Rows = append(v.Rows, row)
	}
	d := &done{Show: v, On: v.Name}
	switch {
	case len(types) == 1:
		d.Notice = notice{Text: last, Bad: bad > 0}
	case bad > 0:
		d.Notice = notice{Text: fmt.Sprintf("The destination %s did not take %s of %s.", v.Name, output.Thousands(bad), output.Count(len(types), "sample", "samples")), Bad: true}
	default:
		d.Notice = notice{Text: fmt.Sprintf("The destination %s took %s.", v.Name, output.Count(len(types), "sample", "samples"))}
	}
	return d, nil
}

func (q *request) triedRow(name string, t destcare.Tried) triedRow {
	out := t.Outcome
	row := triedRow{Type: string(t.Type), Took: output.Span(t.Took), ID: string(t.ID), Filter: "wants it"}
	if !t.Route.Wants {
		row.Filter = output.Clean("does not want it: " + t.Route.Why())
	}
	switch out.Result {
	case webhook.ResultDelivered:
		row.Result = fmt.Sprintf("The destination %s took the sample (%s); webhook-id %s.", name, attemptText(webhook.Attempt{Result: out.Result, Status: out.Status}), t.ID)
	case webhook.ResultUnrouted:
		row.Result = fmt.Sprintf("The destination %s has no use for %s: a real event would not go there.", name, t.Type)
	case webhook.ResultRetry, webhook.ResultPermanent, webhook.ResultRemoved, webhook.ResultAbandoned, webhook.ResultWaiting:
		row.Bad = true
		row.Result = output.Clean(eventview.Answered(name, out.Status, out.ErrorClass, out.Error)) + "; " + destcare.Fate(out.Result) + "."
	}
	return row
}

// routesView says which destinations want an event, and why the others do not.
type routesView struct {
	Event, Path string
	Rows        []routeRow
	Wanted      int
	Wrong       *failure
}

type routeRow struct {
	Name, Why string
	Wants     bool
	Unknown   bool
}

func readRoutes(q *request) (any, error) {
	v := routesView{Event: output.Clean(q.arg("event"))}
	if v.Event == "" {
		return v, nil
	}
	id, err := webhook.ParseEventID(q.arg("event"))
	if err != nil {
		v.Wrong = q.named(problem.Usage("Event %s is no id of an event", v.Event))
		return v, nil //nolint:nilerr // it is said on the page
	}
	routes, err := q.desk().Routes(q.ctx(), id)
	if err != nil {
		return nil, err
	}
	v.Path = eventAddress(string(id))
	for _, r := range routes {
		v.Rows = append(v.Rows, routeRow{Name: r.Destination, Wants: r.Wants, Unknown: r.Error != "", Why: output.Clean(r.Why())})
		if r.Wants {
			v.Wanted++
		}
	}
	return v, nil
}

// Status is that of an id that is none.
func (v routesView) Status() int { return repairData{Wrong: v.Wrong}.Status() }
