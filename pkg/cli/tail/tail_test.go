package tail_test

import (
	"context"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestTailFollows(t *testing.T) {
	s := clitest.New(t)
	before := s.Post(clitest.Reply(1))
	s.Advance(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	var arrived []string
	s.OnSleep = func(context.Context) {
		if len(arrived) == 3 {
			cancel()
			return
		}
		arrived = append(arrived, s.Post(clitest.Reply(10+len(arrived))))
	}
	r := s.RunWith(ctx, "--local", "--state-dir", s.Dir, "tail", "--json")
	got := clitest.Lines(t, r.Out)
	if r.Code != 130 || len(got) != 3 {
		t.Fatalf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
	for i, v := range got {
		if v["event_id"] != arrived[i] || v["event_id"] == before {
			t.Errorf("line %d: %v", i, v["event_id"])
		}
	}
}
