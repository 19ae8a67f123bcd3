package console

import (
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/redrive"
)

// The size of the pace chart: two panels on one time axis.
const (
	paceWidth, paceHeight = 720, 316
	paceLeft, paceRight   = 44, 96
	pacePanel             = 120
	paceGap               = 40 // has the marks of decisions, and below them the caption of the second panel
)

// paceSpan is how much of a redrive is drawn, unless all is asked for.
const paceSpan = 30 * time.Minute

// paceRow is a sample in the table beside the chart.
type paceRow struct {
	At                             stamp
	State                          string
	Rate, Delivered, Failed, Live  string
	from, to                       float64 // seconds since the job's start
	rate, delivered, failed, alive float64 // the last two in percent, below 0 for unknown
}

// paceRows are the samples as values that hold for a time. Samples that end at once
// are parts of the next one.
func (q *request) paceRows(v redrive.View) []paceRow {
	var rows []paceRow
	from := 0.0
	var sum redrive.Sample
	for _, s := range v.Samples {
		s.Delivered, s.Attempts, s.Failed = s.Delivered+sum.Delivered, s.Attempts+sum.Attempts, s.Failed+sum.Failed
		to := s.End.Seconds()
		if to <= from {
			sum = s
			continue
		}
		sum = redrive.Sample{}
		r := paceRow{
			At: q.at(v.StartedAt.Add(s.End)), State: string(s.State), from: from, to: to, rate: s.Rate,
			delivered: float64(s.Delivered) / (to - from), failed: percent(s.Failed, s.Attempts), alive: percent(s.LiveFailed, s.LiveAttempts),
		}
		r.Rate, r.Delivered = redrive.PerSecond(r.rate), redrive.PerSecond(r.delivered)
		r.Failed, r.Live = percentText(r.failed), percentText(r.alive)
		rows = append(rows, r)
		from = to
	}
	return rows
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return -1
	}
	return 100 * float64(part) / float64(whole)
}

