package console

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"smartlead-receiver/pkg/cli/problem"
)

// An action changes something. One that has ask first shows what it would do, with
// counts, and a button; the form carries what was seen, so that a second operator's
// move is noticed.
type action struct {
	path  string                  // as http.ServeMux takes it
	name  string                  // in the audit line
	back  func(q *request) string // the page that it is on; nil: the overview
	ask   func(q *request) (*question, error)
	do    func(q *request) (*done, error)
	units int   // bound of the read units that its question takes (TestCapacity)
	shows *page // has the template of done.Show; nil for one that opens a page
}

// actions are all there are.
var actions = append([]action{
	sampleAction, sendToAction, splitAction,
	startAction, pauseAction, resumeAction, cancelAction, testAction, addDestinationAction, setDestinationAction, keepAction, rotateAction, removeAction, haltAction, releaseAction, identifyAction, sendAction,
	ackAction, closeAction, lookAction, compareNowAction, dryRunAction, repairAction, stopRepairAction,
	replayAllAction, stopReplayAction, againAction, variantAction, failingAction, backAction,
}, slices.Concat(moves(), selectedMoves())...)

// question is what an operator must agree to.
type question struct {
	Title   string
	Says    []string // what it will do, with counts and keys
	Fields  []field  // what was seen, carried by the form
	Events  []askedEvent
	Choices []choice // what the operator chooses
	Checks  []check
	Button  string
	Danger  bool // it cannot be undone
	Back    string
}

// choice is one of several values; check is one that may be wanted.
type choice struct {
	Name, Label string
	Options     []string
}

type check struct {
	Name, Label string
	On          bool
}

// field is a hidden value of a form.
type field struct{ Name, Value string }

// done is what an action did.
type done struct {
	To     string // the page that opens: what was made
	Notice notice
	Show   any        // shown at once, instead of opening a page; nil: To opens
	On     string     // what it acted on, for the audit line: an id, a name, a filter
	Each   []eachDone // instead of On: a line for each
}

// eachDone is what became of one of several things.
type eachDone struct{ On, Result string }

func (a *action) backTo(q *request) string {
	if a.back == nil {
		return "/"
	}
	return a.back(q)
}

// ask shows the question of an action.
func (s *Server) ask(a *action) http.Handler {
	p := &page{path: a.path, file: "ask.html"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := s.connected(r)
		if err != nil {
			s.gone(w, q, p, err)
			return
		}
		asked, err := a.ask(q)
		if to := (*elsewhere)(nil); errors.As(err, &to) {
			http.Redirect(w, r, to.address, http.StatusSeeOther)
			return
		}
		if err != nil {
			s.failBack(w, q, p, err, a.backTo(q))
			return
		}
		v := s.view(q, p)
		v.Title, v.Data = asked.Title, asked
		s.render(w, q, http.StatusOK, p.file, v)
	})
}

// act does it, writes the audit line, and opens what was made.
func (s *Server) act(a *action) http.Handler {
	p := &page{path: a.path, file: "ask.html", title: a.name}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := s.connected(r)
		if err != nil {
			s.gone(w, q, p, err)
			return
		}
		d, err := a.do(q)
		if err != nil {
			s.Audit.WarnContext(r.Context(), "action failed", "action", a.name, "caller", s.Caller, "path", r.URL.Path, "error", problem.Words(err))
			s.failBack(w, q, p, err, a.backTo(q))
			return
		}
		s.audit(r.Context(), a, d)
		s.dead.old()
		if d.Notice.Text != "" {
			q.session.say(d.Notice)
		}
		if d.Show != nil {
			s.showData(w, q, a.shows, d.Show)
			return
		}
		http.Redirect(w, r, d.To, http.StatusSeeOther)
	})
}

// audit writes a line for each thing that an action acted on.
func (s *Server) audit(ctx context.Context, a *action, d *done) {
	if a.name == "" {
		return
	}
	each := d.Each
	if each == nil {
		each = []eachDone{{d.On, d.Notice.Text}}
	}
	for _, one := range each {
		s.Audit.InfoContext(ctx, "action", "action", a.name, "caller", s.Caller, "on", one.On, "result", one.Result)
	}
}

// failure is why something cannot be shown or done, and what to do about it.
type failure struct {
	Text  string
	Next  []string
	Retry string // the address that tries again
	Back  string // the page that it was done on
}

// failure puts an error into words.
func (q *request) failure(err error) *failure {
	f := &failure{Text: problem.Words(err), Retry: q.URL.RequestURI()}
	var known *problem.Error
	if errors.As(err, &known) {
		f.Next = known.Hints()
	}
	if problem.Denied(err) {
		f.Next = append(f.Next, "a right is missing: deploy/operator-policy.json has all that the console needs")
	}
	return f
}
