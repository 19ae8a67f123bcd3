package redrivecmd_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

// A redrive that a script watches shows each change once, and its end.
func TestWatchWithoutATerminal(t *testing.T) {
	for _, flags := range [][]string{nil, {"--json"}} {
		s := clitest.New(t)
		s.DeadReplies(7)
		s.OK("redrive", "start", "--yes", "--canary", "2")
		looks := 0
		s.OnSleep = func(ctx context.Context) {
			if looks++; looks%3 == 0 { // twice nothing has changed
				step, cancel := context.WithCancel(ctx)
				s.Env.Sleep = func(context.Context, time.Duration) { cancel() }
				s.RunRedrive(step)
				s.Work()
			}
		}
		r := s.OK(append([]string{"redrive", "status", "--watch"}, flags...)...)
		if flags == nil {
			lines := strings.Split(r.Out, "\n")
			before, _, found := strings.Cut(r.Out, "\nRedrive of ")
			if n := strings.Count(before, "\n") + 1; !found || n < 3 || n >= looks || strings.Contains(r.Out, "\r") {
				t.Errorf("%d lines of %d looks:\n%s", n, looks, r.Out)
			}
			for i, line := range strings.Split(before, "\n")[1:] {
				if line[20:] == lines[i][20:] {
					t.Errorf("shown twice: %s", line)
				}
			}
			continue
		}
		objects := clitest.Lines(t, r.Out)
		if n := len(objects); n < 3 || n >= looks || r.Err != "" {
			t.Errorf("%d objects of %d looks, said %q:\n%s", n, looks, r.Err, r.Out)
		}
		done := 0
		for _, v := range objects {
			if v["state"] == "done" {
				done++
			}
		}
		if last := objects[len(objects)-1]; done != 1 || last["state"] != "done" || last["log"] == nil {
			t.Errorf("%d objects tell of the end, the last is %v", done, last)
		}
	}
}
