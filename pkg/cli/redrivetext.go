package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/redrive"
)

// planView is a plan as JSON. NoEstimate hides the plan's own member, which
// counts nanoseconds.
type planView struct {
	redrive.Plan
	NoEstimate *int    `json:"estimate,omitempty"`
	Seconds    float64 `json:"estimate_seconds"`
}

func (p *program) showPlan(plan redrive.Plan) error {
	if p.json {
		return p.emit(planView{Plan: plan, Seconds: plan.Estimate.Seconds()})
	}
	if plan.Release+plan.Park == 0 {
		p.line("Nothing: of %s, none matches.", count(plan.Dead, "dead event", "dead events"))
		return nil
	}
	var f fields
	f.add("bring back", count(plan.Release, "dead event", "dead events"))
	f.add("takes", "about "+span(plan.Estimate)+" if the destination keeps up")
	f.add("oldest death", p.when(plan.Oldest))
	if plan.Park > 0 {
		f.add("park", count(plan.Park, "event", "events")+" that were redriven too often before")
	}
	if plan.Filtered > 0 {
		f.add("leave dead", count(plan.Filtered, "event", "events")+" that the filter leaves out")
	}
	if plan.Limited > 0 {
		f.add("beyond --limit", count(plan.Limited, "event", "events"))
	}
	p.line("A redrive would")
	p.printFields(f)
	t := newTable("BY", "VALUE", ">EVENTS")
	breakdown(t, "type", plan.ByType)
	breakdown(t, "error class", plan.ByClass)
	breakdown(t, "source", plan.BySource)
	breakdown(t, "campaign", plan.ByCamp)
	breakdown(t, "time since death", plan.ByAge)
	p.line("")
	if err := p.print(t, "  "); err != nil {
		return err
	}
	p.line("")
	p.line("  %s", notApplied)
	p.say("start it with the same filter: %s redrive start …", p.self())
	return nil
}

// maxBreakdown bounds the values of one kind that a plan lists.
const maxBreakdown = 10

func breakdown[K ~string](t *table, by string, counts map[K]int) {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	rest := 0
	for i, k := range keys {
		if i >= maxBreakdown {
			rest += counts[k]
			continue
		}
		t.add(by, orText(string(k), "none"), thousands(counts[k]))
	}
	if rest > 0 {
		t.add(by, "others", thousands(rest))
	}
}

// jobView is a redrive as JSON.
type jobView struct {
	ID        string          `json:"id"`
	State     string          `json:"state"`
	Reason    string          `json:"reason"`
	Filter    redrive.Filter  `json:"filter"`
	Limit     int             `json:"limit,omitempty"`
	MaxRate   float64         `json:"max_rate,omitempty"`
	Counts    redrive.Counts  `json:"counts"`
	InFlight  int             `json:"in_flight"`
	Rate      float64         `json:"rate"`
	Phase     string          `json:"phase"`
	StartedAt string          `json:"started_at"`
	UpdatedAt string          `json:"updated_at"`
	EndedAt   string          `json:"ended_at,omitempty"`
	Log       []redrive.Entry `json:"log,omitempty"`
}

func jobOf(j redrive.Job) jobView {
	return jobView{
		ID: j.ID, State: string(j.State), Reason: j.Reason, Filter: j.Request.Filter, Limit: j.Request.Limit,
		MaxRate: j.Request.MaxRate, Counts: j.Counts, InFlight: j.InFlight(), Rate: j.Pace.Rate, Phase: string(j.Pace.Phase),
		StartedAt: wire(j.StartedAt), UpdatedAt: wire(j.UpdatedAt), EndedAt: wire(j.EndedAt), Log: j.Log,
	}
}

func (p *program) showJob(j redrive.Job) error {
	if p.json {
		return p.emit(jobOf(j))
	}
	p.line("Redrive of %s: %s", stamp(j.StartedAt), j.State)
	p.line("  %s", clean(j.Reason))
	p.line("  %s", bar(j))
	var f fields
	f.add("filter", orderText(j.Request))
	f.add("released", fmt.Sprintf("%s of %s planned", thousands(j.Counts.Released), thousands(j.Counts.Planned)))
	f.add("delivered", thousands(j.Counts.Delivered))
	f.add("under way", underWay(j))
	f.add("died again", thousands(j.Counts.DiedAgain))
	f.add("failed attempts", thousands(j.Counts.Failed))
	if j.Counts.Parked > 0 {
		f.add("parked", fmt.Sprintf("%s, redriven too often before: %s events list --state parked", thousands(j.Counts.Parked), p.self()))
	}
	if j.Counts.Moved > 0 {
		f.add("moved", thousands(j.Counts.Moved)+" by somebody else meanwhile")
	}
	if !j.State.Final() {
		f.add("pace", fmt.Sprintf("%.0f a second (%s)", j.Pace.Rate, j.Pace.Phase))
	}
	f.add("last step", p.when(j.UpdatedAt))
	p.printFields(f)
	p.showLog(j)
	p.showJobNext(j)
	return nil
}

