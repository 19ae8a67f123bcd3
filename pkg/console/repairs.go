package console

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"smartlead-receiver/pkg/cli/comparing"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/smartleadkey"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/webhook"
)

// dryRunAction compares, and says what a repair would do. It changes nothing.
var dryRunAction = action{path: repairPath, name: "repair, dry run", back: func(*request) string { return repairPath }, shows: &repairPage, do: startDryRun}

const repairPath = "/completeness/repair"

// repairFields are the fields of the form, as the command line names its flags.
var repairFields = []string{"campaign", "since", "until", "type", "lag", "deep", "threads", "mode", "budget", "wait", "source", "max_calls"}

// repairForm is a repair as it was typed.
type repairForm map[string]string

func (q *request) repairForm() repairForm {
	f := repairForm{}
	for _, name := range repairFields {
		if v := q.arg(name); v != "" {
			f[name] = v
		}
	}
	return f
}

// Query is the form as the end of an address.
func (f repairForm) Query() string {
	v := url.Values{}
	for name, value := range f {
		v.Set(name, value)
	}
	return v.Encode()
}

// options are what is compared, and what a repair of it may do.
func (f repairForm) options(caller string) (o comparing.Options, do comparing.RepairOptions, calls int, err error) {
	o = comparing.Options{
		Campaigns: words(f["campaign"]), Since: output.OrText(f["since"], comparing.DefaultSince), Until: f["until"], Types: words(f["type"]),
		Lag: output.OrText(f["lag"], comparing.DefaultLag), Deep: f["deep"] != "", Threads: comparing.DefaultThreads,
	}
	do = comparing.RepairOptions{
		Mode: output.OrText(f["mode"], string(repair.Synthesize)), Wait: output.OrText(f["wait"], comparing.DefaultWait), Budget: repair.DefaultBudget, Source: f["source"], By: caller,
	}
	calls = maxRepairCalls
	for _, n := range []struct {
		name string
		to   *int
	}{{"threads", &o.Threads}, {"budget", &do.Budget}, {"max_calls", &calls}} {
		if f[n.name] == "" {
			continue
		}
		if *n.to, err = strconv.Atoi(f[n.name]); err != nil || *n.to < 0 {
			return o, do, calls, problem.Usage("--%s %s is no number", strings.ReplaceAll(n.name, "_", "-"), output.Plain(f[n.name]))
		}
	}
	if calls < 1 {
		err = problem.Usage("--max-calls is at least 1")
	}
	return o, do, calls, err
}

// Text is the form in words.
func (f repairForm) Text() string {
	text := "mails sent since " + output.Clean(output.OrText(f["since"], comparing.DefaultSince))
	if f["until"] != "" {
		text += " until " + output.Clean(f["until"])
	}
	if f["campaign"] != "" {
		text = "campaign " + output.Clean(f["campaign"]) + ", " + text
	} else {
		text = "all campaigns, " + text
	}
	if f["type"] != "" {
		text += ", of type " + output.Clean(f["type"])
	}
	if f["deep"] != "" {
		text += ", also what stands in message histories"
	}
	return text
}

// A repairRun is a comparison and, once somebody has agreed, the repair of what it found.
// It goes on beside the pages. Its address has all that it takes to begin anew in another
// console.
type repairRun struct {
	path    string
	form    repairForm
	what    comparing.Options
	may     repair.Request
	tool    comparing.Tool
	started time.Time

	mu       sync.Mutex
	stop     context.CancelFunc
	running  bool
	agreed   bool // somebody agreed to the plan
	doing    string
	count    int
	warnings []string
	found    comparing.Comparison
	plan     *repair.Result
	planned  time.Time
	results  []repair.Result // of its passes
	until    time.Time       // what is waited for
	ended    time.Time
	err      error
}

func (r *repairRun) address() string { return r.path }

func (r *repairRun) halt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop()
}

func (r *repairRun) runs() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running
}

// Doing, Add and Say make the run a comparing.Watch.
func (r *repairRun) Doing(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doing, r.count = what, 0
}

// Add counts what is done.
func (r *repairRun) Add(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count += n
}

// Say keeps a warning.
func (r *repairRun) Say(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.warnings, line) {
		r.warnings = append(r.warnings, line)
	}
}

