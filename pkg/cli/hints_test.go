package cli

import (
	"strings"
	"testing"
)

// What is refused is named as it was typed, with what to type instead.
func TestWhatIsRefusedIsNamed(t *testing.T) {
	s := newTestStack(t)
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
		{2, []string{"may be more than one event type", "one of: EMAIL_REPLY, UNTRACKED_REPLIES"}, []string{"events", "list", "--type", "replies"}},
		{2, []string{"--source No Good: a name is"}, []string{"doctor", "--source", "No Good"}},
		{1, []string{"1 file cannot be read"}, []string{"identify", "--json", "--explain", s.dir}},
		{4, []string{"no source absent", "sources list"}, []string{"sources", "remove", "absent"}},
		{4, []string{"no destination absent", "destinations list"}, []string{"destinations", "remove", "absent"}},
	} {
		r := s.ctl(c.args...)
		if r.code != c.code || (r.out != "" && c.args[0] != "identify") {
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
	s := newTestStack(t)
	for _, name := range []string{"one", "two"} {
		s.ok("sources", "add", name)
		s.said = nil
		s.getenv["SMARTLEAD_TOKEN"] = "slr_wrong"
		for range 2 {
			s.fails(1, "not accepted", "send", "--source", name, s.file("reply.json", reply(1)))
		}
	}
	s.fails(1, "not accepted", "send", s.file("bad.json", `{"event_type": `+strings.Repeat("xx ", 100)))
	r := s.ok("events", "refused")
	for _, want := range []string{"sources rotate one", "sources rotate two"} {
		if strings.Count(r.out, want) != 1 {
			t.Errorf("not once %q in\n%s", want, r.out)
		}
	}
	v := lines(t, s.ok("events", "refused", "--json").out)[0]
	detail := v["detail"].(string)
	if detail == "" || !strings.Contains(r.out, detail+`; the body begins: {"event_type": xx`) || strings.Contains(r.out, strings.Repeat("xx ", 40)) {
		t.Errorf("no reason %q, or a long body, in\n%s", detail, r.out)
	}
}

func TestRedriveCommandsThatComeTwice(t *testing.T) {
	s := newTestStack(t)
	s.deadReplies(1)
	s.ok("redrive", "start", "--yes")
	s.fails(1, "nothing to resume: the redrive is running", "redrive", "resume")
	s.ok("redrive", "pause")
	s.fails(1, "nothing to pause: the redrive is paused", "redrive", "pause")
	s.fails(1, "redrive resume", "redrive", "pause")
	s.ok("redrive", "cancel")
	s.fails(4, "redrive start", "redrive", "pause")
}

func TestDoctorNamesASourceThatIsNotThere(t *testing.T) {
	s := newTestStack(t)
	r := s.ctl("doctor", "--source", "nope")
	if r.code != 1 || !strings.Contains(r.out, "there is no source nope") || !strings.Contains(r.out, "sources list") {
		t.Errorf("exit %d:\n%s", r.code, r.out)
	}
}

func TestResendGuideOfAWordThatMeansTwoTypes(t *testing.T) {
	s := newTestStack(t)
	r := s.ok("resend-guide", "replies")
	if !strings.Contains(r.out, "EMAIL_REPLY fires") || !strings.Contains(r.out, "UNTRACKED_REPLIES fires") || strings.Count(r.out, "fires when") != 2 {
		t.Errorf("got\n%s", r.out)
	}
	if r := s.ok("resend-guide", "opens"); strings.Count(r.out, "fires when") != 1 {
		t.Errorf("got\n%s", r.out)
	}
}

// Nothing is announced before it is done.
func TestTrustKeyWithoutAKey(t *testing.T) {
	s := newTestStack(t)
	if r := s.ctl("sources", "trust-key", "demo", "--yes"); r.code != 2 || strings.Contains(r.err, "first key") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}

// A body that cannot reach the receiver is in no list of what was refused.
func TestBodiesOverTheLimit(t *testing.T) {
	s := newTestStack(t)
	file := s.file("large.json", strings.Replace(reply(1), "<p>Yes</p>", strings.Repeat("x", maxInvocation), 1))
	for _, args := range [][]string{{"send", file}, {"identify", file}} {
		r := s.ctl(args...)
		if r.code != 1 || !strings.Contains(r.out, "larger than the receiver takes: 6 MB") || strings.Contains(r.err, "events refused") {
			t.Errorf("%v: exit %d: %.300s%s", args, r.code, r.out, r.err)
		}
	}
	for size, want := range map[int]bool{0: false, maxInvocation - 100: false, maxInvocation: true} {
		if got := tooLarge([]byte(strings.Repeat("x", size))); got != want {
			t.Errorf("%d bytes: %t", size, got)
		}
	}
	if !tooLarge([]byte(strings.Repeat(`"`, maxInvocation/2))) {
		t.Error("a body grows when it is quoted")
	}
}

func TestIdentifySaysTheAccount(t *testing.T) {
	s := newTestStack(t)
	file := s.file("reply.json", reply(1))
	for _, c := range []struct {
		args []string
		want bool
	}{
		{[]string{"identify", file}, true},
		{[]string{"identify", "--json", file}, false},
		{[]string{"identify", "--account", "default", file}, false},
	} {
		if r := s.ok(c.args...); strings.Contains(r.err, "read as account default; another one: --account NAME") != c.want {
			t.Errorf("%v: %s", c.args, r.err)
		}
	}
}