// shownLog bounds the decisions that are shown; --json has all that are kept.
const shownLog = 8

func (p *program) showLog(j redrive.Job) {
	log := j.Log
	if over := len(log) - shownLog; over > 0 {
		log = log[over:]
	}
	if len(log) < 2 {
		return
	}
	p.line("  decisions")
	for _, e := range log {
		p.line("    %s  %-9s %s", stamp(e.At), e.State, clean(e.Reason))
	}
}

// stalled is how long a running redrive may be without a step: the function
// runs every minute and steps every five seconds.
const stalled = 3 * time.Minute

func (p *program) showJobNext(j redrive.Job) {
	switch {
	case j.State == redrive.Paused:
		p.line("  next: %s redrive resume, or cancel", p.self())
	case j.State.Active() && p.Now().Sub(j.UpdatedAt) > stalled:
		p.line("  next: nothing moved for %s. Does the redrive function run? %s doctor", span(p.Now().Sub(j.UpdatedAt)), p.self())
	case j.State == redrive.Holding:
		p.line("  next: nothing. It tries a few again by itself; fix the destination, or: %s redrive pause", p.self())
	case j.State == redrive.Stopped:
		p.line("  next: fix what failed, then start anew. What is dead: %s dlq list", p.self())
	case j.State.Final() && j.Counts.DiedAgain > 0:
		p.line("  next: what died again: %s dlq list", p.self())
	}
}

const barWidth = 30

// bar shows how much of a redrive is over.
func bar(j redrive.Job) string {
	whole := max(j.Counts.Planned, j.Counts.Released, 1)
	ended := j.Counts.Delivered + j.Counts.DiedAgain
	share := min(1, float64(ended)/float64(whole))
	full := int(share * barWidth)
	return fmt.Sprintf("[%s%s] %3.0f %%", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*share)
}

func progressLine(j redrive.Job) string {
	return fmt.Sprintf("%s %s: %s delivered, %s under way, %s died again. %s", bar(j), j.State,
		thousands(j.Counts.Delivered), underWay(j), thousands(j.Counts.DiedAgain), clean(j.Reason))
}

// underWay is how many released events have not ended. A redrive that has ended
// looks at its events no more.
func underWay(j redrive.Job) string {
	if left := leftBehind(j); left != "" {
		return left + "; what became of them is not counted here"
	}
	return thousands(j.InFlight())
}

// leftBehind says how many events were under way at the end; "" for none.
func leftBehind(j redrive.Job) string {
	n := j.InFlight()
	if n == 0 && j.State != redrive.Done { // the history keeps the counts alone
		n = j.Counts.Released - j.Counts.Delivered - j.Counts.DiedAgain
	}
	if !j.State.Final() || n <= 0 {
		return ""
	}
	end := "ended"
	if j.State == redrive.Cancelled {
		end = "was cancelled"
	}
	return fmt.Sprintf("%s under way when it %s", count(n, "was", "were"), end)
}

// orderText is an order in the words of the command line.
func orderText(o redrive.Request) string {
	var words []string
	add := func(on bool, format string, args ...any) {
		if on {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	f := o.Filter
	add(len(f.Types) > 0, "type %s", join(f.Types))
	add(f.Campaign != "", "campaign %s", f.Campaign)
	add(f.Account != "", "account %s", f.Account)
	add(f.Source != "", "source %s", f.Source)
	add(f.ErrorClass != "", "error class %s", f.ErrorClass)
	add(f.OlderThan > 0, "dead for %s", span(f.OlderThan))
	add(len(f.IDs) > 0, "%s", count(len(f.IDs), "id", "ids"))
	add(o.Limit > 0, "at most %d", o.Limit)
	add(o.MaxRate > 0, "at most %g a second", o.MaxRate)
	add(o.Canary > 0, "the first %d alone", o.Canary)
	if len(words) == 0 {
		return "all that is dead"
	}
	return clean(strings.Join(words, ", "))
}