// note changes what is known of the run.
func (r *repairRun) note(change func(r *repairRun)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

// maxRepairCalls bounds the calls of Smartlead's API that one repair makes, unless
// another bound is typed.
const maxRepairCalls = 500

// startDryRun begins a comparison beside the pages.
func startDryRun(q *request) (*done, error) {
	f := q.repairForm()
	what, may, calls, err := f.check(q)
	if err != nil {
		return &done{Show: repairData{Form: f, Types: filter.TypeNames(), Wrong: q.named(err)}, On: f.Text()}, nil
	}
	by := smartleadkey.Caller{Getenv: q.Getenv, HTTP: q.HTTP, Now: q.Now, Sleep: q.Sleep, Self: q.Self}
	client, err := by.Connect(q.ctx(), q.st, calls)
	if err != nil {
		return nil, err
	}
	now := q.clock.Now()
	run := &repairRun{path: repairPath + "/" + url.PathEscape(now.UTC().Format(instant)) + "?" + f.Query(), form: f, what: what, may: may, started: now, running: true}
	run.tool = comparing.Tool{Stack: q.st, Client: client, Now: q.Now, Self: q.Self, Local: q.Local, Watch: run}
	zone := q.zone
	run.tool.Now = func() time.Time { return q.Now().In(zone) }
	if err := q.beside(run, "repair, dry run", run.compare); err != nil {
		return nil, err
	}
	return &done{To: run.path, On: f.Text(), Notice: notice{Text: "Started: it reads Smartlead's API, and changes nothing."}}, nil
}

// check reads the form.
func (f repairForm) check(q *request) (what comparing.Options, may repair.Request, calls int, err error) {
	what, do, calls, err := f.options(q.Caller)
	if err == nil {
		_, err = what.Request(q.clock.Now().In(q.zone))
	}
	if err == nil {
		may, err = do.Request()
	}
	return what, may, calls, err
}

// beside lets a run go on beside the pages: work is the next part of it.
func (q *request) beside(run *repairRun, name string, work func(ctx context.Context) error) error {
	ctx, stop := context.WithCancel(context.WithoutCancel(q.ctx()))
	run.note(func(r *repairRun) { r.stop = stop })
	other, taken := q.repairs.add(run)
	if !taken {
		stop()
		run.note(func(r *repairRun) { r.running = false })
		err := problem.Failed(webhook.ErrChanged, "nothing was started: another repair runs in this console")
		if other != nil {
			err = err.Hint("it is that of %s: wait for its end, or stop it", other.form.Text())
		}
		return err
	}
	audit, now, caller := q.Audit, q.Now, q.Caller
	go func() {
		defer q.repairs.running.Done()
		defer stop()
		err := work(ctx)
		if ctx.Err() != nil {
			err = context.Canceled
		}
		run.note(func(r *repairRun) { r.running, r.ended, r.err, r.doing = false, now(), err, "" })
		audit.InfoContext(ctx, "action ended", "action", name, "caller", caller, "on", run.form.Text(), "result", run.said())
	}()
	return nil
}

// compare is the dry run.
func (r *repairRun) compare(ctx context.Context) error {
	found, err := r.tool.Compare(ctx, r.what)
	if err != nil {
		return err
	}
	plan, err := r.tool.Plan(ctx, found, r.may)
	if err != nil {
		return err
	}
	now := r.tool.Now()
	r.note(func(r *repairRun) { r.found, r.plan, r.planned = found, &plan, now })
	return nil
}

// repair does what the plan says, and comes back to what Smartlead was asked for.
func (r *repairRun) repair(ctx context.Context, sleep func(context.Context, time.Duration)) error {
	first, err := r.tool.Repair(ctx, r.found, r.may)
	r.note(func(r *repairRun) { r.results, r.until = []repair.Result{first}, first.WaitUntil })
	if err != nil || !comparing.Waits(first, r.may) {
		return err
	}
	found, second, err := r.tool.Again(ctx, r.what, r.may, first, sleep)
	if second.At.IsZero() { // it did not come that far: what was waited for is still so
		return err
	}
	r.note(func(r *repairRun) { r.found, r.results = found, []repair.Result{comparing.Only(first), second} })
	return err
}

// said is where the run stands, in one line.
func (r *repairRun) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(r.err, context.Canceled):
		return "stopped"
	case r.err != nil:
		return output.Clean(problem.Words(r.err))
	case len(r.results) > 0:
		made, left := 0, 0
		for _, result := range r.results {
			made += result.Made()
			left += result.Of(repair.StepNone) + result.Unnamed
		}
		return output.Count(made, "event was made", "events were made") + ", " + output.Count(left, "is", "are") + " still missing"
	case r.plan != nil:
		return output.Count(len(r.plan.Items)+r.plan.Unnamed, "event is missing", "events are missing")
	}
	return r.doing
}
