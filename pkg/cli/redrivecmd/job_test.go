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

// The canary of a redrive of at most one event a second releases one in two seconds.
func TestAPaceBelowOneASecondIsNotNone(t *testing.T) {
	job := redrive.Job{State: redrive.Running, Pace: redrive.Pace{Phase: redrive.Canary, Rate: 0.5}}
	job.Log = []redrive.Entry{{At: time.Date(2126, 3, 4, 10, 0, 0, 123456789, time.UTC), State: redrive.Running, Rate: 0.5}}
	var out bytes.Buffer
	s := &session.Session{Terminal: output.Terminal{Out: &out}, Clock: time.Now}
	if err := showJob(s, job); err != nil || !strings.Contains(out.String(), "0.5 a second (canary)") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if line := changeLine(job); !strings.Contains(line, "0.5 a second") {
		t.Errorf("%s", line)
	}
	if at := jobOf(job).Log[0].At; at != "2126-03-04T10:00:00.123Z" {
		t.Errorf("a time that is not written as the others: %s", at)
	}
}
