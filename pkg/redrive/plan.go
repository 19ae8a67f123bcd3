package redrive

import (
	"context"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Plan is what a job would do: a dry run.
type Plan struct {
	Dead     int                  `json:"dead"`    // events looked at
	Release  int                  `json:"release"` // would be brought back
	Park     int                  `json:"park"`    // redriven too often: would be parked
	Filtered int                  `json:"filtered"`
	Limited  int                  `json:"beyond_limit"`
	ByType   map[webhook.Type]int `json:"by_type"`
	ByClass  map[string]int       `json:"by_error_class"`
	BySource map[string]int       `json:"by_source"`
	ByCamp   map[string]int       `json:"by_campaign"`
	ByDest   map[string]int       `json:"by_destination"` // one that is dead at two counts at both
	ByAge    map[string]int       `json:"by_age"`
	Oldest   time.Time            `json:"oldest_death,omitzero"`
	Estimate time.Duration        `json:"estimate"` // where the destination keeps up with the pace
}

// Plan counts what an order would release. It reads the index of the dead
// alone, not the events. The index follows the ledger a moment later, so that
// the counts may be off by what died or was brought back just now; a release
// reads the events themselves.
func (s *Service) Plan(ctx context.Context, o Request) (Plan, error) {
	if err := o.Validate(); err != nil {
		return Plan{}, err
	}
	p := Plan{
		ByType: make(map[webhook.Type]int), ByClass: map[string]int{}, BySource: map[string]int{},
		ByCamp: map[string]int{}, ByDest: map[string]int{}, ByAge: map[string]int{},
	}
	now := s.Now()
	for g, err := range s.DeadEvents.DeadSummaries(ctx, now) {
		if err != nil {
			return Plan{}, err
		}
		s.count(&p, g, o, now)
	}
	p.Estimate = s.settings(o, p.Release).estimate(p.Release)
	return p, nil
}

func (s *Service) count(p *Plan, g webhook.DeadSummary, o Request, now time.Time) {
	p.Dead++
	switch {
	case !o.Filter.match(g, now):
		p.Filtered++
		return
	case g.Redrives >= s.policy.ParkAfter:
		p.Park++
		return
	case o.Limit > 0 && p.Release >= o.Limit:
		p.Limited++
		return
	}
	p.Release++
	p.ByType[g.Type]++
	p.ByClass[g.ErrorClass]++
	p.BySource[g.Source]++
	p.ByCamp[g.CampaignID]++
	for _, name := range g.DeadAt {
		p.ByDest[name]++
	}
	p.ByAge[age(now.Sub(g.DiedAt))]++
	if p.Oldest.IsZero() || g.DiedAt.Before(p.Oldest) {
		p.Oldest = g.DiedAt
	}
}

func age(d time.Duration) string {
	switch {
	case d < time.Hour:
		return "under 1 h"
	case d < 24*time.Hour:
		return "1 to 24 h"
	case d < 7*24*time.Hour:
		return "1 to 7 days"
	}
	return "over 7 days"
}

// estimate is how long n events take where nothing fails: the canary, then a
// rate that rises by Add each interval.
func (s Settings) estimate(n int) time.Duration {
	if n == 0 {
		return 0
	}
	first := min(n, s.Canary)
	t := float64(first)/s.CanaryRate + s.Interval.Seconds()
	left, rate := float64(n-first), 2*s.CanaryRate
	for left > 0 {
		rate = min(rate, s.Ceiling)
		if rate == s.Ceiling {
			t += left / rate
			break
		}
		step := min(left, rate*s.Interval.Seconds())
		t += step / rate
		left -= step
		rate += s.Add
	}
	return time.Duration(t * float64(time.Second)).Round(time.Second)
}
