package reconcilecmd

import (
	"errors"
	"slices"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
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

// stepText says what is, or would be, done about an event.
func stepText(r repair.Result, i repair.Item) string {
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

// show prints what was done, or would be: counts by campaign and type, then the events.
func (o repairOptions) show(s *session.Session, c comparison, r repair.Result) error {
	if s.JSON {
		for _, i := range r.Items {
			if err := s.Emit(itemOf(r, i)); err != nil {
				return err
			}
		}
		return nil
	}
	counts := output.NewTable("CAMPAIGN", "TYPE", ">EVENTS", "+WHAT").Early("CAMPAIGN")
	for _, line := range countsOf(r) {
		counts.Add(output.OrText(line.campaign, inboxName)+" "+c.names[line.campaign], string(line.typ), output.Thousands(line.n), line.text)
	}
	if err := s.Print(counts, ""); err != nil {
		return err
	}
	events := output.NewTable("CAMPAIGN", "TYPE", "LEAD", "HAPPENED", "EVENT", "+WHAT").Late("LEAD").Dispose("HAPPENED")
	for _, i := range r.Items[:min(len(r.Items), o.named)] {
		text := stepText(r, i)
		if i.Err != nil {
			text += ": " + wordsAbout(i.Err)
		}
		events.Add(output.OrText(i.Campaign, inboxName), string(i.Type), i.Finding.Lead, output.Stamp(i.Finding.At), string(i.EventID), text)
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
			s.Say("campaign %s: %s", output.Clean(a.Campaign), wordsOf(a.Err))
		}
	}
	return nil
}

func wordsAbout(err error) string {
	var api *smartleadapi.Error
	if errors.As(err, &api) {
		return wordsOf(err)
	}
	return problem.Words(err)
}

// countLine counts events of a campaign and type about which the same is done.
type countLine struct {
	campaign string
	typ      webhook.Type
	text     string
	n        int
}

func countsOf(r repair.Result) (lines []countLine) {
	for _, i := range r.Items {
		text := stepText(r, i)
		at := slices.IndexFunc(lines, func(l countLine) bool { return l.campaign == i.Campaign && l.typ == i.Type && l.text == text })
		if at < 0 {
			at = len(lines)
			lines = append(lines, countLine{campaign: i.Campaign, typ: i.Type, text: text})
		}
		lines[at].n++
	}
	return lines
}
