package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/comparing"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/webhook"
)

var (
	// repairPage has the form.
	repairPage = page{path: repairPath, file: "repair.html", under: completenessPage.path, title: "Repair", units: 1, read: readRepair}
	// repairRunPage is a dry run, and the repair that follows it.
	repairRunPage = page{path: repairPath + "/{began}", file: "repairrun.html", under: completenessPage.path, title: "Repair", units: 1, acts: true, read: readRepairRun, live: liveRepairRun}

	repairAction     = action{path: repairPath + "/{began}/go", name: "repair", back: theRepair, units: 1, ask: askRepair, do: doRepair}
	stopRepairAction = action{path: repairPath + "/{began}/stop", name: "stop a repair", back: theRepair, do: stopRepair}
)

// repairData is the form, and what is wrong with it.
type repairData struct {
	Form  repairForm
	Types []string
	Wrong *failure
}

// Status is that of a form that was refused.
func (d repairData) Status() int {
	if d.Wrong != nil {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

func readRepair(q *request) (any, error) {
	return repairData{Form: q.repairForm(), Types: filter.TypeNames()}, nil
}

// theRepair is the page of the repair that a request is about.
func theRepair(q *request) string {
	return repairPath + "/" + url.PathEscape(q.PathValue("began")) + "?" + q.repairForm().Query()
}

// repairRunView is a repair on its page.
type repairRunView struct {
	Known   bool
	Title   string
	Filter  string
	Mark    jobMark
	Doing   string
	Until   stamp // what is waited for
	Failure *failure
	Notes   []string
	Facts   []fact
	Passes  []passView
	Records []fact // name and address of what is kept of the passes
	Go      string // asks for the repair; "" where there is nothing to agree to
	Stop    string
	Again   string // the form, filled in
	Live    string
}

// passView is what one pass did, or what the dry run says that it would do.
type passView struct {
	Title  string
	Counts []repairCount
	Events []repairRow
	More   int // that are not named
	Asked  []string
}

type repairCount struct {
	Campaign, Name, Type, What string
	N                          int
}

type repairRow struct {
	Campaign, Type, Lead, LeadLink, Event, What string
	At                                          stamp
}

// PageTitle says what it is.
func (v repairRunView) PageTitle() string { return v.Title }

// namedRepairs bounds the events that the page names of a pass.
const namedRepairs = 50

func readRepairRun(q *request) (any, error) {
	if _, err := time.Parse(instant, q.PathValue("began")); err != nil {
		return nil, errBadAddress
	}
	f := q.repairForm()
	v := repairRunView{Title: "Repair", Filter: f.Text(), Again: repairPath + "?" + f.Query()}
	run, known := q.repairs.find(theRepair(q))
	if !known {
		return v, nil
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	v.Known = true
	q.repairStands(&v, run)
	q.repairFound(&v, run)
	return v, nil
}

// repairStands says where a run stands; its lock is held.
func (q *request) repairStands(v *repairRunView, run *repairRun) {
	v.Notes = run.warnings
	if v.Doing = output.Clean(run.doing); run.count > 0 {
		v.Doing += ", " + output.Thousands(run.count) + " so far"
	}
	add := func(name, value string) {
		if value != "" {
			v.Facts = append(v.Facts, fact{Name: name, Value: value})
		}
	}
	add("budget", output.Count(run.may.Budget, "event is made at most", "events are made at most"))
	as := "asking Smartlead"
	if run.may.Mode == repair.Synthesize {
		as = "making what does not come"
	}
	add("goes as far as", as)
	add("waits", output.Span(run.may.Wait)+" for what Smartlead posts again")
	add("in the name of", output.Clean(run.may.Source))
	add("started", q.at(run.started).Text)
	add("ended", q.at(run.ended).Text)
	if run.tool.Client != nil {
		add("calls of Smartlead's API", output.Thousands(run.tool.Client.Calls()))
	}
	switch {
	case run.running && run.doing == "waiting":
		v.Mark, v.Until = jobMark{"waiting", "!", "held"}, q.at(run.until)
	case run.running:
		v.Mark = jobMark{"running", "▶", "processing"}
	case errors.Is(run.err, context.Canceled):
		v.Mark = jobMark{"stopped", "‖", "parked"}
	case run.err != nil:
		v.Mark, v.Failure = jobMark{"broke off", "✗", "dead"}, q.failure(run.err)
		v.Failure.Retry = ""
	case run.agreed:
		v.Mark = jobMark{"done", "✓", "delivered"}
	default:
		v.Mark = jobMark{"dry run", "○", "pending"}
	}
	at := repairPath + "/" + url.PathEscape(q.PathValue("began"))
	switch {
	case run.running:
		v.Live, v.Stop = livePath+run.path, at+"/stop?"+run.form.Query()
	case !run.agreed && run.err == nil && run.plan != nil && comparing.Does(*run.plan):
		v.Go = at + "/go?" + run.form.Query()
	}
}

// repairFound says what was found and done; the run's lock is held.
func (q *request) repairFound(v *repairRunView, run *repairRun) {
	for _, c := range run.found.Results() {
		if c.Cause != nil {
			v.Notes = append(v.Notes, comparing.Title(c)+" is left alone, because not all of it could be read: "+output.Clean(problem.Words(c.Cause)))
		}
	}
	if run.agreed {
		v.Title = "Repair"
	} else if v.Title = "Dry run of a repair"; run.plan != nil {
		v.Passes = append(v.Passes, q.pass("A repair would", run, *run.plan))
	}
	for i, result := range run.results {
		title := "What it did"
		if i > 0 {
			title = "What it did after the wait"
		}
		if len(result.Items)+len(result.Asked)+result.Unnamed > 0 {
			v.Passes = append(v.Passes, q.pass(title, run, result))
		}
		if result.Run != "" {
			v.Records = append(v.Records, fact{Name: "Record of " + q.at(result.At).Text, Value: repairAddress(result.Run)})
		}
	}
}

func (q *request) pass(title string, run *repairRun, r repair.Result) passView {
	p := passView{Title: title, More: r.Unnamed}
	for _, line := range comparing.Counts(r) {
		p.Counts = append(p.Counts, repairCount{
			Campaign: output.Clean(line.Campaign), Name: output.Clean(output.OrText(run.found.Names[line.Campaign], comparing.Inbox)), Type: string(line.Type), What: line.Text, N: line.N,
		})
	}
	for n, i := range r.Items {
		if n == namedRepairs {
			p.More += len(r.Items) - n
			break
		}
		row := repairRow{Campaign: output.OrText(output.Clean(i.Campaign), comparing.Inbox), Type: string(i.Type), Lead: output.Clean(i.Finding.Lead), What: comparing.StepText(r, i), At: q.at(i.Finding.At)}
		if i.Finding.Lead != "" {
			row.LeadLink = leadAddress(i.Finding.Lead)
		}
		if i.Step == repair.StepSynthesize && !r.DryRun {
			row.Event = eventAddress(string(i.EventID))
		}
		if i.Err != nil {
			row.What += ": " + output.Clean(comparing.Words(i.Err))
		}
		p.Events = append(p.Events, row)
	}
	for _, a := range r.Asked {
		p.Asked = append(p.Asked, askedText(a))
	}
	return p
}

// askedText is what Smartlead answered.
func askedText(a repair.Asked) string {
	text := "campaign " + output.Clean(a.Campaign) + ": "
	switch {
	case a.Err != nil:
		return text + output.Clean(comparing.Words(a.Err))
	case a.Count < 0:
		return text + "Smartlead was asked, and did not say how many it posts again"
	}
	return text + "Smartlead posts " + output.Count(a.Count, "delivery", "deliveries") + " again"
}

// liveRepairRun follows a repair.
func liveRepairRun(q *request) (topic, error) {
	return q.repaint("repairrun.html", readRepairRun, eventTick, func(now *request) (string, error) {
		run, known := now.repairs.find(theRepair(now))
		if !known {
			return "", nil
		}
		run.mu.Lock()
		defer run.mu.Unlock()
		return strings.Join([]string{run.doing, strconv.Itoa(run.count), strconv.Itoa(len(run.results)), strconv.FormatBool(run.running), run.ended.String()}, " "), nil
	}), nil
}

// planLasts is how long a dry run may be agreed to.
const planLasts = time.Hour

// agreeable is the run whose plan may be agreed to.
func (q *request) agreeable() (*repairRun, error) {
	run, known := q.repairs.find(theRepair(q))
	if !known {
		return nil, problem.NotFound("this dry run is not in this console").Hint("make another: nothing was changed")
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	switch {
	case run.running, run.agreed, run.err != nil, run.plan == nil:
		return nil, problem.Failed(webhook.ErrChanged, "nothing was done: this dry run cannot be agreed to any more").Hint("make another")
	case !comparing.Does(*run.plan):
		return nil, problem.NotFound("there is nothing that a repair could do")
	case q.clock.Now().Sub(run.planned) > planLasts:
		return nil, problem.Failed(webhook.ErrChanged, "nothing was done: this dry run is of more than an hour ago").Hint("make another")
	}
	return run, nil
}

func askRepair(q *request) (*question, error) {
	run, err := q.agreeable()
	if err != nil {
		return nil, err
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	says := []string{
		"This will " + comparing.Intent(*run.plan, run.may.Mode) + ".",
		"Of: " + run.form.Text() + ". " + output.Count(run.may.Budget, "event is made at most", "events are made at most") + ".",
	}
	for i, line := range comparing.Counts(*run.plan) {
		if i == namedRepairs {
			says = append(says, "and more, on the page of the dry run")
			break
		}
		says = append(says, fmt.Sprintf("%s, %s: %s: %s", output.OrText(output.Clean(line.Campaign), comparing.Inbox), line.Type, output.Count(line.N, "event", "events"), line.Text))
	}
	if run.plan.Of(repair.StepRetrigger) > 0 {
		says = append(says, "Smartlead posts what it counts as failed to every webhook of the campaign, which may lead elsewhere, too.")
	}
	if run.may.Mode == repair.Synthesize {
		says = append(says, "What is made goes to your destinations as any event does, marked as made. A webhook that comes late is a duplicate of it.")
	}
	return &question{
		Title: "Repair what is missing", Says: says, Button: "Repair", Back: run.path,
		Fields: []field{{"seen", run.planned.UTC().Format(instant)}},
	}, nil
}

func doRepair(q *request) (*done, error) {
	run, err := q.agreeable()
	if err != nil {
		return nil, err
	}
	taken := false
	run.note(func(r *repairRun) {
		if taken = !r.running && !r.agreed && r.planned.UTC().Format(instant) == q.PostFormValue("seen"); taken {
			r.running, r.agreed, r.ended = true, true, time.Time{}
		}
	})
	if !taken {
		return nil, problem.Failed(webhook.ErrChanged, "nothing was done: this is not the dry run that you saw")
	}
	sleep := q.Sleep
	if err := q.beside(run, "repair", func(ctx context.Context) error { return run.repair(ctx, sleep) }); err != nil {
		run.note(func(r *repairRun) { r.agreed = false })
		return nil, err
	}
	return &done{To: run.path, On: run.form.Text(), Notice: notice{Text: "Started. What it does is kept, and its events say that it made them."}}, nil
}

func stopRepair(q *request) (*done, error) {
	run, known := q.repairs.find(theRepair(q))
	if !known || !run.runs() {
		return nil, problem.Failed(webhook.ErrChanged, "it does not run")
	}
	run.halt()
	return &done{To: run.path, On: run.form.Text(), Notice: notice{Text: "It stops. What was made stays made, and what Smartlead was asked for may still come."}}, nil
}
