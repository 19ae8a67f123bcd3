package reconcilecmd

import (
	"smartlead-receiver/pkg/cli/comparing"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/repair"
)

// itemJSON is one missing event for a script.
type itemJSON struct {
	findingJSON

	Campaign string `json:"campaign_id,omitempty"`
	Step     string `json:"step"`
	Why      string `json:"why,omitempty"`
	Status   string `json:"status,omitempty"`
	Error    string `json:"error,omitempty"`
	DryRun   bool   `json:"dry_run"`
	Run      string `json:"run,omitempty"`
}

func itemOf(r repair.Result, i repair.Item) itemJSON {
	out := itemJSON{findingJSON: jsonOf(i.Finding), Campaign: i.Campaign, Step: string(i.Step), Why: string(i.Why), Status: string(i.Status), DryRun: r.DryRun, Run: r.Run}
	out.Type, out.EventID = string(i.Type), string(i.EventID)
	if i.Err != nil {
		out.Error = problem.Words(i.Err)
	}
	return out
}

// show prints what was done, or would be: counts by campaign and type, then the events.
func (o repairOptions) show(s *session.Session, c comparing.Comparison, r repair.Result) error {
	if s.JSON {
		for _, i := range r.Items {
			if err := s.Emit(itemOf(r, i)); err != nil {
				return err
			}
		}
		return nil
	}
	counts := output.NewTable("CAMPAIGN", "TYPE", ">EVENTS", "+WHAT").Early("CAMPAIGN")
	for _, line := range comparing.Counts(r) {
		counts.Add(output.OrText(line.Campaign, comparing.Inbox)+" "+c.Names[line.Campaign], string(line.Type), output.Thousands(line.N), line.Text)
	}
	if err := s.Print(counts, ""); err != nil {
		return err
	}
	events := output.NewTable("CAMPAIGN", "TYPE", "LEAD", "HAPPENED", "EVENT", "+WHAT").Late("LEAD").Dispose("HAPPENED")
	for _, i := range r.Items[:min(len(r.Items), o.named)] {
		text := comparing.StepText(r, i)
		if i.Err != nil {
			text += ": " + comparing.Words(i.Err)
		}
		events.Add(output.OrText(i.Campaign, comparing.Inbox), string(i.Type), i.Finding.Lead, output.Stamp(i.Finding.At), string(i.EventID), text)
	}
	if events.Len() > 0 {
		s.Line("")
		if err := s.Print(events, ""); err != nil {
			return err
		}
	}
	if n := len(r.Items) - min(len(r.Items), o.named) + r.Unnamed; n > 0 {
		s.Say("%s named: --show or --json has more", output.Count(n, "event is not", "events are not"))
	}
	for _, a := range r.Asked {
		if a.Err != nil {
			s.Say("campaign %s: %s", output.Clean(a.Campaign), comparing.Words(a.Err))
		}
	}
	return nil
}
