package resendguide

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// maxLine bounds a line of what reconcile run --json prints, in bytes: it names up to a
// thousand findings.
const maxLine = 16 << 20

// found is what a line of reconcile run --json says, as far as it is used.
type found struct {
	Campaign string     `json:"campaign_id"`
	Name     string     `json:"campaign_name"`
	Findings *[]missing `json:"findings"`
	Unnamed  int        `json:"unnamed"`
}

// missing is a finding.
type missing struct {
	Type     webhook.Type `json:"type"`
	Verdict  string       `json:"verdict"`
	Lead     string       `json:"lead_email"`
	Step     string       `json:"sequence_number"`
	At       string       `json:"happened_at"`
	SentAt   string       `json:"sent_at"`
	Category string       `json:"category"`
	StatsID  string       `json:"stats_id"`
}

// resend is what to do for one missing event.
type resend struct {
	Type     webhook.Type `json:"type"`
	Campaign string       `json:"campaign_id,omitempty"`
	Lead     string       `json:"lead_email,omitempty"`
	Step     string       `json:"sequence_number,omitempty"`
	StatsID  string       `json:"stats_id,omitempty"`
	At       string       `json:"happened_at,omitempty"`
	Action   string       `json:"action"`
	Note     string       `json:"note,omitempty"`
}

// fromFindings says for each missing event of a comparison what makes Smartlead send it
// again. types choose of them; nil: all.
func fromFindings(s *session.Session, path string, types []webhook.Type) error {
	in, end, err := open(s, path)
	if err != nil {
		return err
	}
	defer end()
	all, unnamed, err := read(in)
	if err != nil {
		return err
	}
	if types != nil {
		all = slices.DeleteFunc(all, func(r resend) bool { return !slices.Contains(types, r.Type) })
	}
	slices.SortStableFunc(all, func(a, b resend) int {
		return cmp.Compare(slices.Index(webhook.Types, a.Type), slices.Index(webhook.Types, b.Type))
	})
	if s.JSON {
		for _, r := range all {
			if err := s.Emit(r); err != nil {
				return err
			}
		}
	} else if err := show(s, all); err != nil {
		return err
	}
	if unnamed > 0 {
		s.Say("%s not named in what was read: compare fewer campaigns, or a shorter time", output.Count(unnamed, "missing event is", "missing events are"))
	}
	return nil
}

func open(s *session.Session, path string) (in io.Reader, end func(), err error) {
	if path == "-" {
		return s.In, func() {}, nil
	}
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, nil, problem.Usage("--from %s cannot be read: %v", output.Plain(path), errors.Unwrap(err))
	}
	return f, func() { _ = f.Close() }, nil
}

// read reads the lines of reconcile run --json.
func read(in io.Reader) (all []resend, unnamed int, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var f found
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil || f.Findings == nil {
			return nil, 0, problem.Usage("line %d is none of reconcile run --json", n)
		}
		for _, m := range *f.Findings {
			if m.Verdict == "missing" {
				all = append(all, m.resend(f.Campaign))
			}
		}
		unnamed += f.Unnamed
	}
	if err := lines.Err(); err != nil {
		return nil, 0, problem.Usage("what was given cannot be read: %v", err)
	}
	return all, unnamed, nil
}

// forLead is the smallest action that makes Smartlead send an event of the type for the very
// lead. Of most, the lead alone can do it: the guide of the type names one for a test lead,
// which proves the way and does not bring what is missing.
var forLead = map[webhook.Type]string{ //nolint:exhaustive // what is not compared has no lead to name
	webhook.EmailSent:           "nothing does: the mail is not sent twice",
	webhook.EmailOpen:           "only the lead can, by opening the mail again with images shown",
	webhook.EmailLinkClick:      "only the lead can, by clicking a tracked link again",
	webhook.EmailReply:          "only the lead can, by another reply; this one can be read in Smartlead's master inbox",
	webhook.EmailBounce:         "nothing does: a lead that has bounced does not bounce again",
	webhook.LeadUnsubscribed:    "unsubscribe the lead in the campaign once more",
	webhook.LeadCategoryUpdated: "set the lead to another category and back",
	webhook.UntrackedReplies:    "only its sender can, by another mail; this one can be read in Smartlead's master inbox",
}

// resend says what to do for a finding. Everything in it was written by somebody else.
func (m missing) resend(campaign string) resend {
	r := resend{Type: m.Type, Campaign: campaign, Lead: m.Lead, Step: m.Step, StatsID: m.StatsID, At: m.At, Action: forLead[m.Type]}
	if guide, known := smartlead.ResendGuideFor(m.Type); known {
		r.Note = guide.Note
		r.Action = output.OrText(r.Action, guide.Action)
	}
	if m.Type == webhook.LeadCategoryUpdated && m.Category != "" {
		r.Action += " to " + output.Quote(output.Clean(m.Category))
	}
	r.Action = output.OrText(r.Action, "nothing is known that makes Smartlead send it again")
	return r
}

// show groups what is to be done by type: the action once, and whom it is to be done for.
func show(s *session.Session, all []resend) error {
	if len(all) == 0 {
		s.Say("no event is missing in what was read")
		return nil
	}
	for begin := 0; begin < len(all); {
		end := begin
		for end < len(all) && all[end].Type == all[begin].Type {
			end++
		}
		of := all[begin:end]
		if begin > 0 {
			s.Line("")
		}
		s.Line("%s: %s missing", output.Clean(string(of[0].Type)), output.Count(len(of), "is", "are"))
		t := output.NewTable("LEAD", "CAMPAIGN", ">STEP", "HAPPENED", "+DO").Early("LEAD")
		for _, r := range of {
			t.Add(output.Clean(r.Lead), output.Clean(r.Campaign), output.Clean(r.Step), output.Clean(r.At), r.Action)
		}
		if err := s.Print(t, ""); err != nil {
			return err
		}
		if of[0].Note != "" {
			s.Line("  note: %s", of[0].Note)
		}
		begin = end
	}
	s.Line("")
	s.Line("first: %s reconcile repair --dry-run, which shows what can be brought without anybody's doing", s.Self())
	s.Line("then:  %s reconcile run", s.Self())
	return nil
}
