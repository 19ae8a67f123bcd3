package reconcilecmd

import (
	"fmt"
	"strings"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/reconcile"
)

// furtherNotes are the sentences on what --deep compared.
func furtherNotes(campaign reconcile.Campaign) (lines []string) {
	if t := campaign.Threads; t != nil && t.Leads > 0 {
		line := fmt.Sprintf("the message history of %s of %s that answered was read", output.Thousands(t.Read), output.Count(t.Leads, "lead", "leads"))
		if t.Left > 0 {
			line += fmt.Sprintf("; of %s further replies are not known (--threads, --max-calls)", output.Thousands(t.Left))
		}
		if t.Absent > 0 {
			line += fmt.Sprintf("; %s at Smartlead no more", output.Count(t.Absent, "is", "are"))
		}
		lines = append(lines, line)
	}
	if d := campaign.Deliveries; d != nil {
		line := strings.ReplaceAll(string(d.Agreement), "_", " ") + ": " + d.Says()
		if d.Cause != nil {
			line = d.Says() + ": " + output.Clean(problem.Words(d.Cause))
		}
		lines = append(lines, "deliveries: "+line)
		if d.Cause == nil && d.There.Failed > 0 {
			lines = append(lines, failedNote(*d))
		}
	}
	return lines
}

// failedNote says on whose side deliveries failed, as far as that can be told.
func failedNote(d reconcile.Deliveries) string {
	failed := output.Count(d.There.Failed, "delivery", "deliveries") + " failed by Smartlead's count"
	switch {
	case d.TheirSide():
		return failed + ", and nothing was refused here in that time: it is on Smartlead's side, or on the way"
	case d.Refused > 0:
		return failed + ", and " + output.Count(d.Refused, "request was", "requests were") + " refused here in that time, which may be those: events refused"
	}
	return failed + "; how many were refused here is not known any more"
}

// maxSupport bounds the campaigns whose text for the support is printed.
const maxSupport = 3

// support prints what to send to Smartlead's support.
func (c comparison) support(s *session.Session) {
	shown := 0
	for _, campaign := range c.Campaigns {
		text := c.SupportText(campaign)
		switch {
		case text == "":
			continue
		case shown == maxSupport:
			s.Say("more campaigns have failed deliveries: --campaign, or --json (support_text)")
			return
		}
		shown++
		s.Line("")
		s.Line("To Smartlead's support, about campaign %s:", output.Clean(campaign.ID))
		s.Line("")
		for line := range strings.Lines(text) {
			s.Line("%s", strings.TrimRight("    "+output.Clean(strings.TrimSuffix(line, "\n")), " "))
		}
	}
}

// threadsJSON and deliveriesJSON are what --deep compared, for a script.
type threadsJSON struct {
	Leads  int    `json:"leads"`
	Read   int    `json:"read"`
	Absent int    `json:"absent"`
	Left   int    `json:"left"`
	Cause  string `json:"cause,omitempty"`
}

type deliveriesJSON struct {
	Agreement string `json:"agreement,omitempty"`
	Says      string `json:"says"`
	Total     int    `json:"smartlead_total"`
	Succeeded int    `json:"smartlead_successful"`
	Failed    int    `json:"smartlead_failed"`
	Least     int    `json:"accepted_at_least"`
	Most      int    `json:"accepted_at_most"`
	Refused   *int   `json:"refused_here,omitempty"` // absent: it is not known
	TheirSide bool   `json:"on_smartleads_side"`
	Cause     string `json:"cause,omitempty"`
	Support   string `json:"support_text,omitempty"`
}

func (c comparison) further(campaign reconcile.Campaign, out *campaignJSON) {
	if t := campaign.Threads; t != nil {
		out.Threads = &threadsJSON{Leads: t.Leads, Read: t.Read, Absent: t.Absent, Left: t.Left}
		if t.Cause != nil {
			out.Threads.Cause = problem.Words(t.Cause)
		}
	}
	d := campaign.Deliveries
	if d == nil {
		return
	}
	out.Deliveries = &deliveriesJSON{
		Agreement: string(d.Agreement), Says: d.Says(), Total: d.There.Total, Succeeded: d.There.Succeeded, Failed: d.There.Failed,
		Least: d.Least, Most: d.Most, TheirSide: d.TheirSide(), Support: c.SupportText(campaign),
	}
	if d.Refused >= 0 {
		out.Deliveries.Refused = &d.Refused
	}
	if d.Cause != nil {
		out.Deliveries.Cause = problem.Words(d.Cause)
	}
}
