package repair

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// Scheduled is the repair of a comparison on a schedule: each run goes one step further,
// and the next one waits for nothing. It is a scheduled.Repairer.
type Scheduled struct {
	Service *Service
	Mode    Mode
	Wait    time.Duration // 0: DefaultWait
}

// BySchedule is who repairs in a run of the schedule, as it is recorded.
func BySchedule(run string) string { return "schedule, run " + run }

var errAPI = errors.New("the client of Smartlead's API cannot be asked for what a repair needs")

// Repair repairs one campaign. Its error is that of Service.Repair.
func (s Scheduled) Repair(ctx context.Context, api scheduled.API, found scheduled.Found, budget scheduled.Budget) (scheduled.Repaired, error) {
	asking, ok := api.(API)
	if !ok {
		return scheduled.Repaired{}, errAPI
	}
	if budget.Events <= 0 {
		return scheduled.Repaired{Left: found.Of(reconcile.Missing)}, nil
	}
	if !budget.Until.IsZero() {
		asking = bounded{asking, budget.Until}
	}
	got, err := s.Service.Repair(ctx, asking, Request{
		Mode: s.Mode, Budget: budget.Events, Wait: s.Wait, By: BySchedule(found.Run), Others: found.Others, Until: budget.Until,
	}, found.Campaign)
	return got.repaired(), err
}

// bounded asks nothing beyond a time, so that a call that waits leaves time to note what
// was done.
type bounded struct {
	api   API
	until time.Time
}

func (b bounded) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, b.until)
}

func (b bounded) Retrigger(ctx context.Context, campaign string, w smartleadapi.Window) (smartleadapi.Retriggered, error) {
	ctx, cancel := b.within(ctx)
	defer cancel()
	return b.api.Retrigger(ctx, campaign, w)
}

func (b bounded) Hooks(ctx context.Context, campaign string) ([]smartleadapi.Hook, error) {
	ctx, cancel := b.within(ctx)
	defer cancel()
	return b.api.Hooks(ctx, campaign)
}

func (b bounded) Lead(ctx context.Context, email string) (smartleadapi.Lead, error) {
	ctx, cancel := b.within(ctx)
	defer cancel()
	return b.api.Lead(ctx, email)
}

func (b bounded) History(ctx context.Context, campaign, lead string, since time.Time) ([]smartleadapi.Message, error) {
	ctx, cancel := b.within(ctx)
	defer cancel()
	return b.api.History(ctx, campaign, lead, since)
}

// repaired counts a result.
func (r Result) repaired() scheduled.Repaired {
	out := scheduled.Repaired{Synthesized: r.Made(), Left: r.Of(StepNone) + r.Unnamed, Waiting: r.Of(StepRetrigger) + r.Of(StepWait)}
	for _, a := range r.Asked {
		out.Retriggered += max(0, a.Count)
	}
	var parts []string
	if out.Synthesized > 0 {
		parts = append(parts, fmt.Sprintf("%d made of what Smartlead's API says", out.Synthesized))
	}
	if n := r.Of(StepRetrigger); n > 0 {
		parts = append(parts, fmt.Sprintf("Smartlead was asked to post again: %d are waited for", n))
	}
	if n := r.Of(StepWait); n > 0 {
		parts = append(parts, fmt.Sprintf("%d are waited for", n))
	}
	for _, i := range r.Items {
		if i.Unsure() {
			parts = append(parts, i.Err.Error())
		}
	}
	for _, why := range Whys {
		n := 0
		var err error
		for _, i := range r.Items {
			if i.Step != StepNone || i.Why != why {
				continue
			}
			n++
			if err == nil {
				err = i.Err
			}
			if i.soon() {
				out.Unfinished++
			}
		}
		if n == 0 {
			continue
		}
		said := fmt.Sprintf("%d %s", n, why.Text())
		if err != nil {
			said += " (" + err.Error() + ")"
		}
		parts = append(parts, said)
	}
	out.Says = strings.Join(parts, "; ")
	return out
}

// soon tells whether what was left may be done by the next run: what a run may use was at
// its end, or somebody did not answer.
func (i Item) soon() bool {
	if i.Why == WhyBudget || i.Why == WhyTime {
		return true
	}
	for _, passes := range []error{
		smartleadapi.ErrSpent, smartleadapi.ErrRateLimited, smartleadapi.ErrUnavailable, webhook.ErrUnavailable, context.DeadlineExceeded,
	} {
		if errors.Is(i.Err, passes) {
			return true
		}
	}
	return false
}
