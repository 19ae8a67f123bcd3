package reconcilecmd

import (
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
)

// statusJSON is what is kept, for a script.
type statusJSON struct {
	Off           string         `json:"off,omitempty"` // why nothing is compared
	Run           *runJSON       `json:"run,omitempty"` // under way
	DueAt         string         `json:"due_at,omitempty"`
	AskedAt       string         `json:"asked_at,omitempty"`
	PausedUntil   string         `json:"paused_until,omitempty"`
	Cause         string         `json:"cause,omitempty"`
	SucceededAt   string         `json:"succeeded_at,omitempty"`
	AgeS          int64          `json:"age_s"`
	CallsLastHour int            `json:"calls_last_hour"`
	Missing       int            `json:"missing"`
	Unproven      int            `json:"unproven_campaigns"`
	Campaigns     []campaignJSON `json:"campaigns"`
	Runs          []runJSON      `json:"runs"`
}

type runJSON struct {
	ID        string         `json:"id"`
	Look      string         `json:"look"`
	Asked     bool           `json:"asked,omitempty"`
	Began     string         `json:"began_at"`
	Ended     string         `json:"ended_at,omitempty"`
	Slices    int            `json:"slices"`
	Calls     int            `json:"calls"`
	Campaigns int            `json:"campaigns"`
	Unproven  int            `json:"unproven_campaigns"`
	Mails     int            `json:"mails"`
	Counts    map[string]int `json:"counts"`
	Repaired  int            `json:"repaired"`
	Cause     string         `json:"cause,omitempty"`
}

func jsonOfRun(r scheduled.Run) runJSON {
	out := runJSON{
		ID: r.ID, Look: string(r.Look), Asked: r.Asked, Began: output.Wire(r.StartedAt), Ended: output.Wire(r.EndedAt), Slices: r.Slices,
		Calls: r.Calls, Campaigns: r.Campaigns, Unproven: r.Unproven, Mails: r.Mails, Counts: map[string]int{},
		Repaired: r.Repaired.Retriggered + r.Repaired.Synthesized, Cause: r.Cause,
	}
	for _, v := range reconcile.Verdicts {
		out.Counts[string(v)] = r.Counts[v]
	}
	return out
}

func (a standing) json(now time.Time) statusJSON {
	st := a.state
	out := statusJSON{
		Off: st.Off, DueAt: output.Wire(st.DueAt), AskedAt: output.Wire(st.AskedAt), PausedUntil: output.Wire(st.PausedUntil), Cause: st.Cause,
		SucceededAt: output.Wire(st.SucceededAt), AgeS: int64(st.Age(now).Seconds()), CallsLastHour: st.CallsOfLastHour(now),
		Missing: st.Drift.Counts[reconcile.Missing], Unproven: st.Drift.Unproven, Campaigns: []campaignJSON{}, Runs: []runJSON{},
	}
	if st.Run != nil {
		run := jsonOfRun(*st.Run)
		out.Run = &run
	}
	for _, r := range a.runs {
		out.Runs = append(out.Runs, jsonOfRun(r))
	}
	c := a.comparison()
	for i, found := range c.Campaigns {
		kept := a.campaigns[i].Now()
		c.At, c.Window.Since, c.Window.Until = kept.At, kept.Since, kept.Until
		out.Campaigns = append(out.Campaigns, c.json(found))
	}
	return out
}
