package console

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/webhook"
)

var redrivePage = page{path: "/redrive", file: "redrive.html", title: "Redrive", bar: "Redrive", key: "r", units: 180, read: readRedrive}

// planFields are the fields of the plan's form, as the command line names its flags.
var planFields = []string{"type", "error_class", "destination", "source", "campaign", "account", "older_than", "limit", "max_rate", "canary"}

// planForm is a request as it was typed.
type planForm map[string]string

func (q *request) planForm() planForm {
	f := planForm{}
	for _, name := range planFields {
		if v := q.arg(name); v != "" {
			f[name] = v
		}
	}
	return f
}

// Query is the form as the end of an address.
func (f planForm) Query() string {
	v := url.Values{}
	for name, value := range f {
		v.Set(name, value)
	}
	return v.Encode()
}

// request reads the form as redrive plan reads its flags.
func (f planForm) request() (redrive.Request, error) {
	r := redrive.Request{Filter: redrive.Filter{
		Campaign: f["campaign"], Account: f["account"], Source: f["source"], ErrorClass: f["error_class"], Destination: f["destination"],
	}}
	var err error
	if f["type"] != "" {
		typ, err := filter.ParseType(f["type"])
		if err != nil {
			return r, err
		}
		r.Filter.Types = []webhook.Type{typ}
	}
	if f["older_than"] != "" {
		if r.Filter.OlderThan, err = filter.ParseSpan(f["older_than"]); err != nil {
			return r, problem.Usage("dead for at least %s is no length of time (2h, 2d3h, 1w)", f["older_than"])
		}
	}
	for name, to := range map[string]*int{"limit": &r.Limit, "canary": &r.Canary} {
		if f[name] == "" {
			continue
		}
		if *to, err = strconv.Atoi(f[name]); err != nil {
			return r, problem.Usage("%s %s is no number", name, f[name])
		}
	}
	if f["max_rate"] != "" {
		if r.MaxRate, err = strconv.ParseFloat(f["max_rate"], 64); err != nil {
			return r, problem.Usage("%s is no number of events a second", f["max_rate"])
		}
	}
	if err := r.Validate(); err != nil {
		return r, problem.Usage("%v", err)
	}
	return r, nil
}

// redriveData is what the page shows.
type redriveData struct {
	Form    planForm
	Types   []string
	Planned bool
	Plan    panel[planView]
	Current panel[*jobData] // nil: none was ever started
	Earlier panel[[]jobRow]
}

// planView is a plan, and the address that asks to start it.
type planView struct {
	redrive.Plan
	Oldest stamp
	Rows   []planRow
	Start  string
	Note   string
}

type planRow struct {
	By, Value string
	Count     int
}

// earlierJobs is how many ended redrives the page lists.
const earlierJobs = 10

func readRedrive(q *request) (any, error) {
	d := redriveData{Form: q.planForm(), Types: filter.TypeNames(), Planned: q.arg("plan") != ""}
	reads := []func(){
		fill(q, &d.Current, q.currentJob),
		fill(q, &d.Earlier, func() ([]jobRow, error) {
			jobs, _, err := q.st.Redrive.History(q.ctx(), earlierJobs)
			return q.jobRows(jobs), err
		}),
	}
	if d.Planned {
		reads = append(reads, fill(q, &d.Plan, func() (planView, error) { return q.plan(d.Form) }))
	}
	panels(reads...)
	return d, nil
}

func (q *request) plan(f planForm) (planView, error) {
	o, err := f.request()
	if err != nil {
		return planView{}, err
	}
	p, err := q.st.Redrive.Plan(q.ctx(), o)
	if err != nil {
		return planView{}, err
	}
	v := planView{Plan: p, Oldest: q.at(p.Oldest), Start: "/redrive/start?" + f.Query(), Note: eventview.NotApplied}
	v.Rows = slices.Concat(planRows("error class", p.ByClass), planRows("type", p.ByType), planRows("destination", p.ByDest), planRows("source", p.BySource),
		planRows("campaign", p.ByCamp), planRows("time since death", p.ByAge))
	return v, nil
}

// maxPlanRows bounds the values of one kind that a plan lists.
const maxPlanRows = 10

func planRows[K ~string](by string, counts map[K]int) []planRow {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var rows []planRow
	rest := 0
	for i, k := range keys {
		if i >= maxPlanRows {
			rest += counts[k]
			continue
		}
		rows = append(rows, planRow{by, output.Clean(output.OrText(string(k), "none")), counts[k]})
	}
	if rest > 0 {
		rows = append(rows, planRow{by, "others", rest})
	}
	return rows
}

