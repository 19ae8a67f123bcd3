package events_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestRefused(t *testing.T) {
	s := clitest.New(t)
	s.Getenv["SMARTLEAD_TOKEN"] = "wrong-token-000"
	file := s.File("reply.json", clitest.Reply(1))
	s.Fails(1, "events refused", "send", "--source", "nobody", file)
	r := s.OK("events", "refused")
	if !strings.Contains(r.Out, "unknown_source") || !strings.Contains(r.Out, "sources list") {
		t.Errorf("got\n%s", r.Out)
	}
	if v := clitest.Lines(t, s.OK("events", "refused", "--json").Out); len(v) != 1 || v[0]["cause"] != "unknown_source" {
		t.Errorf("got %v", v)
	}
	if r := s.OK("events", "refused", "--day", "2126-03-01"); !strings.Contains(r.Err, "nothing was refused") {
		t.Errorf("got %s", r.Err)
	}
	s.Fails(2, "--day", "events", "refused", "--day", "yesterday")
}

// The reason comes first, and each source has advice of its own.
func TestRefusedSaysWhyFirst(t *testing.T) {
	s := clitest.New(t)
	for _, name := range []string{"one", "two"} {
		s.OK("sources", "add", name)
		s.Said = nil
		s.Getenv["SMARTLEAD_TOKEN"] = "slr_wrong"
		for range 2 {
			s.Fails(1, "not accepted", "send", "--source", name, s.File("reply.json", clitest.Reply(1)))
		}
	}
	s.Fails(1, "not accepted", "send", s.File("bad.json", `{"event_type": `+strings.Repeat("xx ", 100)))
	s.Fails(1, "not accepted", "send", s.File("scalar.json", "42"))
	r := s.OK("events", "refused")
	for _, want := range []string{"sources rotate one", "sources rotate two", "scalar, not_json: it can never be an event"} {
		if strings.Count(r.Out, want) != 1 {
			t.Errorf("not once %q in\n%s", want, r.Out)
		}
	}
	v := clitest.Lines(t, s.OK("events", "refused", "--json").Out)[1]
	detail := v["detail"].(string)
	if detail == "" || !strings.Contains(r.Out, detail+`; the body begins: {"event_type": xx`) || strings.Contains(r.Out, strings.Repeat("xx ", 40)) {
		t.Errorf("no reason %q, or a long body, in\n%s", detail, r.Out)
	}
}
