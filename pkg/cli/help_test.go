package cli_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

// What is not quite a word of this program leads to the one that was meant.
func TestDidYouMean(t *testing.T) {
	s := clitest.New(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"evnts", "list"}, "DIR events\n"},
		{[]string{"events", "lst"}, "DIR events list\n"},
		{[]string{"redrive", "stat"}, "DIR redrive start\n"},
		{[]string{"sources", "trust-kye", "demo"}, "DIR sources trust-key\n"},
		{[]string{"find", "tom@acme.example.com"}, "DIR events find\n"},
		{[]string{"show", "latest"}, "DIR events show\n"},
		{[]string{"ls"}, "DIR sources list\n"},
		{[]string{"help", "dql"}, "DIR dlq\n"},
		{[]string{"events", "list", "--stat", "dead"}, "--state\n"},
		{[]string{"redrive", "start", "--errorclass", "x"}, "--error-class\n"},
		{[]string{"events", "list", "--state", "deliverd"}, "--state delivered\n"},
		{[]string{"events", "list", "--type", "EMAIL_REPLI"}, "EMAIL_REPLY\n"},
		{[]string{"events", "list", "--flag", "forwardd"}, "--flag forwarded\n"},
		{[]string{"destinations", "add", "x", "--kind", "htp"}, "--kind http\n"},
	} {
		r := s.Run(c.args...)
		said := strings.ReplaceAll(r.Err, "smartleadctl --local --state-dir "+s.Dir, "DIR")
		if r.Code != 2 || !strings.Contains(said, "did you mean: "+c.want) {
			t.Errorf("%v: exit %d, want %q:\n%s", c.args, r.Code, c.want, said)
		}
	}
	s.Fails(2, "no command \"xyzzy\"", "events", "xyzzy")
	if r := s.Run("events", "xyzzy"); strings.Contains(r.Err, "did you mean") {
		t.Errorf("nothing is near xyzzy:\n%s", r.Err)
	}
}

func TestOtherNames(t *testing.T) {
	s := clitest.New(t)
	for _, c := range [][2]string{
		{"events ls", "events list"}, {"event ls", "events list"}, {"dl ls", "dlq list"}, {"source ls", "sources list"},
		{"destination ls", "destinations list"}, {"dest ls", "destinations list"}, {"--version", "version"}, {"-v --json", "version --json"},
	} {
		got, want := s.OK(strings.Fields(c[0])...), s.OK(strings.Fields(c[1])...)
		if got.Out != want.Out || got.Out+got.Err == "" {
			t.Errorf("%s prints %q, want what %s prints: %q", c[0], got.Out, c[1], want.Out)
		}
	}
}

// What is missing is named, with an example; no words of the library.
func TestWrongArguments(t *testing.T) {
	s := clitest.New(t)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"events", "show"}, []string{"events show needs an event id (ID)", "for example: smartleadctl --local"}},
		{[]string{"events", "show", "a", "b"}, []string{"takes an event id (ID), and got a b"}},
		{[]string{"events", "park"}, []string{"needs event ids (ID…)"}},
		{[]string{"events", "find"}, []string{"needs a text to look for", "tom@acme.example.com"}},
		{[]string{"sources", "add"}, []string{"needs a name (NAME)", "sources add acme"}},
		{[]string{"send"}, []string{"needs files, or - for stdin"}},
		{[]string{"leads", "forget"}, []string{"needs the address of a lead (ADDRESS)"}},
		{[]string{"leads", "forgotten"}, []string{"needs the address of a lead (ADDRESS)"}},
		{[]string{"archive", "again"}, []string{"needs --since", "archive again --since 30d"}},
		{[]string{"resend-guide", "a", "b"}, []string{"takes at most one event type"}},
		{[]string{"events", "list", "extra"}, []string{"takes no argument, and got extra"}},
		{[]string{"events", "list", "--stack", "other"}, []string{"--local and --stack name two stacks"}},
		{[]string{"events", "list", "--region", "eu-west-1"}, []string{"--local and --region name two stacks"}},
	} {
		r := s.Run(c.args...)
		if r.Code != 2 || r.Out != "" || strings.Contains(r.Err, "arg(s)") {
			t.Errorf("%v: exit %d: %s%s", c.args, r.Code, r.Out, r.Err)
		}
		for _, want := range c.want {
			if !strings.Contains(r.Err, want) {
				t.Errorf("%v: no %q in\n%s", c.args, want, r.Err)
			}
		}
	}
}
