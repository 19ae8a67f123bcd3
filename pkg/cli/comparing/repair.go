package comparing

import (
	"context"
	"errors"
	"slices"
	"time"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// DefaultWait is how long what Smartlead posts again is waited for, as it is typed.
const DefaultWait = "30m"

// maxBy bounds the name in the record, in bytes.
const maxBy = 200

// RepairOptions are what a repair may do, as it was typed.
type RepairOptions struct {
	Mode   string
	Wait   string
	Budget int
	Source string
	By     string // who repairs
}

// Request is what a repair may do.
func (o RepairOptions) Request() (repair.Request, error) {
	r := repair.Request{Mode: repair.Mode(o.Mode), Budget: o.Budget, Source: o.Source, By: output.Clean(o.By)}
	var err error
	switch {
	case len(r.By) > maxBy:
		return r, problem.Usage("--by has at most %d characters", maxBy)
	case r.Mode != repair.Retrigger && r.Mode != repair.Synthesize:
		return r, problem.Usage("--mode %s is none of retrigger, synthesize", output.Plain(o.Mode))
	case o.Budget < 1:
		return r, problem.Usage("--budget is at least 1")
	}
	if r.Wait, err = filter.ParseSpan(o.Wait); err != nil || r.Wait <= 0 {
		return r, problem.Usage("--wait %s is no length of time, such as 30m", output.Plain(o.Wait))
	}
	return r, nil
}

// Plan is what a repair of what a comparison found would do. Nothing is changed.
func (t Tool) Plan(ctx context.Context, c Comparison, r repair.Request) (repair.Result, error) {
	t.Watch.Doing("reading what a repair needs")
	r.DryRun = true
	plan, err := t.Stack.Repair.Repair(ctx, t.Client, r, c.Results()...)
	if errors.Is(err, repair.ErrNoSource) {
		return plan, problem.NotFound("there is no source %s", output.Clean(r.Source))
	}
	return plan, err
}

// Does tells whether a repair of that plan would do anything.
func Does(plan repair.Result) bool {
	return plan.Of(repair.StepRetrigger)+plan.Of(repair.StepSynthesize)+plan.Of(repair.StepWait) > 0
}

// Repair repairs what a comparison found.
func (t Tool) Repair(ctx context.Context, c Comparison, r repair.Request) (repair.Result, error) {
	t.Watch.Doing("repairing")
	result, err := t.Stack.Repair.Repair(ctx, t.Client, r, c.Results()...)
	if err != nil {
		return result, problem.Failed(err, "it broke off").Hint("run it again: what was done is not done twice")
	}
	return result, nil
}

// Waits tells whether a repair goes on once what Smartlead posts again had its time.
func Waits(first repair.Result, r repair.Request) bool {
	return !first.WaitUntil.IsZero() && r.Mode == repair.Synthesize && first.Made() < r.Budget
}

// Again waits until what Smartlead was asked for had its time, compares once more, and
// repairs what has not come, with what is left of the budget.
func (t Tool) Again(ctx context.Context, o Options, r repair.Request, first repair.Result, sleep func(context.Context, time.Duration)) (Comparison, repair.Result, error) {
	t.Watch.Doing("waiting")
	for t.Now().Before(first.WaitUntil) && ctx.Err() == nil {
		sleep(ctx, min(first.WaitUntil.Sub(t.Now()), time.Minute))
	}
	if ctx.Err() != nil {
		return Comparison{}, repair.Result{}, ctx.Err()
	}
	c, err := t.Compare(ctx, o)
	if err != nil {
		return c, repair.Result{}, err
	}
	r.Budget -= first.Made()
	result, err := t.Repair(ctx, c, r)
	return c, result, err
}

// Intent completes "This will …", for the result of a dry run.
func Intent(plan repair.Result, mode repair.Mode) string {
	made, asked, then := plan.Of(repair.StepSynthesize), plan.Of(repair.StepRetrigger), ""
	if mode == repair.Synthesize {
		then = ", and make what does not come, as far as that can be"
	}
	text := "wait for what Smartlead was asked for" + then
	if asked > 0 {
		text = "ask Smartlead for " + output.Count(asked, "missing event", "missing events") + then
	}
	if made > 0 {
		text = "make " + output.Count(made, "event", "events") + " of what Smartlead's API says"
		if asked > 0 {
			text += ", and ask Smartlead for " + output.Count(asked, "more", "more")
		}
	}
	return text
}

// StepText says what is, or would be, done about an event.
func StepText(r repair.Result, i repair.Item) string {
	switch {
	case i.Step == repair.StepRetrigger && r.DryRun:
		return "Smartlead would be asked for it" + otherwise(i)
	case i.Step == repair.StepRetrigger:
		return "Smartlead was asked for it"
	case i.Step == repair.StepWait:
		return "Smartlead was asked for it, and may still post it" + otherwise(i)
	case i.Step == repair.StepSynthesize && r.DryRun:
		return "would be made"
	case i.Step == repair.StepSynthesize && i.Status == webhook.ClaimDuplicate:
		return "came before it was made"
	case i.Unsure():
		return "made, and its lead may have been erased meanwhile"
	case i.Step == repair.StepSynthesize:
		return "made"
	}
	return i.Why.Text()
}

// otherwise says what becomes of an event that Smartlead does not post, where that is
// known.
func otherwise(i repair.Item) string {
	switch {
	case i.Why != "":
		return "; else " + i.Why.Text()
	case i.EventID != "":
		return "; else it is made"
	}
	return ""
}

// CountLine counts events of a campaign and type about which the same is done.
type CountLine struct {
	Campaign string // empty: the inbox
	Type     webhook.Type
	Text     string
	N        int
}

// Counts are what is, or would be, done, by campaign and type.
func Counts(r repair.Result) (lines []CountLine) {
	for _, i := range r.Items {
		text := StepText(r, i)
		at := slices.IndexFunc(lines, func(l CountLine) bool { return l.Campaign == i.Campaign && l.Type == i.Type && l.Text == text })
		if at < 0 {
			at = len(lines)
			lines = append(lines, CountLine{Campaign: i.Campaign, Type: i.Type, Text: text})
		}
		lines[at].N++
	}
	return lines
}

// Only is a result with the items that a repair does not come back to: those of a first
// pass that the second one, after the wait, does not find missing any more.
func Only(r repair.Result) repair.Result {
	r.Items = slices.DeleteFunc(slices.Clone(r.Items), func(i repair.Item) bool { return i.Step != repair.StepSynthesize })
	r.Unnamed = 0
	return r
}

// Words are those of an error, also of what is not known then: whether a request to
// Smartlead that was not answered was obeyed.
func Words(err error) string {
	if errors.Is(err, smartleadapi.ErrUnavailable) || errors.Is(err, smartleadapi.ErrAnswer) {
		return problem.Words(err) + "; it may have been done all the same"
	}
	return problem.Words(err)
}