// startAction plans anew, so that what it asks for is what there is.
var startAction = action{path: "/redrive/start", name: "redrive start", ask: askStart, do: doStart}

func askStart(q *request) (*question, error) {
	f := q.planForm()
	o, err := f.request()
	if err != nil {
		return nil, err
	}
	p, err := q.st.Redrive.Plan(q.ctx(), o)
	switch {
	case err != nil:
		return nil, err
	case p.Release+p.Park == 0:
		return nil, redrive.ErrNothing
	}
	events := output.Count(p.Release, "dead event", "dead events")
	ask := &question{
		Title:  "Bring " + events + " back",
		Says:   []string{fmt.Sprintf("%s go back to work, in about %s if the destination keeps up: %s.", events, output.Span(p.Estimate), wording.RequestText(o))},
		Fields: []field{{"seen", strconv.Itoa(p.Release)}},
		Button: "Bring " + events + " back", Back: "/redrive?plan=1&" + f.Query(),
	}
	if p.Park > 0 {
		ask.Says = append(ask.Says, output.Count(p.Park, "event", "events")+" that were redriven too often before are parked.")
	}
	ask.Says = append(ask.Says, "A few go first. It slows down, holds and stops by itself where they fail; you can pause and cancel it.", eventview.NotApplied)
	return ask, nil
}

func doStart(q *request) (*done, error) {
	f := q.planForm()
	o, err := f.request()
	if err != nil {
		return nil, err
	}
	seen, err := strconv.Atoi(q.arg("seen"))
	if err != nil {
		return nil, problem.Usage("the form does not say how many events were agreed to")
	}
	p, err := q.st.Redrive.Plan(q.ctx(), o)
	switch {
	case err != nil:
		return nil, err
	case p.Release > seen:
		return nil, problem.Failed(webhook.ErrChanged, "nothing was started: %s now, and you agreed to %s", output.Count(p.Release, "event matches", "events match"), output.Thousands(seen)).
			Hint("look at the plan again; more events die while their destination fails")
	}
	job, err := q.st.Redrive.Start(q.ctx(), o)
	if errors.Is(err, redrive.ErrActive) {
		return nil, problem.Failed(err, "nothing was started").Hint("one redrive runs at a time: see it, or cancel it, on the page Redrive")
	}
	if err != nil {
		return nil, err
	}
	return &done{To: jobPath(job.ID), On: wording.RequestText(o), Notice: notice{
		Text: "Started: " + output.Count(job.Counts.Planned, "event", "events") + ". The redrive function takes it up within a minute.",
	}}, nil
}

// jobRow is an ended redrive in a list.
type jobRow struct {
	Path, Filter, Reason, Took           string
	Started                              stamp
	State                                jobMark
	Released, Delivered, DiedAgain, Park int
}

func (q *request) jobRows(jobs []redrive.Job) []jobRow {
	var rows []jobRow
	for _, j := range jobs {
		rows = append(rows, jobRow{
			Path: jobPath(j.ID), Filter: wording.RequestText(j.Request), Reason: output.Clean(j.Reason), Took: output.Span(j.EndedAt.Sub(j.StartedAt)),
			Started: q.at(j.StartedAt), State: jobMarkOf(j.State), Released: j.Counts.Released, Delivered: j.Counts.Delivered,
			DiedAgain: j.Counts.DiedAgain, Park: j.Counts.Parked,
		})
	}
	return rows
}

func jobPath(id string) string { return "/redrive/" + url.PathEscape(id) }

// jobMark is how the state of a redrive is shown; Class is that of the state of an
// event which looks alike.
type jobMark struct{ State, Glyph, Class string }

func jobMarkOf(s redrive.State) jobMark {
	known := map[redrive.State][2]string{
		redrive.Running: {"▶", "processing"}, redrive.Holding: {"!", "held"}, redrive.Paused: {"‖", "parked"},
		redrive.Done: {"✓", "delivered"}, redrive.Stopped: {"✗", "dead"}, redrive.Cancelled: {"–", "discarded"},
	}[s]
	return jobMark{string(s), known[0], known[1]}
}

// left is how long the rest of a redrive takes at the present pace; 0: nobody knows.
func left(v redrive.View) time.Duration {
	rest := v.Counts.Planned - v.Counts.Ended() - v.Counts.Parked - v.Counts.Moved
	if v.State != redrive.Running || v.Rate < 1 || rest <= 0 {
		return 0
	}
	return time.Duration(float64(rest) / v.Rate * float64(time.Second))
}
