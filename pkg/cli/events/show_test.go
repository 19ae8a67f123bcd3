package events_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestDetailOfADeadEvent(t *testing.T) {
	s := clitest.New(t)
	id := s.DeadReplies(1)[0]
	s.Post(clitest.Reply(0))
	s.Post(strings.Replace(clitest.Reply(0), "<p>Yes</p>", "<p>No</p>", 1))
	s.Advance(time.Hour)
	s.Golden("show-dead", s.OK("events", "show", id).Out)

	v := clitest.Lines(t, s.OK("events", "show", id, "--json").Out)[0]
	if v["state"] != "dead" || v["error_class"] != "http_503" || len(v["history"].([]any)) != 1 ||
		v["duplicates"] != 1.0 || v["variants"] != 1.0 || v["subject"] != "Re: hello 0" {
		t.Errorf("got %v", v)
	}
	if next := fmt.Sprint(v["next"]); !strings.Contains(next, "events replay") || !strings.Contains(next, "does not mean not applied") {
		t.Errorf("what to do next: %s", next)
	}
}
