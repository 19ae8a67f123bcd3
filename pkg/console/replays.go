package console

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/webhook"
)

var replayPage = page{path: "/replays/{since}", file: "replay.html", under: eventsPath, title: "Replay", units: 1, acts: true, read: readReplay, live: liveReplay}

// stopReplayAction stops a replay, which can go on later.
var stopReplayAction = action{path: "/replays/{since}/stop", name: "stop a replay", back: func(q *request) string { return q.replayKey() }, do: stopReplay}

// A replay of many events runs in this console. Its address has all that it takes to go
// on with it in another one: the filter, and since when nothing has moved.
type replayRun struct {
	path    string
	filter  string
	rate    float64
	again   bool // under new keys, which who goes on with it is offered
	started time.Time
	stop    context.CancelFunc

	mu     sync.Mutex
	report operator.PacedReport
	ended  time.Time // zero: it runs
	err    error     // why it ended before its end
}

// replayKey is the address of the replay that a request is about.
func (q *request) replayKey() string { return replayPath(q.PathValue("since"), q.filterValues()) }

func replayPath(since string, set url.Values) string {
	return "/replays/" + url.PathEscape(since) + "?" + set.Encode()
}

func (r *replayRun) address() string { return r.path }
func (r *replayRun) halt()           { r.stop() }

func (r *replayRun) runs() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended.IsZero()
}

// startReplay lets a replay run beside the pages.
func (q *request) startReplay(f eventFilter, since time.Time, p operator.Paced) (*replayRun, error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(q.ctx()))
	run := &replayRun{
		path: replayPath(since.UTC().Format(instant), q.filterValues()), filter: f.Text(), rate: p.Rate, again: p.Again, started: q.clock.Now(), stop: stop,
		report: operator.PacedReport{Total: len(p.Events)},
	}
	other, taken := q.replays.add(run)
	if !taken {
		stop()
		err := problem.Failed(webhook.ErrChanged, "nothing was started: another replay runs in this console")
		if other != nil {
			err = err.Hint("it is that of %s: wait for its end, or stop it", other.filter)
		}
		return nil, err
	}
	service, audit, now, caller := q.st.Operator, q.Audit, q.Now, q.Caller
	go func() {
		defer q.replays.running.Done()
		defer stop()
		report, err := service.ReplayPaced(ctx, p, run.note)
		run.end(report, err, now())
		audit.InfoContext(ctx, "action ended", "action", replayAllName, "caller", caller, "on", run.filter, "result", run.said())
	}()
	return run, nil
}

func (r *replayRun) note(report operator.PacedReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report = report
	r.report.Failures = slices.Clone(report.Failures)
}

func (r *replayRun) end(report operator.PacedReport, err error, now time.Time) {
	r.note(report)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.ended = err, now
}

// said is where the run stands, in one line.
func (r *replayRun) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := output.Thousands(r.report.Sent) + " of " + output.Count(r.report.Total, "event", "events") + " sent"
	switch {
	case errors.Is(r.err, context.Canceled):
		text += "; stopped"
	case r.err != nil:
		text += "; " + problem.Words(r.err)
	}
	return text
}

// replayView is a replay on its page.
type replayView struct {
	Known    bool // it ran in this console
	Running  bool
	Filter   string
	Mark     jobMark
	Said     string
	Rate     string
	Started  stamp
	Ended    stamp
	Report   operator.PacedReport
	Whole    int // of the bar
	Failures []movedRow
	Stop     string
	Live     string // where it is followed; "" where it has ended
	GoOn     string // the address that asks to go on with the rest; "" where nothing is left
	Back     string
}

// PageTitle has the progress.
func (v replayView) PageTitle() string {
	if !v.Known {
		return "Replay"
	}
	return "Replay: " + output.Thousands(v.Report.Tried()) + " of " + output.Thousands(v.Whole)
}

func readReplay(q *request) (any, error) {
	since := q.PathValue("since")
	if _, err := time.Parse(instant, since); err != nil || len(q.filterValues()) == 0 {
		return nil, errBadAddress
	}
	set := q.filterValues()
	goOn := q.filterValues()
	goOn.Set("seen", since)
	v := replayView{Filter: q.filterOf().Text(), Back: eventsAddress(set), GoOn: replayAllPath + "?" + goOn.Encode()}
	run, known := q.replays.find(q.replayKey())
	if !known {
		return v, nil
	}
	v.Said = run.said()
	run.mu.Lock()
	defer run.mu.Unlock()
	v.Known, v.Running, v.Report, v.Started, v.Ended = true, run.ended.IsZero(), run.report, q.at(run.started), q.at(run.ended)
	v.Rate, v.Whole = strconv.FormatFloat(run.rate, 'g', -1, 64), run.report.Total
	for _, r := range run.report.Failures {
		v.Failures = append(v.Failures, q.movedRow(r, operator.Replay))
	}
	if run.again {
		goOn.Set("again", "yes")
		v.GoOn = replayAllPath + "?" + goOn.Encode()
	}
	switch {
	case v.Running && v.Report.Waiting:
		v.Mark = jobMark{"waiting", "!", "held"}
	case v.Running:
		v.Mark = jobMark{"running", "▶", "processing"}
	case run.err == nil:
		v.Mark, v.GoOn = jobMark{"done", "✓", "delivered"}, ""
	case errors.Is(run.err, context.Canceled):
		v.Mark = jobMark{"stopped", "‖", "parked"}
	default:
		v.Mark = jobMark{"stopped", "✗", "dead"}
	}
	if v.Running {
		v.Live = livePath + run.path
		v.Stop, v.GoOn = "/replays/"+url.PathEscape(since)+"/stop?"+set.Encode(), ""
	}
	return v, nil
}

// liveReplay follows a replay.
func liveReplay(q *request) (topic, error) {
	return q.repaint("replay.html", readReplay, eventTick, func(now *request) (string, error) {
		run, known := now.replays.find(now.replayKey())
		if !known {
			return "", nil
		}
		run.mu.Lock()
		defer run.mu.Unlock()
		r := run.report
		return strconv.Itoa(r.Tried()) + " " + strconv.Itoa(r.UnderWay) + " " + strconv.Itoa(r.Died) + " " + strconv.FormatBool(r.Waiting) + run.ended.String(), nil
	}), nil
}

func stopReplay(q *request) (*done, error) {
	run, known := q.replays.find(q.replayKey())
	if !known || !run.runs() {
		return nil, problem.Failed(webhook.ErrChanged, "it does not run")
	}
	run.stop()
	return &done{To: run.path, On: run.filter, Notice: notice{Text: "It stops. What was sent goes on by itself."}}, nil
}
