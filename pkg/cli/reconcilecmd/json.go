package reconcilecmd

import (
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/reconcile"
)

// campaignJSON is a campaign's result for a script.
type campaignJSON struct {
	Campaign string        `json:"campaign_id"`
	Name     string        `json:"campaign_name,omitempty"`
	At       string        `json:"compared_at"`
	Since    string        `json:"sent_since"`
	Until    string        `json:"sent_until"`
	LagS     int64         `json:"lag_s"`
	Mails    int           `json:"mails"`
	Judged   bool          `json:"judged"`
	Proven   bool          `json:"proven"` // all was read, and nothing is missing
	Cause    string        `json:"cause,omitempty"`
	Types    []typeJSON    `json:"types"`
	Findings []findingJSON `json:"findings"`
	Unnamed  int           `json:"unnamed"`

	Inbox      bool            `json:"inbox,omitempty"` // it is what belongs to no campaign
	Threads    *threadsJSON    `json:"threads,omitempty"`
	Deliveries *deliveriesJSON `json:"deliveries,omitempty"`
}

type typeJSON struct {
	Type        string         `json:"type"`
	Counts      map[string]int `json:"counts"`
	Undelivered int            `json:"undelivered"`
	Repeats     int            `json:"unknowable_repeats"`
}

type findingJSON struct {
	Type    string `json:"type"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason,omitempty"`
	Lead    string `json:"lead_email,omitempty"`
	LeadID  string `json:"lead_id,omitempty"`
	StatsID string `json:"stats_id,omitempty"`
	Step    string `json:"sequence_number,omitempty"`
	At      string `json:"happened_at,omitempty"`
	SentAt  string `json:"sent_at,omitempty"`
	EventID string `json:"event_id,omitempty"`
	Subject string `json:"subject,omitempty"`

	MessageID string `json:"message_id,omitempty"` // of the mail that came
	Category  string `json:"category,omitempty"`   // of the lead at Smartlead
}

func (c comparison) json(campaign reconcile.Campaign) campaignJSON {
	out := campaignJSON{
		Campaign: campaign.ID, Name: c.Names[campaign.ID], At: output.Wire(c.At), Since: output.Wire(c.Window.Since),
		Until: output.Wire(c.Window.Until), LagS: int64(c.Lag.Seconds()), Mails: campaign.Mails, Judged: campaign.Judged,
		Proven: campaign.Proven(), Types: []typeJSON{}, Findings: []findingJSON{}, Unnamed: campaign.Unnamed,
		Inbox: campaign.ID == "",
	}
	c.further(campaign, &out)
	if campaign.Cause != nil {
		out.Cause = problem.Words(campaign.Cause)
	}
	for _, count := range campaign.Types {
		t := typeJSON{Type: string(count.Type), Counts: map[string]int{}, Undelivered: count.Undelivered, Repeats: count.Repeats}
		for _, v := range reconcile.Verdicts {
			t.Counts[string(v)] = count.Counts[v]
		}
		out.Types = append(out.Types, t)
	}
	for _, f := range campaign.Findings {
		out.Findings = append(out.Findings, jsonOf(f))
	}
	return out
}

func jsonOf(f reconcile.Finding) findingJSON {
	out := findingJSON{
		Type: string(f.Type), Verdict: string(f.Verdict), Reason: string(f.Reason), Lead: f.Lead, LeadID: f.LeadID, StatsID: f.StatsID,
		Step: f.Step, At: output.Wire(f.At), SentAt: output.Wire(f.SentAt), EventID: string(f.EventID), Subject: f.Subject, Category: f.Category,
	}
	if f.Reply != nil {
		out.MessageID = f.Reply.MessageID
	}
	return out
}
