package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

// A shell is offered what the stack has, and nothing where there is none.
func TestCompletion(t *testing.T) {
	s := clitest.New(t)
	id := s.DeadReplies(1)[0]
	short := "EMAIL_REPLY:" + strings.Split(id, ":")[2][:8]
	v := clitest.Lines(t, s.OK("events", "show", id, "--json").Out)[0]
	lead, campaign := v["lead_email"].(string), v["campaign_id"].(string)
	for _, c := range []struct {
		args []string // the last is begun
		want string   // a line; "": none
	}{
		{[]string{"events", "show", ""}, short + "\tdead, " + lead},
		{[]string{"events", "show", "la"}, "latest\tthe event that came last"},
		{[]string{"events", "replay", "latest", "email_r"}, short + "\tdead, " + lead},
		{[]string{"events", "show", short, ""}, ""},
		{[]string{"events", "replay", short, "EMAIL"}, ""},
		{[]string{"events", "list", "--campaign", ""}, campaign + "\t1 recent event"},
		{[]string{"events", "list", "--source", ""}, "demo"},
		{[]string{"events", "list", "--state", "dea"}, "dead"},
		{[]string{"sources", "rotate", "d"}, "demo"},
		{[]string{"sources", "rotate", "x"}, ""},
		{[]string{"sources", "add", ""}, ""},
		{[]string{"destinations", "remove", ""}, "crm"},
		{[]string{"destinations", "remove", "crm", "--to", ""}, "crm"},
		{[]string{"destinations", "test", "c"}, "crm"},
	} {
		out := s.OK(append([]string{"__complete"}, c.args...)...).Out
		lines, _, _ := strings.Cut(out, ":") // what follows is for the shell
		if c.want != "" {
			lines = out
		}
		if c.want != "" && !strings.Contains("\n"+out, "\n"+c.want+"\n") || c.want == "" && lines != "" {
			t.Errorf("%q offers\n%swant %q", c.args, out, c.want)
		}
	}

	if err := os.Remove(filepath.Join(s.Dir, "stack.json")); err != nil {
		t.Fatal(err)
	}
	if r := s.Run("__complete", "events", "show", ""); r.Code != 0 || !strings.HasPrefix(r.Out, ":") {
		t.Errorf("without a stack: exit %d\n%s%s", r.Code, r.Out, r.Err)
	}
}
