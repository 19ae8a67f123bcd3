package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/redrive"
)

var jobPage = page{path: "/redrive/{job}", file: "job.html", title: "Redrive", under: "/redrive", units: 2, read: readJob}

// jobData is a redrive on its page.
type jobData struct {
	redrive.View
	Path    string
	Mark    jobMark
	Active  bool
	Whole   int // of the bar
	Left    string
	Stalled string
	Updated stamp
	Started stamp
	Ended   stamp
	Pace    string
	Chart   chart
	Drawn   bool // it has samples, or may get some
	All     bool
	Longer  bool // there is more than the latest half hour
	Rows    []paceRow
	Log     []decisionRow
}

// PageTitle names the redrive in the window's title.
func (d *jobData) PageTitle() string {
	return fmt.Sprintf("Redrive %s: %s of %s", d.State, output.Thousands(d.Counts.Ended()), output.Thousands(d.Whole))
}

type decisionRow struct {
	At           stamp
	State        jobMark
	Rate, Reason string
}

// currentJob is the current or latest redrive, by its view; nil where none was ever
// started.
func (q *request) currentJob() (*jobData, error) {
	v, err := q.st.Redrive.View(q.ctx())
	if errors.Is(err, redrive.ErrNoJob) {
		return nil, nil //nolint:nilnil // none was ever started
	}
	if err != nil {
		return nil, err
	}
	return q.jobData(v), nil
}

// readJob shows the redrive of that id: the current one by its view, an earlier one as
// the history has it.
func readJob(q *request) (any, error) {
	id := q.PathValue("job")
	v, err := q.st.Redrive.View(q.ctx())
	switch {
	case err == nil && v.JobID == id:
		return q.jobData(v), nil
	case err != nil && !errors.Is(err, redrive.ErrNoJob):
		return nil, err
	}
	job, err := q.st.Redrive.Ended(q.ctx(), id)
	if errors.Is(err, redrive.ErrNoJob) {
		return nil, problem.NotFound("there is no redrive %s", output.Clean(id))
	}
	if err != nil {
		return nil, err
	}
	return q.jobData(job.Shown()), nil
}

// stalled is how long a redrive may be without a step: the function runs every
// minute.
const stalled = 3 * time.Minute

func (q *request) jobData(v redrive.View) *jobData {
	d := &jobData{
		View: v, Path: jobPath(v.JobID), Mark: jobMarkOf(v.State), Active: v.State.Active(), Whole: max(v.Counts.Planned, v.Counts.Released, 1),
		Updated: q.at(v.UpdatedAt), Started: q.at(v.StartedAt), Ended: q.at(v.EndedAt), All: q.arg("span") == "all", Pace: redrive.PerSecond(v.Rate),
	}
	d.Reason = output.Clean(v.Reason)
	if t := left(v); t > 0 {
		d.Left = output.Span(t.Round(time.Minute))
		if t < time.Minute {
			d.Left = "a minute"
		}
	}
	if still := q.clock.Now().Sub(v.UpdatedAt); d.Active && still > stalled {
		d.Stalled = output.Span(still)
	}
	for _, e := range slices.Backward(v.Decisions) {
		d.Log = append(d.Log, decisionRow{q.at(e.At), jobMarkOf(e.State), redrive.PerSecond(e.Rate), output.Clean(e.Reason)})
	}
	d.Drawn = len(v.Samples) > 0 || !v.State.Final()
	d.Rows = q.paceRows(v)
	d.Chart = q.paceChart(v, d.Rows, d.All)
	d.Longer = v.UpdatedAt.Sub(v.StartedAt) > paceSpan
	return d
}

// The moves of an operator. Each acts on the redrive that its page showed.
var (
	pauseAction  = action{path: "/redrive/{job}/pause", name: "redrive pause", do: move((*redrive.Service).Pause, "Paused. What was released goes on.")}
	resumeAction = action{path: "/redrive/{job}/resume", name: "redrive resume", do: move((*redrive.Service).Resume, "Goes on, beginning with a few.")}
	cancelAction = action{path: "/redrive/{job}/cancel", name: "redrive cancel", ask: askCancel, do: move((*redrive.Service).Cancel, "Cancelled. What was released goes on; the rest stays dead.")}
)

func move(act func(*redrive.Service, context.Context) (redrive.Job, error), said string) func(*request) (*done, error) {
	return func(q *request) (*done, error) {
		id := q.PathValue("job")
		if err := q.isCurrent(id); err != nil {
			return nil, err
		}
		job, err := act(q.st.Redrive, q.ctx())
		if errors.Is(err, redrive.ErrNoJob) && job.State != "" {
			return nil, problem.Failed(err, "changed meanwhile: the redrive is %s", job.State).Hint("see it as it stands, and decide again")
		}
		if err != nil {
			return nil, err
		}
		return &done{To: jobPath(job.ID), On: job.ID, Notice: notice{Text: said}}, nil
	}
}

// isCurrent refuses a move of a redrive that another one has followed.
func (q *request) isCurrent(id string) error {
	job, err := q.st.Redrive.Status(q.ctx())
	if err != nil {
		return err
	}
	if job.ID != id {
		return problem.Failed(redrive.ErrNoJob, "redrive %s has ended", output.Clean(id)).Hint("another one was started since: see the page Redrive")
	}
	return nil
}

func askCancel(q *request) (*question, error) {
	id := q.PathValue("job")
	v, err := q.st.Redrive.View(q.ctx())
	if err != nil {
		return nil, err
	}
	if v.JobID != id || v.State.Final() {
		return nil, problem.Failed(redrive.ErrNoJob, "redrive %s has ended", output.Clean(id))
	}
	rest := max(0, v.Counts.Planned-v.Counts.Released)
	return &question{
		Title: "Cancel the redrive",
		Says: []string{
			fmt.Sprintf("%s of %s were released; what is under way goes on.", output.Thousands(v.Counts.Released), output.Thousands(v.Counts.Planned)),
			fmt.Sprintf("The other %s dead. Another redrive can bring them back.", output.Count(rest, "stays", "stay")),
		},
		Button: "Cancel the redrive", Danger: true, Back: jobPath(id),
	}, nil
}
