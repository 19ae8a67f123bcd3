package repair

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
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
	events := budget.Events
	if events <= 0 {
		return scheduled.Repaired{Left: found.Of(reconcile.Missing)}, nil
	}
	got, err := s.Service.Repair(ctx, asking, Request{
		Mode: s.Mode, Budget: events, Wait: s.Wait, By: BySchedule(found.Run), Window: found.Window, Until: budget.Until,
	}, found.Campaign)
	return got.repaired(), err
}

// repaired counts a result.
func (r Result) repaired() scheduled.Repaired {
	out := scheduled.Repaired{Synthesized: r.Made(), Left: r.Of(StepNone) + r.Unnamed}
	for _, a := range r.Asked {
		out.Retriggered += max(0, a.Count)
	}
	var parts []string
	if n := r.Of(StepRetrigger); n > 0 {
		parts = append(parts, fmt.Sprintf("Smartlead was asked to post again: %d are waited for", n))
	}
	if n := r.Of(StepWait); n > 0 {
		parts = append(parts, fmt.Sprintf("%d are waited for", n))
	}
	for _, why := range Whys {
		n := 0
		for _, i := range r.Items {
			if i.Step == StepNone && i.Why == why {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, why.Text()))
		}
	}
	out.Says = strings.Join(parts, "; ")
	return out
}
