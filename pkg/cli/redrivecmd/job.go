package redrivecmd

import (
	"fmt"
	"strings"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/redrive"
)

// jobView is a redrive as JSON.
type jobView struct {
	ID        string         `json:"id"`
	State     string         `json:"state"`
	Reason    string         `json:"reason"`
	Filter    redrive.Filter `json:"filter"`
	Limit     int            `json:"limit,omitempty"`
	MaxRate   float64        `json:"max_rate,omitempty"`
	Counts    redrive.Counts `json:"counts"`
	InFlight  int            `json:"in_flight"`
	Rate      float64        `json:"rate"`
	Phase     string         `json:"phase"`
	StartedAt string         `json:"started_at"`
	UpdatedAt string         `json:"updated_at"`
	EndedAt   string         `json:"ended_at,omitempty"`
	Log       []logView      `json:"log,omitempty"`
}

// logView is a decision as JSON.
type logView struct {
	At     string  `json:"at"`
	State  string  `json:"state"`
	Rate   float64 `json:"rate"`
	Reason string  `json:"reason"`
}

func jobOf(j redrive.Job) jobView {
	var log []logView
	for _, e := range j.Log {
		log = append(log, logView{output.Wire(e.At), string(e.State), e.Rate, e.Reason})
	}
	return jobView{
		ID: j.ID, State: string(j.State), Reason: j.Reason, Filter: j.Request.Filter, Limit: j.Request.Limit,
		MaxRate: j.Request.MaxRate, Counts: j.Counts, InFlight: j.InFlight(), Rate: j.Pace.Rate, Phase: string(j.Pace.Phase),
		StartedAt: output.Wire(j.StartedAt), UpdatedAt: output.Wire(j.UpdatedAt), EndedAt: output.Wire(j.EndedAt), Log: log,
	}
}

func showJob(s *session.Session, j redrive.Job) error {
	if s.JSON {
		return s.Emit(jobOf(j))
	}
	s.LineOf(string(j.State), "Redrive of %s: %s", output.Stamp(j.StartedAt), j.State)
	s.Wrap("  ", output.Clean(j.Reason))
	s.Line("  %s", bar(j))
	var f output.Fields
	f.Add("filter", wording.RequestText(j.Request))
	f.Add("released", fmt.Sprintf("%s of %s planned", output.Thousands(j.Counts.Released), output.Thousands(j.Counts.Planned)))
	f.Add("delivered", output.Thousands(j.Counts.Delivered))
	if j.Counts.Unrouted > 0 {
		f.Add("unrouted", output.Thousands(j.Counts.Unrouted)+", to nobody: "+s.Self()+" events list --state unrouted")
	}
	f.Add("under way", underWay(j))
	f.Add("died again", output.Thousands(j.Counts.DiedAgain))
	f.Add("failed attempts", output.Thousands(j.Counts.Failed))
	if j.Counts.Postponed > 0 {
		f.Add("postponed", output.Thousands(j.Counts.Postponed)+" attempts, at the destination's wish")
	}
	if j.Counts.Parked > 0 {
		f.Add("parked", fmt.Sprintf("%s, redriven too often before: %s events list --state parked", output.Thousands(j.Counts.Parked), s.Self()))
	}
	if j.Counts.Moved > 0 {
		f.Add("moved", output.Thousands(j.Counts.Moved)+" by somebody else meanwhile")
	}
	if !j.State.Final() {
		f.Add("pace", fmt.Sprintf("%s a second (%s)", redrive.PerSecond(j.Pace.Rate), j.Pace.Phase))
	}
	f.Add("last step", s.When(j.UpdatedAt))
	s.PrintFields(f)
	showLog(s, j)
	showJobNext(s, j)
	return nil
}

// shownLog bounds the decisions that are shown; --json has all that are kept.
const shownLog = 8

func showLog(s *session.Session, j redrive.Job) {
	log := j.Log
	if over := len(log) - shownLog; over > 0 {
		log = log[over:]
	}
	if len(log) < 2 {
		return
	}
	s.Line("  decisions")
	for _, e := range log {
		s.Wrap(fmt.Sprintf("    %s  %-9s ", output.Stamp(e.At), e.State), output.Clean(e.Reason))
	}
}

func showJobNext(s *session.Session, j redrive.Job) {
	switch {
	case j.State == redrive.Paused:
		s.Line("  next: %s redrive resume, or cancel", s.Self())
	case j.Stalled(s.Now()):
		s.Line("  next: nothing moved for %s. Does the redrive function run? %s doctor", output.Span(s.Now().Sub(j.UpdatedAt)), s.Self())
	case j.State == redrive.Holding:
		s.Line("  next: nothing. It tries a few again by itself; fix the destination, or: %s redrive pause", s.Self())
	case j.State == redrive.Stopped:
		s.Line("  next: fix what failed, then start anew. What is dead: %s dlq list", s.Self())
	case j.State.Final() && j.Counts.DiedAgain > 0:
		s.Line("  next: what died again: %s dlq list", s.Self())
	}
}

const barWidth = 30

// bar shows how much of a redrive is over.
func bar(j redrive.Job) string {
	whole := max(j.Counts.Planned, j.Counts.Released, 1)
	ended := j.Counts.Ended()
	share := min(1, float64(ended)/float64(whole))
	full := int(share * barWidth)
	return fmt.Sprintf("[%s%s] %3.0f %%", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*share)
}

func progressLine(j redrive.Job) string {
	delivered := output.Thousands(j.Counts.Delivered) + " delivered"
	if j.Counts.Unrouted > 0 {
		delivered += ", " + output.Thousands(j.Counts.Unrouted) + " unrouted"
	}
	return fmt.Sprintf("%s %s: %s, %s under way, %s died again. %s", bar(j), j.State,
		delivered, underWay(j), output.Thousands(j.Counts.DiedAgain), output.Clean(j.Reason))
}

// underWay is how many released events have not ended. A redrive that has ended
// looks at its events no more.
func underWay(j redrive.Job) string {
	if left := leftBehind(j); left != "" {
		return left + "; what became of them is not counted here"
	}
	return output.Thousands(j.InFlight())
}

// leftBehind says how many events were under way at the end; "" for none.
func leftBehind(j redrive.Job) string {
	n := j.InFlight()
	if n == 0 && j.State != redrive.Done { // the history keeps the counts alone
		n = j.Counts.Released - j.Counts.Ended()
	}
	if !j.State.Final() || n <= 0 {
		return ""
	}
	end := "ended"
	if j.State == redrive.Cancelled {
		end = "was cancelled"
	}
	return fmt.Sprintf("%s under way when it %s", output.Count(n, "was", "were"), end)
}
