package resendguide_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestResendGuideOfAWordThatMeansTwoTypes(t *testing.T) {
	s := clitest.New(t)
	r := s.OK("resend-guide", "replies")
	if !strings.Contains(r.Out, "EMAIL_REPLY fires") || !strings.Contains(r.Out, "UNTRACKED_REPLIES fires") || strings.Count(r.Out, "fires when") != 2 {
		t.Errorf("got\n%s", r.Out)
	}
	if r := s.OK("resend-guide", "opens"); strings.Count(r.Out, "fires when") != 1 {
		t.Errorf("got\n%s", r.Out)
	}
}

const findings = `{"campaign_id":"4100001","findings":[
{"type":"EMAIL_REPLY","verdict":"missing","lead_email":"tom@acme.example.com","sequence_number":"2","happened_at":"2126-03-02T13:39:19.000Z","stats_id":"s-1"},
{"type":"EMAIL_OPEN","verdict":"late","lead_email":"late@acme.example.com"},
{"type":"EMAIL_OPEN","verdict":"missing","lead_email":"ann@acme.example.com"},
{"type":"LEAD_CATEGORY_UPDATED","verdict":"missing","lead_email":"bob@acme.example.com","category":"Not Interested"},
{"type":"EMAIL_EATEN","verdict":"missing","lead_email":"x\u001b[31m@acme.example.com"}],"unnamed":3}
{"campaign_id":"","inbox":true,"findings":[{"type":"UNTRACKED_REPLIES","verdict":"missing","lead_email":"eve@globex.example.net"}],"unnamed":0}
`

// Each missing event is named with its lead and the smallest action; others are not.
func TestResendGuideNamesTheLeadsOfFindings(t *testing.T) {
	s := clitest.New(t)
	lines := strings.ReplaceAll(strings.ReplaceAll(findings, "\n{\"type", "{\"type"), "\n{\"campaign", "\n\n{\"campaign")
	s.Input = lines
	r := s.OK("resend-guide", "--from", "-")
	s.Golden("findings", r.Out)
	if !strings.Contains(r.Err, "3 missing events are not named") || strings.Contains(r.Out, "late@") || strings.Contains(r.Out, "\x1b") {
		t.Errorf("got\n%s%s", r.Out, r.Err)
	}
	r = s.OK("resend-guide", "reply", "--from", s.File("findings.json", lines), "--json")
	got := clitest.Lines(t, r.Out)
	if len(got) != 1 || got[0]["lead_email"] != "tom@acme.example.com" || got[0]["stats_id"] != "s-1" || got[0]["campaign_id"] != "4100001" || got[0]["action"] == "" {
		t.Errorf("got %s", r.Out)
	}
	s.Input = `{"campaign_id":"1","findings":[]}`
	if r := s.OK("resend-guide", "--from", "-"); !strings.Contains(r.Err, "no event is missing") || r.Out != "" {
		t.Errorf("got %s%s", r.Out, r.Err)
	}
	for input, says := range map[string]string{"{}": "line 1 is none", "[1]": "line 1 is none", `{"campaign_id":"1","findings":[]}` + "\nx": "line 2 is none"} {
		s.Input = input
		s.Fails(2, says, "resend-guide", "--from", "-")
	}
	s.Fails(2, "no such file", "resend-guide", "--from", "nowhere.json")
}
