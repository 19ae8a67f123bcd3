package cli

import (
	"strings"
	"testing"
)

// What is refused is named as it was typed, with what to type instead.
func TestWhatIsRefusedIsNamed(t *testing.T) {
	s := newStation(t)
	flags, kinds := "one of: own_mailbox_sender, daemon_sender", "one of: http, log"
	for _, c := range []struct {
		code int
		want []string
		args []string
	}{
		{2, []string{"--flag nonsense is no flag", flags}, []string{"events", "list", "--flag", "nonsense"}},
		{2, []string{"--flag nonsense is no flag", flags}, []string{"events", "replay", "--flag", "nonsense", "--yes"}},
		{2, []string{"--flag nonsense", flags}, []string{"destinations", "add", "x", "--url", s.dest.URL, "--flag", "nonsense"}},
		{2, []string{"--without-flag nonsense", flags}, []string{"destinations", "add", "x", "--url", s.dest.URL, "--without-flag", "nonsense"}},
		{2, []string{"--kind ftp", kinds}, []string{"destinations", "add", "x", "--url", s.dest.URL, "--kind", "ftp"}},
		{2, []string{"--max-rate NaN"}, []string{"redrive", "plan", "--max-rate", "nan"}},
		{2, []string{"--max-rate +Inf"}, []string{"redrive", "start", "--yes", "--max-rate", "inf"}},
		{2, []string{"--max-rate -Inf"}, []string{"redrive", "start", "--yes", "--max-rate", "-inf"}},
		{4, []string{"first delivery"}, []string{"events", "find", "request-of-a-repeat"}},
		{4, []string{"no source absent", "sources list"}, []string{"sources", "remove", "absent"}},
		{4, []string{"no destination absent", "destinations list"}, []string{"destinations", "remove", "absent"}},
	} {
		r := s.ctl(c.args...)
		if r.code != c.code || r.out != "" {
			t.Errorf("%v: exit %d, want %d: %s", c.args, r.code, c.code, r.out)
		}
		for _, want := range c.want {
			if !strings.Contains(r.err, want) {
				t.Errorf("%v: no %q in\n%s", c.args, want, r.err)
			}
		}
	}
	if r := s.ok("events", "list", "--flag", "Own-Mailbox-Sender"); !strings.Contains(r.err, "no event matches") {
		t.Errorf("another spelling of a flag: %s", r.err)
	}
}

// The reason comes first, and each source has advice of its own.
func TestRefusedSaysWhyFirst(t *testing.T) {
	s := newStation(t)
	for _, name := range []string{"one", "two"} {
		s.ok("sources", "add", name)
		s.said = nil
		s.getenv["SMARTLEAD_TOKEN"] = "slr_wrong"
		for range 2 {
			s.fails(1, "not accepted", "send", "--source", name, s.file("reply.json", reply(1)))
		}
	}
	s.fails(1, "not accepted", "send", s.file("bad.json", `{"event_type": `+strings.Repeat("x", 100)))
	r := s.ok("events", "refused")
	for _, want := range []string{"sources rotate one", "sources rotate two"} {
		if strings.Count(r.out, want) != 1 {
			t.Errorf("not once %q in\n%s", want, r.out)
		}
	}
	v := lines(t, s.ok("events", "refused", "--json").out)[0]
	detail := v["detail"].(string)
	if detail == "" || !strings.Contains(r.out, detail+`; the body begins: {"event_type": xx`) || strings.Contains(r.out, strings.Repeat("x", 60)) {
		t.Errorf("no reason %q, or a long body, in\n%s", detail, r.out)
	}
}
