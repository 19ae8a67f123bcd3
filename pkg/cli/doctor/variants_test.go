package doctor_test

import (
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

// A body that was kept beside an event was delivered to nobody. Where it says
// something else, somebody must look; where only its envelope differs, nobody must.
func TestDoctorTellsOfVariants(t *testing.T) {
	s := clitest.New(t)
	if result, detail := found(t, s, "variants"); result != "ok" || !strings.Contains(detail, "none") {
		t.Errorf("%s: %s", result, detail)
	}
	envelope := s.Post(clitest.Reply(1))
	s.Post(strings.Replace(clitest.Reply(1), `"campaign_id"`, `"app_note":"x","campaign_id"`, 1))
	if result, detail := found(t, s, "variants"); result != "ok" || !strings.Contains(detail, "1 variant of 1 event") || !strings.Contains(detail, "envelope alone") {
		t.Errorf("%s: %s", result, detail)
	}
	other := s.Post(clitest.Reply(2))
	s.Post(strings.ReplaceAll(clitest.Reply(2), "Yes", "No, never"))
	s.Post(strings.Replace(clitest.Reply(2), "Re: hello", "Re: good bye", 1))
	result, detail := found(t, s, "variants")
	if result != "note" || !strings.Contains(detail, "3 variants of 2 events") || !strings.Contains(detail, other+" (reply, subject)") || strings.Contains(detail, envelope) {
		t.Errorf("%s: %s", result, detail)
	}
	if out := s.OK("doctor").Out; !strings.Contains(out, "events split ID FINGERPRINT") {
		t.Errorf("no action:\n%s", out)
	}
	v := clitest.Lines(t, s.OK("stats", "--json").Out)[0]
	if v["variants"] != 3.0 || !strings.Contains(s.OK("stats").Out, "VARIANTS") {
		t.Errorf("stats: %v", v)
	}
	for _, variant := range clitest.Lines(t, s.OK("events", "variants", other, "--json").Out) {
		s.OK("events", "split", other, variant["fingerprint"].(string))
	}
	if result, detail := found(t, s, "variants"); result != "ok" || !strings.Contains(detail, "1 variant of 1 event") {
		t.Errorf("what was split is told: %s: %s", result, detail)
	}
	s.Advance(32 * 24 * time.Hour)
	if _, detail := found(t, s, "variants"); !strings.Contains(detail, "none in the last 31 days") {
		t.Errorf("after a month: %s", detail)
	}
}