func percentText(p float64) string {
	switch {
	case p < 0:
		return "–"
	case p > 0 && p < 10:
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.0f %%", p)
}

// paceChart draws how fast a redrive released, what was delivered, and how many
// attempts failed. A redrive that has no sample yet has its axes.
func (q *request) paceChart(v redrive.View, rows []paceRow, all bool) chart {
	end := max(1, v.UpdatedAt.Sub(v.StartedAt).Seconds())
	if !v.State.Final() {
		end = max(end, q.clock.Now().Sub(v.StartedAt).Seconds())
	}
	start := 0.0
	if !all {
		start = max(0, end-paceSpan.Seconds())
	}
	end = max(end, start+60)
	upper := frame{left: paceLeft, top: 14, width: paceWidth - paceLeft - paceRight, height: pacePanel, from: start, to: end}
	lower := upper
	lower.top = upper.top + pacePanel + paceGap
	highest, worst := max(1, v.Rate), 30.0
	for _, r := range rows {
		highest, worst = max(highest, r.rate, r.delivered), max(worst, r.failed, r.alive)
	}
	// A ceiling far above what happens is not drawn, or what happens could not be told.
	upper.top1, lower.top1 = ceiling(max(highest, min(v.Ceiling, 2*highest))), min(100, ceiling(worst))
	c := chart{ID: "pace", Class: "pace", Width: paceWidth, Height: paceHeight, Label: paceLabel(v)}
	c.bands(v, rows, upper, lower)
	c.rates(v, rows, upper)
	c.failures(rows, lower)
	c.decisions(v, upper, q)
	c.timeAxis(v, upper, lower, q.zone)
	return c
}

func paceLabel(v redrive.View) string {
	return fmt.Sprintf("The pace of the redrive: %s, %s a second, %s of %s delivered, %s died again",
		v.State, redrive.PerSecond(v.Rate), output.Thousands(v.Counts.Delivered), output.Thousands(v.Counts.Planned), output.Thousands(v.Counts.DiedAgain))
}

// bands mark the time in which nothing is released: a hold, or a pause.
func (c *chart) bands(v redrive.View, rows []paceRow, upper, lower frame) {
	add := func(state string, from, to float64) {
		if to <= upper.from || state != string(redrive.Holding) && state != string(redrive.Paused) {
			return
		}
		x := upper.x(from)
		c.Boxes = append(c.Boxes, box{Class: "band", Title: state, X: x, Y: upper.top, W: max(1, upper.x(to)-x), H: lower.top + lower.height - upper.top})
	}
	last := 0.0
	for _, r := range rows {
		add(r.State, r.from, r.to)
		last = r.to
	}
	add(string(v.State), last, upper.to) // no tick adds a sample to a pause
}

func (c *chart) rates(v redrive.View, rows []paceRow, f frame) {
	var decided, delivered []step
	for i, r := range rows {
		delivered = append(delivered, step{r.from, r.to, r.delivered})
		until := f.to
		if i+1 < len(rows) {
			until = rows[i+1].to
		}
		if i+1 < len(rows) || !v.State.Final() {
			decided = append(decided, step{r.to, until, r.rate})
		}
	}
	c.Paths = append(c.Paths, stroke{Class: "delivered-area", Title: "delivered a second", D: f.area(delivered)},
		stroke{Class: "axis", D: f.level(0)}, stroke{Class: "decided", Title: "decided: what may be released a second", D: f.steps(decided)})
	c.Texts = append(c.Texts, label{Class: "tick", Anchor: "start", Text: "events a second", X: 0, Y: f.top - 4})
	c.scale(f, "")
	right := f.left + f.width + 6
	top := "ceiling"
	if v.Ceiling <= f.top1 {
		c.Paths = append(c.Paths, stroke{Class: "ceiling", Title: "the most that this redrive may release a second", D: f.level(v.Ceiling)})
	} else {
		top = "↑ ceiling " + redrive.PerSecond(v.Ceiling)
	}
	c.Texts = append(c.Texts, label{Class: "ceiling-text", Anchor: "start", Text: top, X: right, Y: f.y(v.Ceiling) + 4})
	lastRate, lastDelivered := v.Rate, 0.0
	if len(rows) > 0 {
		lastDelivered = rows[len(rows)-1].delivered
	}
	c.apart(f, right, []label{{Class: "decided-text", Text: "decided", Y: f.y(lastRate)}, {Class: "delivered-text", Text: "delivered", Y: f.y(lastDelivered)}}, f.y(v.Ceiling)+4)
}

func (c *chart) failures(rows []paceRow, f frame) {
	var first, live []step
	for _, r := range rows {
		if r.failed >= 0 {
			first = append(first, step{r.from, r.to, r.failed})
		}
		if r.alive >= 0 {
			live = append(live, step{r.from, r.to, r.alive})
		}
	}
	right := f.left + f.width + 6
	set := redrive.DefaultSettings
	c.Paths = append(c.Paths, stroke{Class: "axis", D: f.level(0)},
		stroke{Class: "limit", Title: "more than this for half a minute: a hold", D: f.level(100 * set.HoldShare)},
		stroke{Class: "limit", Title: "more than this: slower", D: f.level(100 * set.CutShare)},
		stroke{Class: "failed", Title: "of first attempts of this redrive, in percent", D: f.steps(first)},
		stroke{Class: "live-failed", Title: "of live attempts, in percent", D: f.steps(live)})
	c.Texts = append(c.Texts, label{Class: "tick", Anchor: "start", Text: "failed, %: first attempts solid, live dashed", X: 0, Y: f.top - 4},
		label{Class: "tick", Anchor: "start", Text: "hold 25 %", X: right, Y: f.y(100*set.HoldShare) + 4},
		label{Class: "tick", Anchor: "start", Text: "cut 5 %", X: right, Y: f.y(100*set.CutShare) + 4})
	c.scale(f, "")
}

// scale writes the ends of a panel's y axis.
func (c *chart) scale(f frame, unit string) {
	c.Texts = append(c.Texts, label{Class: "tick", Anchor: "end", Text: redrive.PerSecond(f.top1) + unit, X: f.left - 6, Y: f.top + 10},
		label{Class: "tick", Anchor: "end", Text: "0" + unit, X: f.left - 6, Y: f.y(0)})
}

// apart places texts beside the ends of their lines, so far from each other, and from
// taken, that each can be read.
func (c *chart) apart(f frame, x float64, texts []label, taken float64) {
	used := []float64{taken}
	for _, t := range texts {
		t.X, t.Anchor = x, "start"
		t.Y = min(max(t.Y+4, f.top+10), f.top+f.height)
		for step := 0; slices.ContainsFunc(used, func(y float64) bool { return t.Y-y < 12 && y-t.Y < 12 }) && step < 10; step++ {
			if t.Y += 13; t.Y > f.top+f.height {
				t.Y = f.top + 10
			}
		}
		used = append(used, t.Y)
		c.Texts = append(c.Texts, t)
	}
}

// decisions marks where the pace was changed, up or down.
func (c *chart) decisions(v redrive.View, f frame, q *request) {
	for i, d := range v.Decisions {
		at := d.At.Sub(v.StartedAt).Seconds()
		if i == 0 || at < f.from || at > f.to || d.Rate == v.Decisions[i-1].Rate {
			continue
		}
		sign := "▲"
		if d.Rate < v.Decisions[i-1].Rate {
			sign = "▼"
		}
		c.Texts = append(c.Texts, label{Class: "decision", Anchor: "middle", Text: sign, X: f.x(at), Y: f.top + f.height + 13, Title: q.at(d.At).Text + " " + d.Reason})
	}
}

func (c *chart) timeAxis(v redrive.View, upper, lower frame, zone *time.Location) {
	from := v.StartedAt.Add(time.Duration(upper.from * float64(time.Second)))
	to := v.StartedAt.Add(time.Duration(upper.to * float64(time.Second)))
	bottom := lower.top + lower.height
	for _, t := range timeTicks(from, to, 7, zone) {
		x := upper.x(t.Sub(v.StartedAt).Seconds())
		c.Paths = append(c.Paths, stroke{Class: "grid", D: "M" + at(x, bottom) + "L" + at(x, bottom+4)})
		c.Texts = append(c.Texts, label{Class: "tick", Anchor: "middle", Text: tickText(t, to.Sub(from), zone), X: min(max(x, 24), paceWidth-24), Y: bottom + 17})
	}
}
