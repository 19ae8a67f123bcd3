package redrivecmd

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/redrive"
)

// A redrive that has ended looks at its events no more.
func TestWhatARedriveLeftUnderWay(t *testing.T) {
	for _, c := range []struct{ job, want string }{
		{`{"state":"running","in_flight":[{},{}]}`, ""},
		{`{"state":"done","counts":{"released":3,"delivered":2}}`, ""},
		{`{"state":"cancelled","counts":{"released":9,"delivered":4,"died_again":2}}`, "3 were under way when it was cancelled"},
		{`{"state":"cancelled","in_flight":[{},{},{},{},{}]}`, "5 were under way when it was cancelled"},
		{`{"state":"stopped","in_flight":[{}]}`, "1 was under way when it ended"},
	} {
		var job redrive.Job
		if err := json.Unmarshal([]byte(c.job), &job); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		s := &session.Session{Terminal: output.Terminal{Out: &out}, Clock: time.Now}
		if err := showJob(s, job); err != nil || !strings.Contains(out.String(), c.want) ||
			(c.want == "" && strings.Contains(out.String(), "when it")) {
			t.Errorf("%s: %v\n%s", c.job, err, out.String())
		}
	}
}

// What a destination postponed is told where there is any, and not as failed.
func TestPostponedAttemptsAreShownApart(t *testing.T) {
	for _, n := range []int{0, 1234} {
		var out bytes.Buffer
		s := &session.Session{Terminal: output.Terminal{Out: &out}, Clock: time.Now}
		if err := showJob(s, redrive.Job{State: redrive.Done, Counts: redrive.Counts{Postponed: n}}); err != nil {
			t.Fatal(err)
		}
		if shown := strings.Contains(out.String(), "1,234 attempts, at the destination's wish"); shown != (n > 0) {
			t.Errorf("%d postponed:\n%s", n, out.String())
		}
	}
}
